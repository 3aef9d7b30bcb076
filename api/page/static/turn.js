// A question and its answer on the page, from the search to the feedback.

import { copyText } from "./clipboard.js";
import { documentLink, linesOf, locationOf, placeOf, urlOf } from "./citations.js";
import { openDocument } from "./document_panel.js";
import { el, icon, modelName, setHtml } from "./dom.js";
import { describe, post, route } from "./http.js";
import { label, say, t } from "./i18n.js";
import { openTrace } from "./trace_dialog.js";

export class Turn {
  // `onRetry` asks the question again.
  constructor(question, onRetry) {
    this.question = question;
    this.onRetry = onRetry;
    this.cited = new Map(); // passages by number
    this.rendered = [];
    this.state = el("p", { class: "state" });
    this.reasoningText = null;
    this.answer = el("div", { class: "answer prose" });
    this.below = el("div", { class: "below" });
    this.element = el("article", { class: "turn" }, el("h2", {}, question), this.state, this.answer, this.below);
    this.answer.addEventListener("click", (event) => this.openCited(event));
  }

  searching() {
    this.setState("searching", {}, true);
  }

  passages(passages) {
    for (const passage of passages) this.cited.set(passage.number, passage);
    this.setState(passages.length ? "answering" : "searching", { count: passages.length }, true);
  }

  reasoning(text) {
    if (!this.reasoningText) {
      this.reasoningText = el("p");
      const summary = say(el("summary"), "reasoning");
      this.answer.before(el("details", { class: "reasoning" }, summary, this.reasoningText));
      this.setState("thinking", {}, true);
    }
    this.reasoningText.append(text);
  }

  // Shows the blocks from number `start` on, and leaves those alone that have not changed.
  blocks({ start, html }) {
    html.forEach((block, offset) => {
      const index = start + offset;
      if (this.rendered[index] === block) return;
      if (!this.answer.children[index]) this.answer.append(el("div", { class: "block" }));
      setHtml(this.answer.children[index], block);
      this.labelCitations(this.answer.children[index]);
      this.rendered[index] = block;
    });
    this.rendered.length = start + html.length;
    while (this.answer.children.length > this.rendered.length) this.answer.lastElementChild.remove();
  }

  // Shows the complete answer. `rating` is set if the reader has rated it before.
  finish(event, rating) {
    this.event = event;
    const { answer, html, nearest } = event;
    for (const citation of answer.citations) {
      const passage = this.cited.get(citation.number);
      this.cited.set(citation.number, { ...passage, ...citation, url: urlOf(citation, passage) });
    }
    const refused = answer.refused && answer.reason !== "small_talk";
    this.answer.classList.toggle("refused", refused);
    this.blocks({ start: 0, html });
    for (const element of this.answer.querySelectorAll(".unverified")) markUnverified(element);
    const count = answer.citations.length;
    if (refused) this.setState("refused_state");
    else if (answer.truncated) this.setState("truncated");
    else this.setState(count ? "answered" : "answered_plain", { count });
    this.below.replaceChildren(...this.nearestSections(nearest), ...this.sources(), ...this.actions(rating));
  }

  stopped() {
    this.setState("stopped");
    this.below.replaceChildren(this.retry());
  }

  failed(error) {
    this.setState(this.rendered.length ? "broken" : "not_answered");
    const message = say(el("p", { class: "failed", role: "alert" }), ...describe(error));
    const actions = this.retry();
    if (error.traceId && isTraced()) actions.append(this.whyButton(error.traceId));
    this.below.replaceChildren(message, actions);
  }

  setState(key, values = {}, isBusy = false) {
    say(this.state, key, values);
    this.state.classList.toggle("busy", isBusy);
  }

  labelCitations(root) {
    for (const chip of root.querySelectorAll(".cite")) {
      const passage = this.cited.get(Number(chip.dataset.cite));
      label(chip, "cite", { number: chip.dataset.cite, where: passage ? locationOf(passage) : "" });
      chip.setAttribute("aria-expanded", "false");
      chip.setAttribute("aria-haspopup", "dialog");
    }
  }

