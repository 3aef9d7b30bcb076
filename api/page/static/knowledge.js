// The page of the knowledge base: the live generation, its documents, and ingests with their progress.

import { el } from "./dom.js";
import { contentOf } from "./document_content.js";
import { start, waitOut } from "./frame.js";
import { describe, json, post, route } from "./http.js";
import { language, say, t } from "./i18n.js";
import { addChooser, chosen, named, routeOf } from "./knowledge_bases.js";

const MAX_SHOWN = 200;
const POLL_MS = 700;
const IDLE_POLL_MS = 5000;
const button = document.getElementById("ingest");
const outcome = document.getElementById("outcome");
const filter = document.getElementById("filter");

let documents = [];
let lastRun = null;

async function load() {
  const [status, health, listed] = await Promise.all([json(routeOf("/status")), json(route("/health")), json(routeOf("/documents"))]);
  const { source, label } = status;
  document.getElementById("root").textContent = source ? `${source.url} · ${label.slice(0, 12)}` : status.root;
  facts(status, health);
  documents = listed.documents;
  list();
}

function facts(status, health) {
  const committed = status.committed_at && new Date(status.committed_at);
  const when = committed
    ? committed.toLocaleString(language() === "zh" ? "zh-CN" : "en", { dateStyle: "medium", timeStyle: "short" })
    : t("never");
  const rows = [
    ["documents", el("dd", {}, status.documents.toLocaleString()), ""],
    ["chunks", el("dd", {}, status.chunks.toLocaleString()), ""],
    ["generation", el("dd", {}, String(status.generation || "–")), ""],
    ["pending", status.partial ? el("dd", {}, "–") : pendingOf(status.pending), ""],
    ["last_ingest", el("dd", {}, when), "wide"],
    ["chat", health.chat === "extractive" ? say(el("dd"), "no_chat") : el("dd", {}, health.chat), "wide"],
  ];
  const items = rows.map(([key, value, width]) => el("div", { class: width }, say(el("dt"), key), value));
  document.getElementById("facts").replaceChildren(...items);
}

function pendingOf(pending) {
  if (!pending) return say(el("dd"), "folder_missing");
  const count = pending.added.length + pending.changed.length + pending.removed.length;
  const value = el("dd", {}, count ? String(count) : "");
  if (!count) say(value, "up_to_date");
  value.title = t("pending_some", countsOf(pending));
  return value;
}

function countsOf(plan) {
  return { added: plan.added.length, changed: plan.changed.length, removed: plan.removed.length };
}

function list() {
  const pattern = filter.value.trim().toLowerCase();
  const found = documents.filter(({ title, source }) => `${title} ${source}`.toLowerCase().includes(pattern));
  const shown = found.slice(0, MAX_SHOWN).map(entry);
  const empty = documents.length ? "none_match" : "no_documents";
  document.getElementById("documents").replaceChildren(...(shown.length ? shown : [say(el("li", { class: "muted" }), empty)]));
  const more = document.getElementById("more");
  more.hidden = found.length <= MAX_SHOWN;
  say(more, "shown_of", { shown: shown.length, total: found.length });
}

function entry({ title, source, chunks, url }) {
  const outline = el("ul", { class: "outline" });
  const details = el(
    "details",
    {},
    el(
      "summary",
      {},
      el("b", {}, title || source),
      say(el("span", { class: "count" }), "chunk_count", { count: chunks }),
      el("span", { class: "path" }, source),
    ),
    outline,
  );
  details.addEventListener("toggle", () => details.open && !outline.children.length && fillOutline(outline, url));
  return el("li", {}, details);
}

async function fillOutline(outline, url) {
  outline.replaceChildren(say(el("li", { class: "muted" }), "loading"));
  try {
    const { sections } = await json(contentOf(new URL(url, location.href)));
    const items = sections.map(({ level, heading, anchor }) => {
      const link = el("a", { href: anchor ? `${url}#${encodeURIComponent(anchor)}` : url }, heading || "–");
      return el("li", { class: `d${Math.min(level, 4)}` }, link);
    });
    const whole = el("li", {}, say(el("a", { href: url }), "read_document"));
    outline.replaceChildren(...(items.length ? items : [say(el("li", { class: "muted" }), "no_headings")]), whole);
  } catch (error) {
    outline.replaceChildren(el("li", {}, failure(error)));
  }
}

