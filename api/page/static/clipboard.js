// Copying to the clipboard.

import { say } from "./i18n.js";

const SHOWN_MS = 2000;

// Copies a text; the button says for a moment whether that worked. `key` is what it says otherwise.
export async function copyText(text, button, key = "copy") {
  say(button, (await toClipboard(text)) ? "copied" : "copy_failed");
  setTimeout(() => say(button, key), SHOWN_MS);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP from another machine, browsers have no clipboard API; this older way still works.
    const field = document.createElement("textarea");
    field.className = "unseen";
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
