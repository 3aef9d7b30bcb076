// How an answer came about, as a picture: both searches, what became of their finds, how long it took, what was checked.

import { el, icon } from "./dom.js";
import { legsFigure } from "./legs.js";
import { away } from "./frame.js";
import { json, problem, Unreachable } from "./http.js";
import { has, label, say, t } from "./i18n.js";

const LISTED = 20;

export async function openWhy(traceId, opener) {
  const body = el("div", { class: "body why", tabindex: "0" });
  const dialog = el("dialog", { class: "side wide", id: "why", "aria-labelledby": "why-title" });
  const close = label(el("button", { type: "button", class: "quiet icon", onclick: () => dialog.close() }, icon("close")), "close");
  dialog.append(el("header", {}, el("div", {}, say(el("h2", { id: "why-title" }), "why_title")), close), body);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener.focus({ preventScroll: true });
  });
  body.append(say(el("p", { class: "muted" }), "loading"));
  document.body.append(dialog);
  dialog.showModal();
  try {
    body.replaceChildren(...sections(await json(`/traces/${traceId}`)));
  } catch (error) {
    if (error instanceof Unreachable) away();
    const told = error.status === 404 ? ["trace_gone"] : problem(error);
    body.replaceChildren(say(el("p", { class: "note" }), ...told));
  }
}

function sections(trace) {
  const used = usedBy(trace);
  const found = [
    section("question", ...asked(trace)),
    section("evidence", ...evidence(trace.retrieval)),
    section("legs", say(el("p", { class: "muted" }), "legs_text"), legsFigure(trace.retrieval.candidates, used)),
    section("candidates", candidates(trace, used)),
    section("terms", terms(trace.retrieval.terms)),
    section("timings", timings(trace.milliseconds)),
    section("attempts", attempts(trace)),
  ];
  if (trace.verification.length) found.push(section("verification", verification(trace.verification)));
  if (trace.prompt.length) found.push(section("prompt", ...trace.prompt.map(message)));
  return found;
}

function section(key, ...children) {
  return el("section", {}, say(el("h3"), key), ...children);
}

function asked(trace) {
  const parts = [el("p", {}, trace.question)];
  if (trace.standalone_question && trace.standalone_question !== trace.question) {
    const how = say(el("span", { class: "muted" }), trace.rewritten_by === "model" ? "standalone_model" : "standalone_rule");
    parts.push(el("p", {}, how, " ", trace.standalone_question));
  }
  if (trace.cached) parts.push(say(el("p", { class: "muted" }), "from_cache"));
  return parts;
}

function evidence({ evidence: probability, warnings }) {
  const least = Number(document.getElementById("conversation").dataset.minEvidence);
  const bar = el("i");
  bar.style.width = percent(probability);
  const threshold = el("b");
  threshold.style.left = percent(least);
  const gauge = el("div", { class: `gauge${probability < least ? " low" : ""}`, "aria-hidden": "true" }, bar, threshold);
  const text = say(el("p"), "evidence_is", { percent: percent(probability), threshold: percent(least) });
  return [gauge, text, ...warnings.map((warning) => el("p", { class: "note" }, warning))];
}

// The passage that a candidate became, or went into with its neighbours.
function passageOf(trace, candidate) {
  if (candidate.dropped) return undefined;
  return trace.passages.find((one) => one.id === candidate.id) ?? trace.passages.find((one) => holds(one, candidate));
}

// The number under which the model saw a candidate, or nothing.
function usedBy(trace) {
  const left = new Set(trace.dropped_passages);
  return (candidate) => {
    const number = passageOf(trace, candidate)?.number;
    return left.has(number) ? undefined : number;
  };
}

function holds(passage, candidate) {
  const isWithin = passage.start_line <= candidate.start_line && candidate.end_line <= passage.end_line;
  return passage.source === candidate.source && isWithin;
}

