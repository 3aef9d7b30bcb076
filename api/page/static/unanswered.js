// The page of what nobody could answer: questions that ask for the same thing, and what to do about them.

import { copyText } from "./clipboard.js";
import { el } from "./dom.js";
import { start, waitOut } from "./frame.js";
import { describe, json, request } from "./http.js";
import { language, say, t } from "./i18n.js";
import { addChooser, routeOf } from "./knowledge_bases.js";

const LIMIT = 50;
const summary = document.getElementById("summary");
const list = document.getElementById("gaps");
const stale = document.getElementById("stale");
let found = null;

async function load() {
  try {
    found = await json(routeOf(`/gaps?limit=${LIMIT}`));
    show();
  } catch (error) {
    waitOut(error, load);
    say(summary, ...describe(error));
  }
}

function change() {
  load();
  loadStale();
}

function show() {
  const isEmpty = !found.gaps.length;
  if (isEmpty) say(summary, found.kept ? "gaps_none" : "gaps_off");
  else say(summary, "gaps_found", { count: found.found, asked: found.asked });
  for (const button of downloads) button.hidden = isEmpty;
  list.replaceChildren(...found.gaps.map(entry));
}

function entry(gap) {
  const summary = el(
    "summary",
    {},
    el("b", {}, gap.question),
    say(el("span", { class: "count" }), "gap_asked", { count: gap.asked }),
    el("span", { class: "path" }, problemsOf(gap), " · ", between(gap)),
  );
  const others = gap.questions.filter((question) => question !== gap.question);
  return el(
    "li",
    {},
    el(
      "details",
      {},
      summary,
      gap.answerable ? say(el("p", { class: "muted" }), "gap_answerable") : null,
      others.length ? el("ul", { class: "outline" }, ...others.map((question) => el("li", {}, question))) : null,
      gap.nearest ? nearest(gap.nearest) : null,
      actions(gap),
    ),
  );
}

function nearest({ source, heading_path: headings, url }) {
  const place = [source, ...headings].join(" › ");
  return el("p", { class: "where" }, say(el("span", { class: "label" }), "gap_nearest"), el("a", { href: url }, place));
}

// Each button shows a text to be completed, with a button that copies it.
function actions(gap) {
  const shown = el("div", { class: "why" });
  const offer = (key, text) => {
    const button = say(el("button", { type: "button", class: "button plain", "aria-expanded": "false" }), key);
    button.addEventListener("click", () => {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      for (const other of row.children) other.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-expanded", String(!isOpen));
      shown.replaceChildren(...(isOpen ? [] : [copyable(text)]));
    });
    return button;
  };
  const row = el("div", { class: "row" }, offer("gap_golden", goldenYaml(gap.golden)), offer("gap_draft", gap.draft));
  return el("div", { class: "gap-actions" }, row, shown);
}

function copyable(text) {
  const copy = say(el("button", { type: "button", class: "quiet" }), "copy");
  copy.addEventListener("click", () => copyText(text, copy));
  return el("div", {}, el("pre", { tabindex: "0" }, text), copy);
}

// An entry of golden.yaml: JSON's strings are YAML, too.
function goldenYaml(golden) {
  const lines = Object.entries(golden).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `  - ${lines.join("\n    ")}\n`;
}

function problemsOf(gap) {
  const counts = [
    ["gap_refused", gap.refused],
    ["gap_unverified", gap.unverified],
    ["gap_disliked", gap.disliked],
  ];
  return counts.filter(([, number]) => number).map(([key, number]) => t(key, { number })).join(" · ");
}

function between({ first_asked: first, last_asked: last }) {
  const [from, to] = [first, last].map((time) => new Date(time).toLocaleDateString(language() === "zh" ? "zh-CN" : "en"));
  return from === to ? from : `${from} – ${to}`;
}

// Only an administrator may see how much others use a document, so nothing is asked until somebody wants to know.
async function loadStale() {
  if (!stale.open) return;
  const text = document.getElementById("stale-summary");
  try {
    const { days, found: count, documents } = await json(routeOf(`/gaps/stale?limit=${LIMIT}`));
    say(text, count ? "stale_found" : "stale_none", { count, days });
    const items = documents.map(({ title, source, date, answers, url }) => {
      const uses = say(el("span", { class: "count" }), "stale_answers", { count: answers });
      const place = el("span", { class: "path" }, [date, source].join(" · "));
      return el("li", {}, el("a", { href: url, class: "use" }, el("b", {}, title || source), uses, place));
    });
    document.getElementById("stale-documents").replaceChildren(...items);
  } catch (error) {
    waitOut(error, loadStale);
    say(text, ...describe(error));
  }
}

// With an API key, the file cannot be a link: a browser sends no key when it follows one.
async function download(path, name) {
  try {
    const address = URL.createObjectURL(await (await request(routeOf(path))).blob());
    el("a", { href: address, download: name }).click();
    URL.revokeObjectURL(address);
  } catch (error) {
    waitOut(error, load);
    say(summary, ...describe(error));
  }
}

const downloads = [document.getElementById("csv"), document.getElementById("json")];
downloads[0].addEventListener("click", () => download("/page/gaps.csv", "gaps.csv"));
downloads[1].addEventListener("click", () => download("/gaps?limit=100", "gaps.json"));
stale.addEventListener("toggle", loadStale);
document.addEventListener("zhiwen:language", () => found && show());
start("unanswered");
document.title = `${t("nav_gaps")} · 知问`;
addChooser(change, { withAll: false }).then(load, (error) => say(summary, ...describe(error)));
