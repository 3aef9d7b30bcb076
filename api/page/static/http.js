// Requests to the server, with an API key if it requires one. Errors say what happened.

import { el } from "./dom.js";
import { has, say } from "./i18n.js";

const KEY = "zhiwen.key";
// Error codes that share one text, by their beginning.
const FAMILIES = [
  ["key_", "error_key"],
  ["scope_", "error_key"],
  ["too_many_", "error_too_many"],
  ["store_", "error_store"],
  ["embedder_", "error_embedder"],
  ["chat_", "error_chat"],
  ["not_a_chat_model", "error_chat"],
];

// The path below which a proxy serves the page, such as `/kb`.
const BASE = document.documentElement.dataset.base;

// The address of a path of the server, such as `/status`. Addresses that the server sends have it already.
export function route(path) {
  return BASE + path;
}

// An error that the server reports.
export class Failure extends Error {
  // `traceId` is set if the error broke off an answer.
  constructor(status, code, message, traceId) {
    super(message);
    this.status = status;
    this.code = code;
    this.traceId = traceId;
  }
}

// The server cannot be reached, or the connection broke.
export class Unreachable extends Error {}

// The key of the text for an error, and the values of the text.
export function describe(error) {
  const values = { message: error.message };
  if (error instanceof Unreachable) return ["unreachable", values];
  const code = error.code ?? "";
  if (has(`error_${code}`)) return [`error_${code}`, values];
  const family = FAMILIES.find(([beginning]) => code.startsWith(beginning));
  return [family ? family[1] : "something_wrong", values];
}

export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

// Sends a request, asks for a key if needed, and returns the response. Throws Failure and Unreachable.
export async function request(path, options = {}) {
  for (;;) {
    const headers = new Headers(options.headers);
    const key = sessionStorage.getItem(KEY);
    if (key) headers.set("Authorization", `Bearer ${key}`);
    const response = await send(path, { ...options, headers });
    if (response.ok) return response;
    const failure = await failureOf(response);
    const reason = reasonForKey(failure, key);
    if (!reason) throw failure;
    const isStale = sessionStorage.getItem(KEY) !== key;
    if (!isStale && !(await askForKey(reason))) throw failure;
  }
}

export async function json(path, options = {}) {
  const response = await request(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  return response.json();
}

export function post(path, body, options = {}) {
  return request(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, ...options });
}

// Yields the server-sent events of a response. Throws Unreachable if the connection breaks.
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const frames = (buffer + value).split("\n\n");
      buffer = frames.pop();
      for (const frame of frames) {
        const event = parse(frame);
        if (event) yield event;
      }
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(error.message);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(frame) {
  let name = "message";
  const data = [];
  for (const line of frame.split(/\r?\n/)) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trim());
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null;
}

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(error.message);
  }
}

// The text that asks for a key, or undefined if another key would not help.
function reasonForKey({ status, code }, key) {
  if (status === 401) return key ? "key_wrong" : "key_text";
  return code === "scope_missing" ? "key_lacks" : undefined;
}

async function failureOf(response) {
  try {
    const { error } = await response.json();
    return new Failure(response.status, error.code, error.message);
  } catch {
    return new Failure(response.status, "http_error", `HTTP ${response.status}`);
  }
}

let asking = null;

// Returns true once the user has entered a key. Requests that need one at the same time share one dialog.
function askForKey(reason) {
  asking ??= new Promise((resolve) => {
    const field = el("input", { class: "field", type: "password", id: "key", autocomplete: "off", required: true });
    const dialog = el("dialog", { class: "card", "aria-labelledby": "key-title" });
    const form = el(
      "form",
      { method: "dialog" },
      say(el("h2", { id: "key-title" }), "key_title"),
      say(el("p", { class: "muted" }), reason),
      say(el("label", { for: "key" }), "key_label"),
      field,
      el(
        "div",
        { class: "row" },
        say(el("button", { type: "button", class: "button plain", onclick: () => dialog.close() }), "cancel"),
        say(el("button", { class: "button" }), "key_use"),
      ),
    );
    let hasKey = false;
    form.addEventListener("submit", () => {
      sessionStorage.setItem(KEY, field.value.trim());
      hasKey = true;
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      asking = null;
      resolve(hasKey);
    });
    dialog.append(form);
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}
