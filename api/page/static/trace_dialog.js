// A dialog that shows how an answer came about: both searches, the candidates, the time, the model calls, the checks.

import { placeOf } from "./citations.js";
import { el, icon } from "./dom.js";
import { waitOut } from "./frame.js";
import { fusionFigure } from "./fusion_figure.js";
import { describe, json, route } from "./http.js";
import { has, label, say, t } from "./i18n.js";

const MAX_CANDIDATES = 20;

// Opens the dialog for the trace of an answer. `opener` is the button that was pressed; it gets the focus back.
export async function openTrace(traceId, opener) {
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
    body.replaceChildren(...sections(await json(route(`/traces/${traceId}`))));
  } catch (error) {
    waitOut(error);
    const text = error.status === 404 ? ["trace_gone"] : describe(error);
    body.replaceChildren(say(el("p", { class: "note" }), ...text));
  }
}

function sections(trace) {
  const numberOf = numbering(trace);
  const found = [
    section("question", ...question(trace)),
    section("evidence", ...evidence(trace.retrieval)),
    section("fusion", say(el("p", { class: "muted" }), "fusion_text"), fusionFigure(trace.retrieval.candidates, numberOf)),
    section("candidates", candidates(trace, numberOf)),
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

function question(trace) {
  const children = [el("p", {}, trace.question)];
  if (trace.standalone_question && trace.standalone_question !== trace.question) {
    const prefix = say(el("span", { class: "muted" }), trace.rewritten_by === "model" ? "standalone_model" : "standalone_rule");
    children.push(el("p", {}, prefix, " ", trace.standalone_question));
  }
  if (trace.cached) children.push(say(el("p", { class: "muted" }), "from_cache"));
  return children;
}

function evidence({ evidence: probability, warnings }) {
  const minimum = Number(document.getElementById("conversation").dataset.minEvidence);
  const bar = el("i");
  bar.style.width = percent(probability);
  const threshold = el("b");
  threshold.style.left = percent(minimum);
  const gauge = el("div", { class: `gauge${probability < minimum ? " low" : ""}`, "aria-hidden": "true" }, bar, threshold);
  const text = say(el("p"), "evidence_is", { percent: percent(probability), threshold: percent(minimum) });
  return [gauge, text, ...warnings.map((warning) => el("p", { class: "note" }, warning))];
}

// The passage that a candidate became, alone or merged with its neighbours.
function passageOf(trace, candidate) {
  if (candidate.dropped) return undefined;
  return (
    trace.passages.find((passage) => passage.id === candidate.id) ??
    trace.passages.find((passage) => contains(passage, candidate))
  );
}

// A function that returns the number by which the model knew a candidate, or undefined if it did not see it.
function numbering(trace) {
  const dropped = new Set(trace.dropped_passages);
  return (candidate) => {
    const number = passageOf(trace, candidate)?.number;
    return dropped.has(number) ? undefined : number;
  };
}

function contains(passage, candidate) {
  const isWithin = passage.start_line <= candidate.start_line && candidate.end_line <= passage.end_line;
  return passage.source === candidate.source && passage.knowledge_base === candidate.knowledge_base && isWithin;
}

function candidates(trace, numberOf) {
  const list = trace.retrieval.candidates;
  const highest = Math.max(...list.map(({ bm25 }) => bm25), 1e-9);
  const rows = list.slice(0, MAX_CANDIDATES).map((candidate, index) => {
    const outcome = el("td");
    const number = numberOf(candidate);
    if (number !== undefined) say(outcome, "used_as", { number });
    else if (!candidate.dropped) say(outcome, passageOf(trace, candidate) ? "dropped_prompt" : "used");
    else if (candidate.dropped.startsWith("beyond")) say(outcome, "dropped_beyond");
    else if (candidate.dropped.startsWith("the same")) say(outcome, "dropped_same");
    else outcome.textContent = candidate.dropped;
    const { heading_path: path, source, score, cosine, bm25 } = candidate;
    return el(
      "tr",
      { class: candidate.dropped ? "dropped" : "" },
      el("td", { class: "number" }, String(index + 1)),
      el("td", {}, el("span", {}, path.at(-1) || source), el("br"), el("span", { class: "muted path" }, placeOf(candidate, trace.answer))),
      scoreCell(score.toFixed(3), score),
      scoreCell(cosine.toFixed(3), cosine, candidate.dense_rank),
      scoreCell(bm25.toFixed(1), bm25 / highest, candidate.lexical_rank),
      outcome,
    );
  });
  const heads = ["rank", "passage", "score", "cosine", "bm25", "result"].map((key) => say(el("th", { scope: "col" }), key));
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)));
}

function scoreCell(text, share, rank) {
  const bar = el("i");
  bar.style.width = percent(Math.max(0, Math.min(1, share)));
  const rankText = rank ? el("span", { class: "muted" }, ` #${rank}`) : null;
  return el("td", { class: "number" }, text, rankText, el("span", { class: "meter", "aria-hidden": "true" }, bar));
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
  const rows = trace.attempts.map((attempt) =>
    el(
      "tr",
      {},
      el("td", {}, attempt.model),
      el("td", {}, attempt.outcome, attempt.problem ? el("span", { class: "muted" }, ` ${attempt.problem}`) : null),
      el("td", { class: "number" }, attempt.first_token_seconds === null ? "–" : `${attempt.first_token_seconds.toFixed(2)} s`),
      el("td", { class: "number" }, `${attempt.seconds.toFixed(2)} s`),
      el("td", { class: "number" }, attempt.usage ? `${attempt.usage.prompt_tokens} + ${attempt.usage.completion_tokens}` : "–"),
    ),
  );
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)));
}

function verification(checks) {
  const items = checks.map(({ sentence, numbers, supported, fault, problem, attributed }) => {
    const sign = el("span", { class: supported ? "ok" : "no", "aria-hidden": "true" }, supported ? "✓" : "✗");
    const verdict = say(el("span", { class: "muted" }), supported ? "supported" : fault === "unchecked" ? "unchecked" : "unverified");
    // A sentence usually contains its markers.
    const others = numbers.map((number) => `[${number}]`).filter((marker) => !sentence.includes(marker));
    const cited = others.length ? ` ${others.join("")} ` : " ";
    const ours = attributed ? [" · ", say(el("span", { class: "muted" }), "attributed")] : [];
    return el("li", {}, sign, el("span", {}, sentence, cited, verdict, ...ours, problem ? el("span", { class: "muted" }, ` · ${problem}`) : null));
  });
  return el("ul", { class: "verdicts" }, ...items);
}

function message({ role, content }) {
  return el("details", {}, el("summary", {}, role), el("pre", { tabindex: "0" }, content));
}

function percent(share) {
  return `${Math.round(share * 100)}%`;
}
