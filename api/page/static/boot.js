// Sets theme and language before the first paint, so that the page does not flash in the wrong ones.
(() => {
  const root = document.documentElement;
  let theme = "";
  let language = "";
  try {
    theme = localStorage.getItem("zhiwen.theme") || "";
    language = localStorage.getItem("zhiwen.language") || "";
  } catch {
    // The page works without storage.
  }
  if (theme) root.dataset.theme = theme;
  const preferred = (navigator.languages || [navigator.language || "zh"])[0].toLowerCase();
  root.lang = (language || (preferred.startsWith("zh") ? "zh" : "en")) === "zh" ? "zh-CN" : "en";
})();
