// One question and its answer, from the first word to the thumbs.

import { el, icon, modelName, place } from "./dom.js";
import { post, problem } from "./http.js";
import { label, say, t } from "./i18n.js";
import { openDocument } from "./panel.js";
import { openWhy } from "./why.js";

export class Turn {
  // `onRetry` asks the question again.
  constructor(question, onRetry) {
    this.question = question;
    this.onRetry = onRetry;
    this.places = new Map();
    this.shown = [];
    this.state = el("p", { class: "state" });
    this.thoughts = null;
    this.answer = el("div", { class: "answer prose" });
    this.below = el("div", { class: "below" });
    this.element = el("article", { class: "turn" }, el("h2", {}, question), this.state, this.answer, this.below);
    this.answer.addEventListener("click", (event) => this.openCited(event));
  }

  searching() {
    this.setState("searching", {}, true);
  }

  passages(passages) {
    for (const place of passages) this.places.set(place.number, place);
    this.setState(passages.length ? "answering" : "searching", { count: passages.length }, true);
  }

  reasoning(text) {
    if (!this.thoughts) {
      this.thoughts = el("p");
      const summary = say(el("summary"), "reasoning");
      this.answer.before(el("details", { class: "reasoning" }, summary, this.thoughts));
      this.setState("thinking", {}, true);
    }
    this.thoughts.append(text);
  }

  // The blocks from number `start` on; those that are as they were are not touched.
  blocks({ start, html }) {
    html.forEach((block, offset) => {
      const at = start + offset;
      if (this.shown[at] === block) return;
      if (!this.answer.children[at]) this.answer.append(el("div", { class: "block" }));
      place(this.answer.children[at], block);
      this.nameCitations(this.answer.children[at]);
      this.shown[at] = block;
    });
    this.shown.length = start + html.length;
    while (this.answer.children.length > this.shown.length) this.answer.lastElementChild.remove();
  }

  // The whole answer; `rating` if it has been judged before.
  finish(event, rating) {
    this.event = event;
    const { answer, html, nearest } = event;
    for (const citation of answer.citations) {
      this.places.set(citation.number, { ...this.places.get(citation.number), ...placeOf(citation, this.places) });
    }
    this.answer.classList.toggle("refused", answer.refused);
    this.blocks({ start: 0, html });
    for (const mark of this.answer.querySelectorAll(".unverified")) doubt(mark);
    const count = answer.citations.length;
    if (answer.refused) this.setState("refused_state");
    else if (answer.truncated) this.setState("truncated");
    else this.setState(count ? "answered" : "answered_plain", { count });
    this.below.replaceChildren(...this.nearestSections(nearest), ...this.sources(), ...this.actions(rating));
  }

  stopped() {
    this.setState("stopped");
    this.below.replaceChildren(this.retry());
  }

  failed(error) {
    this.setState("broken");
    const message = say(el("p", { class: "failed", role: "alert" }), ...problem(error));
    const actions = this.retry();
    if (error.traceId) actions.append(this.whyButton(error.traceId));
    this.below.replaceChildren(message, actions);
  }

  setState(key, values = {}, isBusy = false) {
    say(this.state, key, values);
    this.state.classList.toggle("busy", isBusy);
  }

  nameCitations(root) {
    for (const chip of root.querySelectorAll(".cite")) {
      const place = this.places.get(Number(chip.dataset.cite));
      label(chip, "cite", { number: chip.dataset.cite, where: place ? whereOf(place) : "" });
      chip.setAttribute("aria-expanded", "false");
      chip.setAttribute("aria-haspopup", "dialog");
    }
  }

  openCited(event) {
    const chip = event.target.closest(".cite");
    const place = chip && this.places.get(Number(chip.dataset.cite));
    if (place) openDocument(place.url, chip);
  }

  nearestSections(nearest) {
    if (!nearest.length) return [];
    const items = nearest.map(({ heading, url }) => el("li", {}, documentLink(url, {}, heading)));
    return [say(el("p", { class: "label" }), "nearest"), el("ul", { class: "nearest" }, ...items)];
  }

  sources() {
    const { citations } = this.event.answer;
    if (!citations.length) return [];
    const items = citations.map((citation) => {
      const place = this.places.get(citation.number);
      return el(
        "li",
        {},
        documentLink(
          place.url,
          { class: "source" },
          el("span", { class: "number" }, String(citation.number)),
          el("span", {}, citation.heading_path.join(" › ") || place.title || citation.source),
          el("span", { class: "where path" }, linesOf(citation)),
          el("span", { class: "quote" }, citation.quote),
        ),
      );
    });
    return [say(el("p", { class: "label" }), "sources"), el("ol", { class: "sources" }, ...items)];
  }

