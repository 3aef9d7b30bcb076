// A document of a server that wants a key: the page comes empty, and what it shows is asked for with the key.

import { el } from "./dom.js";
import { contentOf, scrollTo, textOf } from "./documents.js";
import { away, start } from "./frame.js";
import { json, problem, Unreachable } from "./http.js";
import { say } from "./i18n.js";

const article = document.getElementById("document");

async function load() {
  try {
    const found = await json(contentOf(location));
    document.title = found.title || found.source;
    const colophon = say(el("span"), "generation_is", { generation: found.generation });
    const path = document.querySelector(".crumb .path");
    path.textContent = found.source;
    article.replaceChildren(...textOf(found), el("p", { class: "colophon" }, colophon));
    scrollTo(location.hash);
  } catch (error) {
    if (error instanceof Unreachable) away(load);
    article.replaceChildren(say(el("p", { class: "failed" }), ...problem(error)));
  }
}

// Links within the document lead to its own headings.
article.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#doc-']");
  if (!link) return;
  event.preventDefault();
  history.pushState(null, "", link.getAttribute("href").replace("#doc-", "#"));
  scrollTo(location.hash);
});
addEventListener("hashchange", () => scrollTo(location.hash));
start("knowledge");
load();
