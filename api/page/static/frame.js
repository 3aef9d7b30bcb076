// The frame around each page: language, theme, and a notice while the server cannot be reached.

import { el } from "./dom.js";
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

// Shows a notice that the server cannot be reached, polls the server, and calls `onBack` once it responds.
export function waitForServer(onBack = () => {}) {
  const notice = document.getElementById("notice");
  notice.replaceChildren(say(el("span"), "unreachable"));
  notice.hidden = false;
  if (polling) return;
  polling = setInterval(async () => {
    try {
      await fetch("/static/icon.svg", { cache: "no-store" });
    } catch {
      return;
    }
    clearInterval(polling);
    polling = 0;
    say(notice.firstElementChild, "back");
    setTimeout(() => (notice.hidden = polling === 0), NOTICE_MS);
    onBack();
  }, POLL_MS);
}