function candidates(trace, used) {
  const list = trace.retrieval.candidates;
  const highest = Math.max(...list.map((one) => one.bm25), 1e-9);
  const rows = list.slice(0, LISTED).map((one, position) => {
    const outcome = el("td");
    const number = used(one);
    if (number !== undefined) say(outcome, "used_as", { number });
    else if (!one.dropped) say(outcome, passageOf(trace, one) ? "dropped_prompt" : "used");
    else if (one.dropped.startsWith("beyond")) say(outcome, "dropped_beyond");
    else if (one.dropped.startsWith("the same")) say(outcome, "dropped_same");
    else outcome.textContent = one.dropped;
    const lines = one.start_line === one.end_line ? one.start_line : `${one.start_line}-${one.end_line}`;
    return el(
      "tr",
      { class: one.dropped ? "dropped" : "" },
      el("td", { class: "number" }, String(position + 1)),
      el("td", {}, el("span", {}, one.heading_path.at(-1) || one.source), el("br"), el("span", { class: "muted path" }, `${one.source}:${lines}`)),
      scored(one.score.toFixed(3), one.score),
      scored(one.cosine.toFixed(3), one.cosine, one.dense_rank),
      scored(one.bm25.toFixed(1), one.bm25 / highest, one.lexical_rank),
      outcome,
    );
  });
  const heads = ["rank", "passage", "score", "cosine", "bm25", "result"].map((key) => say(el("th", { scope: "col" }), key));
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)));
}

function scored(text, share, rank) {
  const bar = el("i");
  bar.style.width = percent(Math.max(0, Math.min(1, share)));
  const place = rank ? el("span", { class: "muted" }, ` #${rank}`) : null;
  return el("td", { class: "number" }, text, place, el("span", { class: "meter", "aria-hidden": "true" }, bar));
}

function terms(list) {
  return el("ul", { class: "tags" }, ...list.map(({ term, idf }) => el("li", { title: `idf ${idf.toFixed(2)}` }, term)));
}

function timings(stages) {
  const longest = Math.max(...Object.values(stages), 1e-9);
  const rows = Object.entries(stages).flatMap(([stage, value]) => {
    const bar = el("i");
    bar.style.width = percent(value / longest);
    const name = el("span");
    if (has(`stage_${stage}`)) say(name, `stage_${stage}`);
    else name.textContent = stage;
    const time = say(el("span", { class: "muted" }), "milliseconds", { value: value.toFixed(value < 10 ? 1 : 0) });
    return [name, el("span", { class: "meter", "aria-hidden": "true" }, bar), time];
  });
  return el("div", { class: "stages" }, ...rows);
}

function attempts(trace) {
  if (!trace.attempts.length) return say(el("p", { class: "muted" }), "no_attempts");
  const heads = ["model", "outcome", "first_token", "total", "tokens"].map((key) => say(el("th", { scope: "col" }), key));
  const rows = trace.attempts.map((one) =>
    el(
      "tr",
      {},
      el("td", {}, one.model),
      el("td", {}, one.outcome, one.problem ? el("span", { class: "muted" }, ` ${one.problem}`) : null),
      el("td", { class: "number" }, one.first_token_seconds === null ? "–" : `${one.first_token_seconds.toFixed(2)} s`),
      el("td", { class: "number" }, `${one.seconds.toFixed(2)} s`),
      el("td", { class: "number" }, one.usage ? `${one.usage.prompt_tokens} + ${one.usage.completion_tokens}` : "–"),
    ),
  );
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)));
}

function verification(checks) {
  const items = checks.map(({ sentence, numbers, supported, problem }) => {
    const sign = el("span", { class: supported ? "ok" : "no", "aria-hidden": "true" }, supported ? "✓" : "✗");
    const verdict = say(el("span", { class: "muted" }), supported ? "supported" : "unverified");
    const cited = numbers.length ? ` ${numbers.map((number) => `[${number}]`).join("")} ` : " ";
    return el("li", {}, sign, el("span", {}, sentence, cited, verdict, problem ? el("span", { class: "muted" }, ` · ${problem}`) : null));
  });
  return el("ul", { class: "verdicts" }, ...items);
}

function message({ role, content }) {
  return el("details", {}, el("summary", {}, role), el("pre", { tabindex: "0" }, content));
}

function percent(share) {
  return `${Math.round(share * 100)}%`;
}