  openCited(event) {
    const chip = event.target.closest(".cite");
    const passage = chip && this.cited.get(Number(chip.dataset.cite));
    if (passage) openDocument(passage.url, chip);
  }

  nearestSections(nearest) {
    if (!nearest.length) return [];
    const items = nearest.map(({ heading, url }) => el("li", {}, documentLink(url, {}, heading)));
    return [say(el("p", { class: "label" }), "nearest"), el("ul", { class: "nearest" }, ...items)];
  }

  sources() {
    const { answer } = this.event;
    if (!answer.citations.length) return [];
    const items = answer.citations.map((citation) => {
      const passage = this.cited.get(citation.number);
      return el(
        "li",
        {},
        documentLink(
          passage.url,
          { class: "source" },
          el("span", { class: "number" }, String(citation.number)),
          el("span", {}, citation.heading_path.join(" › ") || passage.title || citation.source),
          el("span", { class: "where path" }, [placeOf(citation, answer), citation.date].filter(Boolean).join(" · ")),
          el("span", { class: "quote" }, citation.quote),
        ),
      );
    });
    return [say(el("p", { class: "label" }), "sources"), el("ol", { class: "sources" }, ...items)];
  }

  actions(rating) {
    const { answer } = this.event;
    const copy = say(el("button", { type: "button", class: "quiet", onclick: () => copyText(this.markdown(), copy) }), "copy");
    const by = el("span", { class: "by" }, modelName(answer.model));
    if (answer.generation) by.append(" · ", say(el("span"), "generation_is", { generation: answer.generation }));
    this.form = el("div");
    return [el("div", { class: "actions" }, copy, ...(isTraced() ? this.traceActions(answer.trace_id, rating) : []), by), this.form];
  }

  // An answer without a trace can be neither rated nor explained.
  traceActions(traceId, rating) {
    const thumbs = [this.thumb("up", "good_answer"), this.thumb("down", "bad_answer")];
    for (const thumb of thumbs) thumb.setAttribute("aria-pressed", String(thumb.dataset.rating === rating));
    return [...thumbs, this.whyButton(traceId)];
  }

  whyButton(traceId) {
    const why = say(el("button", { type: "button", class: "quiet", "aria-haspopup": "dialog" }), "why");
    why.addEventListener("click", () => openTrace(traceId, why));
    return why;
  }

  thumb(rating, key) {
    const button = label(el("button", { type: "button", class: "quiet icon", "data-rating": rating }, icon(rating)), key);
    button.addEventListener("click", () => this.rate(rating));
    return button;
  }

  async rate(rating) {
    if (!(await this.sendFeedback(rating, ""))) return;
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
      if (!(await this.sendFeedback(rating, field.value.trim()))) return;
      this.form.replaceChildren(say(el("p", { class: "muted", role: "status" }), "comment_thanks"));
    });
    this.form.replaceChildren(form);
    field.focus({ preventScroll: true });
    form.scrollIntoView({ block: "nearest" });
  }

  async sendFeedback(rating, comment) {
    try {
      await post(route("/feedback"), { trace_id: this.event.answer.trace_id, rating, comment });
      return true;
    } catch (error) {
      this.form.replaceChildren(say(el("p", { class: "failed", role: "alert" }), ...describe(error)));
      return false;
    }
  }

  // The question and answer as Markdown, with the sources as links to this server.
  markdown() {
    const { answer } = this.event;
    const sources = answer.citations.map((citation) => {
      const address = new URL(this.cited.get(citation.number).url, location.href).href;
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

function markUnverified(element) {
  const tag = say(el("small", { class: "doubt" }), "unverified");
  element.title = t("unverified_why");
  if (element.matches("tr")) element.lastElementChild?.append(tag);
  else if (element.matches("pre")) element.before(tag);
  else element.append(tag);
}

function isTraced() {
  return document.getElementById("conversation").dataset.traced === "yes";
}
