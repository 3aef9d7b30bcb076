// Runs before anything is painted, so that nobody sees the wrong colours or the wrong language first.
(() => {
  const root = document.documentElement;
  let theme = "";
  let language = "";
  try {
    theme = localStorage.getItem("zhiwen.theme") || "";
    language = localStorage.getItem("zhiwen.language") || "";
  } catch {
    // A browser that keeps nothing still shows the page.
  }
  if (theme) root.dataset.theme = theme;
  const preferred = (navigator.languages || [navigator.language || "zh"])[0].toLowerCase();
  root.lang = (language || (preferred.startsWith("zh") ? "zh" : "en")) === "zh" ? "zh-CN" : "en";
})();
