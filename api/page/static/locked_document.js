// The page of a document on a server with API keys. It is empty at first; this script loads the content with the key.

import { el } from "./dom.js";
import { contentOf, scrollTo, textOf } from "./document_content.js";
import { start, waitOut } from "./frame.js";
import { describe, json } from "./http.js";
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
    waitOut(error, load);
    article.replaceChildren(say(el("p", { class: "failed" }), ...describe(error)));
  }
}

// Links to headings of the document change the hash without the prefix of its ids.
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
