// The frame around each page: language, theme, and a notice while the server or its store cannot be reached.

import { el } from "./dom.js";
import { route, Unreachable } from "./http.js";
import { say, switchLanguage, translate } from "./i18n.js";

const POLL_MS = 2000;
const NOTICE_MS = 2500;
const root = document.documentElement;
let polling = 0;

// Sets up the frame; `page` is the current item of the navigation.
export function start(page) {
  document.querySelector(`[data-nav="${page}"]`)?.setAttribute("aria-current", "page");
  document.getElementById("language").addEventListener("click", switchLanguage);
  document.getElementById("theme").addEventListener("click", switchTheme);
  translate();
}

function switchTheme() {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("zhiwen.theme", root.dataset.theme);
  } catch {
    // Without storage, the choice lasts as long as the page.
  }
}

// If an error says that the server or its store cannot be reached: shows a notice, polls, and calls `onBack` once it
// can. Other errors are ignored.
export function waitOut(error, onBack = () => {}) {
  const isServer = error instanceof Unreachable;
  if (!isServer && error.code !== "store_unavailable") return;
  const notice = document.getElementById("notice");
  const text = el("span");
  notice.replaceChildren(isServer ? say(text, "unreachable") : say(text, "not_ready", { message: error.message }));
  notice.hidden = false;
  if (polling) return;
  polling = setInterval(async () => {
    if (!(await (isServer ? serverResponds() : storeResponds()))) return;
    clearInterval(polling);
    polling = 0;
    say(notice.firstElementChild, "back");
    setTimeout(() => (notice.hidden = polling === 0), NOTICE_MS);
    onBack();
  }, POLL_MS);
}

async function serverResponds() {
  try {
    await fetch(route("/static/icon.svg"), { cache: "no-store" });
    return true;
  } catch {
    return false;
  }
}

async function storeResponds() {
  try {
    const { parts } = await (await fetch(route("/health/ready"), { cache: "no-store" })).json();
    return parts.some(({ part, ok }) => part === "store" && ok);
  } catch {
    return false;
  }
}
