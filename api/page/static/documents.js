// A document that the server sends as JSON: its address, its text, and the place in it that an address names.

import { el, place } from "./dom.js";
import { say } from "./i18n.js";

// Where the content of the document at `address`, `/docs/…`, is asked for.
export function contentOf(address) {
  return address.pathname.replace("/docs/", "/documents/") + address.search;
}

export function textOf(found) {
  const text = el("div", { class: "prose" });
  place(text, found.html);
  return found.rebuilt ? [say(el("p", { class: "note" }), "rebuilt"), text] : [text];
}

// Scrolls to what the hash names; the ids of a document that was put into a page begin with `doc-`.
export function scrollTo(hash) {
  const target = hash && document.getElementById(`doc-${decodeURIComponent(hash.slice(1))}`);
  if (target) target.scrollIntoView({ block: "center" });
  return Boolean(target);
}
