// The page for questions: composing, streaming, stopping, and the conversations in this browser.

import * as conversations from "./conversations.js";
import { el, icon } from "./dom.js";
import { start, waitOut } from "./frame.js";
import { events, Failure, json, post, route, Unreachable } from "./http.js";
import { label, language, say, t } from "./i18n.js";
import { addChooser, named, routeOf } from "./knowledge_bases.js";
import { closeDocument } from "./document_panel.js";
import { Turn } from "./turn.js";

const field = document.getElementById("question");
const stage = document.getElementById("conversation");
const status = document.getElementById("status");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const CURRENT = "zhiwen.current";

let conversation = conversations.fresh();
let running = null; // the AbortController of the current question

async function ask(question) {
  if (running || !question.trim()) return;
  const controller = new AbortController();
  running = controller;
  setBusy(true);
  closeDocument();
  const turn = new Turn(question.trim(), retry(() => turn));
  stage.append(turn.element);
  document.body.classList.remove("empty");
  turn.searching();
  turn.element.scrollIntoView({ block: "start", behavior: "smooth" });
  say(status, "searching");
  try {
    await stream(turn, controller.signal);
    say(status, "answered_plain");
  } catch (error) {
    if (error.name === "AbortError") {
      turn.stopped();
      say(status, "stopped");
    } else {
      waitOut(error);
      turn.failed(error);
    }
  } finally {
    running = null;
    setBusy(false);
    field.focus({ preventScroll: true });
  }
}

async function stream(turn, signal) {
  const body = { question: turn.question, history: conversations.history(conversation), ...named() };
  const response = await post(route("/page/ask"), body, { signal });
  for await (const { name, data } of events(response)) {
    if (name === "passages") turn.passages(data.passages);
    else if (name === "reasoning") turn.reasoning(data.text);
    else if (name === "html") turn.blocks(data);
    else if (name === "error") throw new Failure(0, data.code, data.message, data.trace_id);
    else if (name === "answer") {
      turn.finish(data);
      remember(turn, { question: turn.question, event: data });
      return;
    }
  }
  throw new Unreachable();
}

// A function that replaces a turn that was stopped or failed by asking its question again.
function retry(turnOf) {
  return (question) => {
    turnOf().element.remove();
    ask(question);
  };
}

function remember(turn, record) {
  conversation.turns.push(record);
  conversations.save(conversation);
  setCurrent(conversation.id);
  turn.element.addEventListener("zhiwen:rating", (event) => {
    record.rating = event.detail;
    conversations.save(conversation);
  });
}

function setBusy(isBusy) {
  const hadFocus = document.activeElement === send || document.activeElement === stop;
  send.hidden = isBusy;
  stop.hidden = !isBusy;
  if (hadFocus) (isBusy ? stop : send).focus();
}

function show(next) {
  running?.abort();
  closeDocument();
  conversation = next;
  setCurrent(next.turns.length ? next.id : "");
  stage.replaceChildren();
  for (const record of next.turns) {
    const turn = new Turn(record.question, retry(() => turn));
    turn.finish(record.event, record.rating);
    turn.element.addEventListener("zhiwen:rating", (event) => {
      record.rating = event.detail;
      conversations.save(next);
    });
    stage.append(turn.element);
  }
  document.body.classList.toggle("empty", next.turns.length === 0);
  if (next.turns.length) stage.lastElementChild.scrollIntoView({ block: "start" });
  else suggest();
  field.focus({ preventScroll: true });
}

function setCurrent(id) {
  try {
    sessionStorage.setItem(CURRENT, id);
  } catch {
    // Without storage, a reload starts a new conversation.
  }
}

async function suggest() {
  const list = document.getElementById("suggestions");
  const requested = routeOf(`/page/suggestions?language=${language()}`);
  try {
    const { questions } = await json(requested);
    // The user may have switched, which requests others.
    if (requested !== routeOf(`/page/suggestions?language=${language()}`)) return;
    const items = questions.map((question) => {
      const button = el("button", { type: "button", onclick: () => ask(question) }, question);
      return el("li", {}, button);
    });
    list.replaceChildren(...items);
    document.querySelector(".small-title").hidden = items.length === 0;
  } catch (error) {
    waitOut(error, suggest);
    list.replaceChildren();
    document.querySelector(".small-title").hidden = true;
  }
}

function openHistory() {
  const dialog = el("dialog", { class: "card", "aria-labelledby": "history-title" });
  const list = el("ul", { class: "history" });
  const fill = () => {
    const items = conversations.all().map((earlier) => {
      const title = earlier.turns[0].question;
      const open = el("button", { type: "button", class: "quiet" }, title);
      open.addEventListener("click", () => (dialog.close(), show(earlier)));
      const bin = label(el("button", { type: "button", class: "quiet icon" }, icon("bin")), "delete_one", { title });
      bin.addEventListener("click", () => {
        conversations.remove(earlier.id);
        if (earlier.id === conversation.id) show(conversations.fresh());
        fill();
        close.focus();
      });
      return el("li", {}, open, bin);
    });
    list.replaceChildren(...items);
    empty.hidden = items.length > 0;
    clear.hidden = items.length === 0;
  };
  const empty = say(el("p", { class: "muted" }), "no_conversations");
  const clear = say(el("button", { type: "button", class: "button plain" }), "clear_all");
  clear.addEventListener("click", () => {
    conversations.clear();
    show(conversations.fresh());
    dialog.close();
  });
  const close = say(el("button", { type: "button", class: "button", onclick: () => dialog.close() }), "close");
  dialog.append(
    el("div", {}, say(el("h2", { id: "history-title" }), "conversations_title"), empty, list, el("div", { class: "row" }, clear, close)),
  );
  dialog.addEventListener("close", () => dialog.remove());
  fill();
  document.body.append(dialog);
  dialog.showModal();
}

function grow() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function submit() {
  const question = field.value;
  if (running || !question.trim()) return;
  field.value = "";
  grow();
  ask(question);
}

document.getElementById("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
field.addEventListener("keydown", (event) => {
  // In an input method, Enter selects characters.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
});
field.addEventListener("input", grow);
stop.addEventListener("click", () => running?.abort());
document.addEventListener("zhiwen:language", () => document.body.classList.contains("empty") && suggest());

// A button of the frame: an icon, with its name if there is room.
function tool(name, key, attributes) {
  return label(el("button", { type: "button", class: "quiet", ...attributes }, icon(name), say(el("span"), key)), key);
}

document.getElementById("tools").prepend(
  tool("write", "new_conversation", { onclick: () => show(conversations.fresh()) }),
  tool("history", "conversations", { onclick: openHistory, "aria-haspopup": "dialog" }),
);
start("ask");
document.title = `${t("nav_ask")} · 知问`;
show(conversations.find(sessionStorage.getItem(CURRENT)) ?? conversations.fresh());
addChooser(() => document.body.classList.contains("empty") && suggest(), { withAll: true }).catch((error) => waitOut(error));
