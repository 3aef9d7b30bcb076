// A document beside the answer: a panel on a wide screen, a sheet on a narrow one.

import { el, icon } from "./dom.js";
import { contentOf, scrollTo, textOf } from "./document_content.js";
import { waitOut } from "./frame.js";
import { describe, json, route } from "./http.js";
import { label, say } from "./i18n.js";

const NARROW = matchMedia("(max-width: 900px)");
let panel = null;
let opener = null;
let currentUrl = "";
let isSwitching = false;

// Opens the document at `url`, scrolled to its passage. `from` is the element that was pressed; it gets the focus back.
export async function openDocument(url, from) {
  build();
  opener?.setAttribute("aria-expanded", "false");
  opener = from;
  opener?.setAttribute("aria-expanded", "true");
  currentUrl = url;
  const address = new URL(url, location.href);
  panel.heading.textContent = decodeURIComponent(address.pathname.split("/").pop());
  panel.path.textContent = "";
  panel.link.href = url;
  panel.body.replaceChildren(say(el("p", { class: "muted" }), "loading"));
  show();
  try {
    const found = await json(contentOf(address));
    if (currentUrl === url) fill(found, address.hash);
  } catch (error) {
    if (currentUrl !== url) return;
    waitOut(error, () => currentUrl === url && panel.dialog.open && openDocument(url, from));
    panel.body.replaceChildren(say(el("p", { class: "failed" }), ...describe(error)));
  }
}

export function closeDocument() {
  panel?.dialog.close();
}

function build() {
  if (panel) return;
  const heading = el("h2", { id: "panel-title" });
  const path = el("p", { class: "path" });
  const link = say(el("a", { class: "quiet", target: "_blank", href: route("/") }), "open_page");
  const close = label(el("button", { type: "button", class: "quiet icon", onclick: closeDocument }, icon("close")), "close");
  const body = el("div", { class: "body", tabindex: "0" });
  const dialog = el(
    "dialog",
    { class: "side", id: "panel", "aria-labelledby": "panel-title" },
    el("header", {}, el("div", {}, heading, path), link, close),
    body,
  );
  dialog.addEventListener("close", () => {
    if (isSwitching) {
      isSwitching = false;
      return;
    }
    document.body.classList.remove("beside");
    opener?.setAttribute("aria-expanded", "false");
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    currentUrl = "";
  });
  // A non-modal dialog does not close on Escape by itself.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && dialog.open && !document.querySelector("dialog:modal")) dialog.close();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
    follow(event);
  });
  // When the screen is rotated, the panel becomes a sheet, or the sheet a panel.
  NARROW.addEventListener("change", () => {
    if (!dialog.open) return;
    isSwitching = true;
    dialog.close();
    show();
    scrollTo(new URL(currentUrl, location.href).hash);
  });
  document.body.append(dialog);
  panel = { dialog, heading, path, link, body };
}

function show() {
  const { dialog } = panel;
  if (!dialog.open) {
    if (NARROW.matches) dialog.showModal();
    else dialog.show();
    document.body.classList.toggle("beside", !NARROW.matches);
  }
  panel.body.focus({ preventScroll: true });
}

function fill(found, hash) {
  panel.heading.textContent = found.title || found.source;
  panel.path.textContent = found.source;
  panel.body.replaceChildren(...textOf(found));
  if (!scrollTo(hash)) panel.body.scrollTop = 0;
}

// Opens links from one document to another in the panel.
function follow(event) {
  const link = event.target.closest(`.prose a[href^='${route("/docs/")}']`);
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openDocument(link.getAttribute("href"), opener);
}