function failure(error) {
  waitOut(error, refresh);
  return say(el("p", { class: "failed" }), ...describe(error));
}

async function ingest() {
  button.disabled = true;
  outcome.replaceChildren();
  outcome.classList.remove("bad");
  try {
    await post(route("/ingest"), named());
    await watch();
  } catch (error) {
    outcome.replaceChildren(failure(error));
    button.disabled = false;
  }
}

// Follows a running ingest to its end, even if another client started it.
async function watch() {
  const which = chosen();
  let state = await json(routeOf("/ingest"));
  const hasChanged = lastRun !== null || state.running;
  while (state.running) {
    progress(state);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (which !== chosen()) return; // the change shows the other one
    state = await json(routeOf("/ingest"));
  }
  document.getElementById("run").hidden = true;
  button.disabled = false;
  say(button, "ingest_now");
  const isNew = state.run !== lastRun;
  lastRun = state.run;
  if (state.run && isNew) report(state);
  if (hasChanged && isNew) await load();
}

function progress({ plan, progress: current }) {
  button.disabled = true;
  say(button, "ingesting");
  document.getElementById("run").hidden = false;
  say(document.getElementById("run-title"), plan ? "ingest_planned" : "ingesting", plan ? countsOf(plan) : {});
  const bar = document.getElementById("progress");
  if (current && current.documents_total) {
    const { documents: done, documents_total: total, chunks, embedded } = current;
    bar.max = total;
    bar.value = done;
    say(document.getElementById("run-detail"), "ingest_progress", { documents: done, total, chunks, embedded });
    document.getElementById("run-speed").textContent = speed(current);
  } else {
    bar.removeAttribute("value");
    document.getElementById("run-detail").textContent = "";
    document.getElementById("run-speed").textContent = "";
  }
}

function speed({ chunks_per_second: rate, seconds_left: left }) {
  const parts = [];
  if (rate) parts.push(t("ingest_speed", { rate: rate.toFixed(rate >= 10 ? 0 : 1) }));
  if (left !== null) parts.push(t("time_left", { duration: duration(left) }));
  return parts.join(" · ");
}

// No more precise than an estimate is.
function duration(left) {
  const seconds = Math.max(Math.round(left), 1);
  if (seconds < 60) return t("seconds", { seconds });
  const minutes = Math.round(left / 60);
  if (minutes < 60) return t("minutes", { minutes });
  return t("hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

function report({ error, last }) {
  outcome.classList.toggle("bad", Boolean(error || last?.failures.length));
  if (error) {
    outcome.replaceChildren(say(el("h2"), "ingest_error"), say(el("p"), ...describe(error)));
    return;
  }
  const { added, changed, removed } = last.documents;
  const children = [say(el("p"), "ingest_done", { added, changed, removed, seconds: last.seconds.toFixed(1) })];
  if (last.failures.length) {
    const items = last.failures.map(({ source, error }) => el("li", {}, el("b", {}, source), ` ${error}`));
    children.push(say(el("p"), "ingest_failures", { count: last.failures.length }), el("ul", {}, ...items));
  }
  outcome.replaceChildren(...children);
}

async function refresh() {
  try {
    await load();
    await watch();
    outcome.querySelector(".failed")?.remove();
  } catch (error) {
    outcome.replaceChildren(failure(error));
  }
}

// Shows ingests that other clients or `serve --watch` start.
async function poll() {
  if (document.hidden || button.disabled) return;
  try {
    await watch();
  } catch (error) {
    waitOut(error, refresh);
  }
}

function change() {
  lastRun = null;
  outcome.replaceChildren();
  outcome.classList.remove("bad");
  refresh();
}

button.addEventListener("click", ingest);
filter.addEventListener("input", list);
document.addEventListener("zhiwen:language", refresh);
start("knowledge");
document.title = `${t("nav_knowledge")} · 知问`;
addChooser(change, { withAll: false }).then(refresh, (error) => outcome.replaceChildren(failure(error)));
setInterval(poll, IDLE_POLL_MS);
