// The content of a document, which the server sends as JSON.

import { el, setHtml } from "./dom.js";
import { say } from "./i18n.js";

// The address of the content of the document at `address`, `/docs/…`.
export function contentOf(address) {
  return address.pathname.replace("/docs/", "/documents/") + address.search;
}

// The elements that show a document: its text and, if it differs from the file, a note.
export function textOf(found) {
  const text = el("div", { class: "prose" });
  setHtml(text, found.html);
  return found.rebuilt ? [say(el("p", { class: "note" }), "rebuilt"), text] : [text];
}

// Scrolls to the element that the hash names; ids in a document begin with `doc-`. Returns whether there is one.
export function scrollTo(hash) {
  const target = hash && document.getElementById(`doc-${decodeURIComponent(hash.slice(1))}`);
  if (target) target.scrollIntoView({ block: "center" });
  return Boolean(target);
}
