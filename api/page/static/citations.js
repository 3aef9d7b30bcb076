// Where citations lead: links, addresses and lines of cited passages.

import { openDocument } from "./document_panel.js";
import { el } from "./dom.js";
import { route } from "./http.js";

// A link that opens the document at `url` beside the answer.
export function documentLink(url, attributes, ...children) {
  const link = el("a", { href: url, ...attributes }, ...children);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openDocument(url, link);
  });
  return link;
}

// The address of a citation or, if that does not lead to a document, of the passage it cites.
export function urlOf(citation, passage) {
  return citation.url.startsWith(route("/docs/")) ? citation.url : passage?.url;
}

// Describes where a passage is: its headings and lines.
export function locationOf({ heading_path, source, start_line, end_line }) {
  return [heading_path.join(" › "), linesOf({ source, start_line, end_line })].filter(Boolean).join(" · ");
}

// The lines of a passage as `guides/setup.md:3-5`.
export function linesOf({ source, start_line, end_line }) {
  return start_line === end_line ? `${source}:${start_line}` : `${source}:${start_line}-${end_line}`;
}

// The lines of a passage that `answer` may rest on, with its knowledge base if several were searched.
export function placeOf(passage, answer) {
  const isJoint = Object.keys(answer.generations ?? {}).length > 1;
  return isJoint ? `${passage.knowledge_base}: ${linesOf(passage)}` : linesOf(passage);
}
