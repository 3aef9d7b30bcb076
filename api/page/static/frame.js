// The frame around each page: language, colours, and a notice while the server is away.

import { el } from "./dom.js";
import { say, switchLanguage, translate } from "./i18n.js";

const root = document.documentElement;
let watching = 0;

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
    // It then lasts as long as the page.
  }
}

// Says that the server is away, looks for it every two seconds, and calls `onBack` when it has come back.
export function away(onBack = () => {}) {
  const notice = document.getElementById("notice");
  notice.replaceChildren(say(el("span"), "unreachable"));
  notice.hidden = false;
  if (watching) return;
  watching = setInterval(async () => {
    try {
      await fetch("/static/icon.svg", { cache: "no-store" });
    } catch {
      return;
    }
    clearInterval(watching);
    watching = 0;
    say(notice.firstElementChild, "back");
    setTimeout(() => (notice.hidden = watching === 0), 2500);
    onBack();
  }, 2000);
}
