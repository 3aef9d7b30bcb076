// A figure of both searches and their fusion: three columns of ranks, with lines between the ranks of a passage.

import { el, svg } from "./dom.js";
import { t } from "./i18n.js";

const ROWS = 8;
const ROW = 34;
const TOP = 30;
const BOX = 196;
const GAP = 84;
const WIDTH = 3 * BOX + 2 * GAP;

// `numberOf` returns the number of the passage that a candidate became, or undefined.
export function fusionFigure(candidates, numberOf) {
  const fused = new Map(candidates.slice(0, ROWS).map((candidate, index) => [candidate.id, index + 1]));
  const height = TOP + ROWS * ROW;
  const picture = svg("svg", { class: "figure", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": t("fusion_text") });
  const columns = [
    ["by_meaning", (candidate) => candidate.dense_rank, 0],
    ["together", (candidate) => fused.get(candidate.id), BOX + GAP],
    ["by_words", (candidate) => candidate.lexical_rank, 2 * (BOX + GAP)],
  ];
  for (const candidate of candidates) {
    const rank = fused.get(candidate.id);
    if (!rank) continue;
    const { dense_rank: dense, lexical_rank: lexical } = candidate;
    if (dense && dense <= ROWS) picture.append(line(BOX, dense, BOX + GAP, rank, numberOf(candidate)));
    if (lexical && lexical <= ROWS) picture.append(line(2 * BOX + GAP, rank, 2 * (BOX + GAP), lexical, numberOf(candidate)));
  }
  for (const [key, rankOf, x] of columns) {
    picture.append(svg("text", { x, y: 14, class: "faint" }, t(key)));
    for (const candidate of candidates) {
      const rank = rankOf(candidate);
      if (rank && rank <= ROWS) picture.append(box(candidate, rank, x, numberOf(candidate)));
    }
  }
  return el("div", { class: "scroll", tabindex: "0" }, picture);
}

function box({ heading_path: path, source, start_line: line }, rank, x, number) {
  const y = TOP + (rank - 1) * ROW;
  const name = clip(`${path.at(-1) || source} :${line}`, BOX - 42);
  const title = svg("title", {}, `${path.join(" › ")} ${source}:${line}`);
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

// Cuts a text to a width in pixels; a Chinese character is about twice as wide as a Latin one.
function clip(text, width) {
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    length += text.charCodeAt(index) > 0x2e80 ? 12 : 6.6;
    if (length > width) return `${text.slice(0, index)}…`;
  }
  return text;
}
