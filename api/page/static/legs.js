// The two searches and their fusion as three columns of ranks, with a line for each passage that moved.

import { el, svg } from "./dom.js";
import { t } from "./i18n.js";

const ROWS = 8;
const ROW = 34;
const TOP = 30;
const BOX = 196;
const GAP = 84;
const WIDTH = 3 * BOX + 2 * GAP;

// `used` gives the number of the passage that a candidate became, or nothing.
export function legsFigure(candidates, used) {
  const fused = new Map(candidates.slice(0, ROWS).map((one, rank) => [one.id, rank + 1]));
  const height = TOP + ROWS * ROW;
  const picture = svg("svg", { class: "figure", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": t("legs_text") });
  const columns = [
    ["by_meaning", (one) => one.dense_rank, 0],
    ["together", (one) => fused.get(one.id), BOX + GAP],
    ["by_words", (one) => one.lexical_rank, 2 * (BOX + GAP)],
  ];
  for (const one of candidates) {
    const at = fused.get(one.id);
    if (!at) continue;
    if (one.dense_rank && one.dense_rank <= ROWS) picture.append(line(BOX, one.dense_rank, BOX + GAP, at, used(one)));
    if (one.lexical_rank && one.lexical_rank <= ROWS) picture.append(line(2 * BOX + GAP, at, 2 * (BOX + GAP), one.lexical_rank, used(one)));
  }
  for (const [key, rankOf, x] of columns) {
    picture.append(svg("text", { x, y: 14, class: "faint" }, t(key)));
    for (const one of candidates) {
      const rank = rankOf(one);
      if (rank && rank <= ROWS) picture.append(box(one, rank, x, used(one)));
    }
  }
  return el("div", { class: "scroll", tabindex: "0" }, picture);
}

function box(one, rank, x, number) {
  const y = TOP + (rank - 1) * ROW;
  const name = clipped(`${one.heading_path.at(-1) || one.source} :${one.start_line}`, BOX - 42);
  const title = svg("title", {}, `${one.heading_path.join(" › ")} ${one.source}:${one.start_line}`);
  return svg(
    "g",
    {},
    title,
    svg("rect", { x, y, width: BOX, height: ROW - 8, rx: 6, class: number === undefined ? "" : "used" }),
    svg("text", { x: x + 9, y: y + 17, class: "faint" }, String(rank)),
    svg("text", { x: x + 28, y: y + 17 }, name),
  );
}

function line(x1, rank1, x2, rank2, number) {
  const [y1, y2] = [rank1, rank2].map((rank) => TOP + (rank - 1) * ROW + (ROW - 8) / 2);
  const middle = (x1 + x2) / 2;
  return svg("path", { d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, class: number === undefined ? "" : "used" });
}

// As much of a text as fits, a Chinese character being twice as wide as a Latin one.
function clipped(text, width) {
  let used = 0;
  for (let at = 0; at < text.length; at++) {
    used += text.charCodeAt(at) > 0x2e80 ? 12 : 6.6;
    if (used > width) return `${text.slice(0, at)}…`;
  }
  return text;
}