  actions(rating) {
    const { answer } = this.event;
    const copy = say(el("button", { type: "button", class: "quiet", onclick: () => this.copy(copy) }), "copy");
    const up = this.thumb("up", "good_answer");
    const down = this.thumb("down", "bad_answer");
    for (const thumb of [up, down]) thumb.setAttribute("aria-pressed", String(thumb.dataset.rating === rating));
    const why = this.whyButton(answer.trace_id);
    const by = el("span", { class: "by" }, modelName(answer.model), " · ", say(el("span"), "generation_is", { generation: answer.generation }));
    this.form = el("div");
    return [el("div", { class: "actions" }, copy, up, down, why, by), this.form];
  }

  whyButton(traceId) {
    const why = say(el("button", { type: "button", class: "quiet", "aria-haspopup": "dialog" }), "why");
    why.addEventListener("click", () => openWhy(traceId, why));
    return why;
  }

  thumb(rating, key) {
    const button = label(el("button", { type: "button", class: "quiet icon", "data-rating": rating }, icon(rating)), key);
    button.addEventListener("click", () => this.judge(rating));
    return button;
  }

  async judge(rating) {
    if (!(await this.sendVerdict(rating, ""))) return;
    for (const thumb of this.below.querySelectorAll("[data-rating]")) {
      thumb.setAttribute("aria-pressed", String(thumb.dataset.rating === rating));
    }
    this.element.dispatchEvent(new CustomEvent("zhiwen:rating", { detail: rating }));
    const id = `comment-${this.event.answer.trace_id}`;
    const field = el("textarea", { id, rows: "2", maxlength: "2000" });
    const form = el(
      "form",
      { class: "comment" },
      say(el("label", { for: id, class: "muted" }), "comment_label"),
      field,
      el("div", { class: "row" }, say(el("button", { class: "button" }), "comment_send")),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!(await this.sendVerdict(rating, field.value.trim()))) return;
      this.form.replaceChildren(say(el("p", { class: "muted", role: "status" }), "comment_thanks"));
    });
    this.form.replaceChildren(form);
    field.focus({ preventScroll: true });
    form.scrollIntoView({ block: "nearest" });
  }

  async sendVerdict(rating, comment) {
    const { answer } = this.event;
    const { trace_id, model, generation } = answer;
    const verdict = { trace_id, rating, comment, model, generation };
    try {
      await post("/feedback", { ...verdict, question: this.question, answer: answer.answer });
      return true;
    } catch (error) {
      this.form.replaceChildren(say(el("p", { class: "failed", role: "alert" }), ...problem(error)));
      return false;
    }
  }

  async copy(button) {
    say(button, (await toClipboard(this.markdown())) ? "copied" : "copy_failed");
    setTimeout(() => say(button, "copy"), 2000);
  }

  // The answer with its sources as links that lead here.
  markdown() {
    const { answer } = this.event;
    const sources = answer.citations.map((citation) => {
      const address = new URL(this.places.get(citation.number).url, location.href).href;
      return `${citation.number}. [${citation.heading_path.join(" › ") || citation.source}](${address}) ${linesOf(citation)}`;
    });
    const list = sources.length ? `\n\n${t("sources")}\n\n${sources.join("\n")}` : "";
    return `**${this.question}**\n\n${answer.answer}${list}\n`;
  }

  retry() {
    const button = el("button", { type: "button", class: "button plain", onclick: () => this.onRetry(this.question) });
    return el("div", { class: "actions" }, say(button, "retry"));
  }
}

function documentLink(url, attributes, ...children) {
  const link = el("a", { href: url, ...attributes }, ...children);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openDocument(url, link);
  });
  return link;
}

function placeOf(citation, places) {
  const url = citation.url.startsWith("/docs/") ? citation.url : places.get(citation.number)?.url;
  return { ...citation, url };
}

function whereOf({ heading_path, source, start_line, end_line }) {
  return [heading_path.join(" › "), linesOf({ source, start_line, end_line })].filter(Boolean).join(" · ");
}

function linesOf({ source, start_line, end_line }) {
  return start_line === end_line ? `${source}:${start_line}` : `${source}:${start_line}-${end_line}`;
}

function doubt(mark) {
  mark.title = t("unverified_why");
  if (mark.matches("tr")) mark.lastElementChild?.append(say(el("small", { class: "doubt" }), "unverified"));
  else if (mark.matches("pre")) mark.before(say(el("small", { class: "doubt" }), "unverified"));
  else mark.append(say(el("small", { class: "doubt" }), "unverified"));
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP, from another machine, there is no such interface; the old way still works.
    const field = el("textarea", { class: "unseen" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
