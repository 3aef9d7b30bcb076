// The zhiwen widget: a button on the pages of another site that opens a panel, where visitors ask the documents.
//
//   <script src="https://kb.example.com/widget.js" data-key="zw_…" async></script>
//
// data-lang is `zh` or `en`; without it, the language is that of the page, else that of the browser. data-theme is
// `light` or `dark`; without it, the widget follows the `color-scheme` of the page.
//
// It lives in a shadow tree, so that neither styles the other. It never parses HTML: the server sends answers as trees of
// elements, of which only those listed below are made. It needs no inline style, so that a strict content security policy
// of the page needs no more than `script-src` and `connect-src` for the server.

(() => {
  "use strict";

  const TEXTS = {
    ask: ["问文档", "Ask the docs"],
    close: ["关闭", "Close"],
    intro: ["回答只来自文档，每句话都标明出处。", "Answers come only from the documents, and every statement links to its source."],
    field: ["你的问题", "Your question"],
    placeholder: ["问文档一个问题…", "Ask a question…"],
    send: ["发送", "Send"],
    stop: ["停止", "Stop"],
    conversation: ["对话", "Conversation"],
    searching: ["正在查找…", "Searching…"],
    writing: ["正在作答…", "Answering…"],
    done: ["已作答", "Answered"],
    stopped: ["已停止", "Stopped"],
    sources: ["来源", "Sources"],
    source: ["来源", "Source"],
    nearest: ["最接近的内容", "Nearest sections"],
    unverified: ["未核实", "unverified"],
    opens: ["在新标签页打开", "opens in a new tab"],
    retry: ["重试", "Try again"],
    too_many: ["提问的人太多了，请稍后再试。", "Too many questions at the moment. Try again shortly."],
    too_long: ["问题太长了。", "The question is too long."],
    not_here: ["这个网站不能用这里的问答。", "This site may not ask here."],
    failed: ["现在无法回答，请稍后再试。", "There is no answer at the moment. Try again shortly."],
  };
  const STYLE = `
:host { all: initial !important; color-scheme: inherit !important; position: fixed !important; right: 20px !important; bottom: 20px !important; z-index: 2147483000 !important; }
:host([data-theme="light"]) { color-scheme: light !important; }
:host([data-theme="dark"]) { color-scheme: dark !important; }
@media print { :host { display: none !important; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.all { --sheet: light-dark(#fff, #1d2024); --sunk: light-dark(#f1eee7, #2a2e34); --ink: light-dark(#22262b, #e8e4dc); --soft: light-dark(#5d6168, #a9adb3); --line: light-dark(#dcd6ca, #3b4148); --accent: light-dark(#1c5f5a, #86cabe); --accent-ink: light-dark(#fff, #0e2321); --doubt: light-dark(#8a4b00, #f0b565);
  font: 15px/1.65 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif; color: var(--ink); text-align: start; overflow-wrap: anywhere; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.open, .send { border: 0; background: var(--accent); color: var(--accent-ink); font-weight: 600; }
.open { padding: 10px 18px; border-radius: 99px; box-shadow: 0 4px 16px rgb(0 0 0 / 25%); }
.panel { display: flex; flex-direction: column; width: min(400px, 100vw - 40px); height: min(600px, 100dvh - 40px); background: var(--sheet); border: 1px solid var(--line); border-radius: 14px; box-shadow: 0 10px 40px rgb(0 0 0 / 28%); overflow: hidden; }
@media (max-width: 480px) { .panel { position: fixed; inset: 0; width: auto; height: 100dvh; border: 0; border-radius: 0; } }
header { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 16px; border-bottom: 1px solid var(--line); }
h2 { flex: 1; margin: 0; font-size: 16px; }
.close { width: 36px; height: 36px; border: 0; border-radius: 8px; background: none; font-size: 22px; line-height: 1; }
.close:hover { background: var(--sunk); }
.log { flex: 1; overflow-y: auto; padding: 12px 16px; overscroll-behavior: contain; }
.log:focus-visible, textarea:focus-visible { outline-offset: -2px; }
.soft, .status { color: var(--soft); font-size: 13px; }
p, ul, ol, pre, blockquote, .scroll { margin: 0 0 10px; }
.question { margin: 14px 0 8px; font-size: 15px; font-weight: 600; white-space: pre-wrap; }
.question:first-child { margin-top: 0; }
h4 { margin: 12px 0 6px; font-size: 15px; }
ul, ol { padding-left: 22px; }
li > ul, li > ol { margin-bottom: 0; }
a { color: var(--accent); text-underline-offset: 3px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 13px; }
code { padding: 1px 4px; background: var(--sunk); border-radius: 4px; }
pre { padding: 10px 12px; overflow-x: auto; background: var(--sunk); border-radius: 8px; }
pre code { padding: 0; background: none; }
blockquote { margin-left: 0; padding-left: 12px; border-left: 3px solid var(--line); color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: 5px 8px; min-width: 64px; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
.cite { display: inline-block; min-width: 24px; margin: 0 1px 0 3px; padding: 0 6px; border-radius: 99px; background: var(--sunk); color: var(--accent); font-size: 12px; line-height: 24px; text-align: center; text-decoration: none; }
a.cite:hover { background: var(--accent); color: var(--accent-ink); }
.unverified { text-decoration: underline dotted var(--doubt); text-underline-offset: 4px; }
.doubt { margin-left: 4px; color: var(--doubt); font-size: 12px; }
.label { margin: 12px 0 4px; color: var(--soft); font-size: 13px; font-weight: 600; }
.sources, .nearest { padding-left: 22px; font-size: 14px; }
.date { margin-left: 6px; color: var(--soft); font-size: 12px; }
.retry { padding: 4px 12px; border: 1px solid var(--line); border-radius: 8px; background: none; }
.status { min-height: 26px; margin: 0; padding: 4px 16px 0; border-top: 1px solid var(--line); }
form { display: flex; align-items: flex-end; gap: 8px; padding: 6px 12px 12px; }
textarea { flex: 1; min-width: 0; height: 44px; max-height: 140px; padding: 8px 12px; border: 1px solid var(--soft); border-radius: 10px; background: var(--sheet); font-size: 16px; resize: none; field-sizing: content; }
textarea::placeholder { color: var(--soft); opacity: 1; }
.send { min-height: 44px; padding: 0 16px; border-radius: 10px; }`;

  // What an answer is made of. Headings become one level, below the question.
  const ELEMENTS = new Set(
    "p br hr h4 ul ol li blockquote pre code em strong s del sub sup table thead tbody tr th td div span a".split(" "),
  );
  const CLASSES = new Set(["scroll", "unverified"]);
  const SCHEMES = new Set(["http:", "https:"]);
  const MAX_TURNS = 6; // of the conversation, which go with a question
  const MAX_CHARACTERS = 4000; // of each of their answers

  const script = document.currentScript ?? document.querySelector('script[data-key][src*="/widget.js"]');
  const base = script && new URL(".", script.src);
  const language = script?.dataset.lang || document.documentElement.lang || navigator.language || "en";
  const isChinese = /^zh\b/i.test(language);
  const t = (name) => TEXTS[name][isChinese ? 0 : 1];

  const turns = [];
  let running = null; // the AbortController of the question that is being answered

  function el(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  // The address of a link if it leads to a web page, else undefined.
  function webAddress(url) {
    try {
      const address = new URL(url, base);
      return SCHEMES.has(address.protocol) ? address.href : undefined;
    } catch {
      return undefined;
    }
  }

  function link(url, attributes, ...children) {
    const href = webAddress(url);
    if (!href) return el("span", attributes, ...children);
    return el("a", { ...attributes, href, target: "_blank", rel: "noopener noreferrer", title: t("opens") }, ...children);
  }

  // The nodes of a tree of the server: text, or [name, attributes, nodes].
  function build(nodes, sources) {
    return nodes.flatMap((node) => {
      if (typeof node === "string") return [node];
      const [tag, attributes, inner] = node;
      if (attributes["data-cite"]) return [citation(Number(attributes["data-cite"]), sources)];
      const children = build(inner, sources);
      const name = /^h[1-6]$/.test(tag) ? "h4" : tag;
      if (!ELEMENTS.has(name)) return children;
      if (name === "a") return [link(attributes.href, {}, ...children)];
      const element = el(name, {}, ...children);
      if (CLASSES.has(attributes.class)) element.className = attributes.class;
      if (name === "ol" && attributes.start) element.start = Number(attributes.start);
      if (attributes.tabindex) element.tabIndex = 0; // what scrolls sideways
      return attributes.class === "unverified" ? doubted(element) : [element];
    });
  }

  function citation(number, sources) {
    const source = sources.get(number);
    if (!source) return el("span", { class: "cite" }, String(number));
    const label = `${t("source")} ${number}: ${source.title}`;
    return link(source.url, { class: "cite", "aria-label": label }, String(number));
  }

  // An element with a note that its statement is not verified, where its kind allows one.
  function doubted(element) {
    const note = el("small", { class: "doubt" }, t("unverified"));
    if (element.localName === "pre") return [note, element];
    (element.localName === "tr" ? (element.lastElementChild ?? element) : element).append(note);
    return [element];
  }

  const log = el("div", { class: "log", role: "log", tabindex: "0", "aria-label": t("conversation") }, el("p", { class: "soft" }, t("intro")));
  const status = el("p", { class: "status", role: "status" });
  const field = el("textarea", { rows: "1", "aria-label": t("field"), placeholder: t("placeholder"), enterkeyhint: "send" });
  const send = el("button", { class: "send" }, t("send"));
  const form = el("form", {}, field, send);
  const close = el("button", { type: "button", class: "close", "aria-label": t("close"), onclick: () => show(false) }, "×");
  const title = el("h2", { id: "title" }, t("ask"));
  const panel = el("section", { class: "panel", role: "dialog", "aria-labelledby": "title" }, el("header", {}, title, close), log, status, form);
  const opener = el("button", { type: "button", class: "open", "aria-haspopup": "dialog", onclick: () => show(true) }, t("ask"));

  function show(isOpen) {
    panel.hidden = !isOpen;
    opener.hidden = isOpen;
    (isOpen ? field : opener).focus();
  }

  function setRunning(controller) {
    running = controller;
    send.textContent = t(controller ? "stop" : "send");
    log.setAttribute("aria-busy", String(Boolean(controller))); // an answer is read aloud when it is complete
  }

  async function ask(question) {
    const controller = new AbortController();
    const answer = el("div");
    setRunning(controller);
    log.append(el("h3", { class: "question" }, question), answer);
    log.scrollTop = log.scrollHeight;
    status.textContent = t("searching");
    try {
      const data = await stream(question, answer, controller.signal);
      turns.push({ question, text: data.text });
      status.textContent = t("done");
    } catch (error) {
      status.textContent = controller.signal.aborted ? t("stopped") : "";
      if (!controller.signal.aborted) answer.append(el("p", { role: "alert" }, t(reasonOf(error.code))));
      answer.append(el("p", {}, el("button", { type: "button", class: "retry", onclick: () => running || ask(question) }, t("retry"))));
    } finally {
      setRunning(null);
    }
  }

  // Shows the answer while it is written, and returns the data of its last event.
  async function stream(question, answer, signal) {
    const response = await fetch(new URL("widget/ask", base), {
      method: "POST",
      headers: { Authorization: `Bearer ${script.dataset.key}`, "Content-Type": "application/json" },
      body: JSON.stringify({ question, history: history() }),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal,
    });
    if (!response.ok) throw failure((await response.json()).error?.code);
    for await (const { name, data } of events(response)) {
      if (name === "error") throw failure(data.code);
      const sources = new Map((data.sources ?? []).map((source) => [source.number, source]));
      const blocks = data.blocks.map((nodes) => el("div", {}, ...build(nodes, sources)));
      while (answer.children.length > (data.start ?? 0)) answer.lastElementChild.remove();
      answer.append(...blocks);
      status.textContent = t("writing");
      if (name !== "answer") continue;
      answer.append(...sourceList(data.sources), ...nearestList(data.nearest));
      return data;
    }
    throw failure("");
  }

  function failure(code) {
    return Object.assign(new Error(code), { code });
  }

  function reasonOf(code = "") {
    if (code.startsWith("too_many")) return "too_many";
    if (code === "question_too_long" || code === "body_too_large") return "too_long";
    return /^(key_|scope_|foreign_)/.test(code) ? "not_here" : "failed";
  }

  function history() {
    return turns.slice(-MAX_TURNS).flatMap(({ question, text }) => [
      { role: "user", content: question },
      { role: "assistant", content: text.slice(0, MAX_CHARACTERS) },
    ]);
  }

  async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const frames = (buffer + value).split("\n\n");
      buffer = frames.pop();
      for (const frame of frames) {
        const [, name] = /^event: (.*)$/m.exec(frame) ?? [];
        const [, data] = /^data: (.*)$/m.exec(frame) ?? [];
        if (name) yield { name, data: JSON.parse(data) };
      }
    }
  }

  function sourceList(sources) {
    if (!sources.length) return [];
    const items = sources.map(({ number, title, url, date }) => {
      const item = el("li", { value: number }, link(url, {}, title));
      if (date) item.append(el("span", { class: "date" }, date));
      return item;
    });
    return [el("p", { class: "label" }, t("sources")), el("ol", { class: "sources" }, ...items)];
  }

  function nearestList(nearest) {
    if (!nearest.length) return [];
    const items = nearest.map(({ heading, url }) => el("li", {}, link(url, {}, heading)));
    return [el("p", { class: "label" }, t("nearest")), el("ul", { class: "nearest" }, ...items)];
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (running) return running.abort();
    const question = field.value.trim();
    if (!question) return;
    field.value = "";
    ask(question);
  });
  field.addEventListener("keydown", (event) => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!running) form.requestSubmit();
  });

  function start() {
    if (!script || document.querySelector("zhiwen-widget")) return;
    const host = el("zhiwen-widget", { lang: isChinese ? "zh-CN" : "en", "data-theme": script.dataset.theme });
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    panel.hidden = true;
    root.append(el("div", { class: "all" }, opener, panel));
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !panel.hidden) show(false);
    });
    // What is typed here is no shortcut of the page.
    for (const name of ["keydown", "keypress", "keyup"]) root.addEventListener(name, (event) => event.stopPropagation());
    document.body.append(host);
  }

  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
