// The content of a document, which the server sends as JSON.

import { el, setHtml } from "./dom.js";
import { hasKey, request, route } from "./http.js";
import { say } from "./i18n.js";

// The address of the content of the document at `address`, `/docs/…`.
export function contentOf(address) {
  return address.pathname.replace(route("/docs/"), route("/documents/")) + address.search;
}

// The elements that show a document: its text, below notes if it differs from the file or cannot be rendered.
export function textOf(found) {
  const text = el("div", { class: "prose" });
  setHtml(text, found.html, fetchPictures);
  const notes = ["rebuilt", "plain"].filter((note) => found[note]);
  return [...notes.map((note) => say(el("p", { class: "note" }), note)), text];
}

// The browser sends no key when it loads a picture, so if there is one, the pictures are fetched here.
function fetchPictures(content) {
  for (const image of hasKey() ? content.querySelectorAll("img") : []) {
    const path = image.getAttribute("src");
    image.removeAttribute("src");
    fetchPicture(image, path);
  }
}

async function fetchPicture(image, path) {
  try {
    const url = URL.createObjectURL(await (await request(path)).blob());
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
  } catch {
    image.replaceWith(el("span", { class: "image" }, image.alt)); // what the picture shows is still said
  }
}

// Scrolls to the element that the hash names; ids in a document begin with `doc-`. Returns whether there is one.
export function scrollTo(hash) {
  const target = hash && document.getElementById(`doc-${decodeURIComponent(hash.slice(1))}`);
  if (target) target.scrollIntoView({ block: "center" });
  return Boolean(target);
}
