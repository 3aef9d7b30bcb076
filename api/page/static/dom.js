// Helpers to make elements, and to insert HTML that the server has sanitised.

import { say } from "./i18n.js";

// Makes an element; attributes named `on…` are event listeners, false and undefined ones are left out.
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Replaces the content of an element. `html` must come from this server, which sanitises documents and answers. `adapt` may
// change it before the browser loads its pictures.
export function setHtml(element, html, adapt = () => {}) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const link of template.content.querySelectorAll("a[href^='http']")) link.target = "_blank";
  adapt(template.content);
  element.replaceChildren(template.content);
}

const ICONS = {
  close: "M6 6l12 12M18 6 6 18",
  up: "M7 11v9H4v-9zm0 0 4-8c1.7 0 2.6 1 2.4 2.6L13 9h5.5a2 2 0 0 1 2 2.4l-1.3 7A2 2 0 0 1 17.2 20H7",
  down: "M17 13V4h3v9zm0 0-4 8c-1.7 0-2.6-1-2.4-2.6L11 15H5.5a2 2 0 0 1-2-2.4l1.3-7A2 2 0 0 1 6.8 4H17",
  write: "M5 19h14M5 15.5V19h3.5L19 8.5 15.5 5z",
  history: "M12 7v5l3 2M4 12a8 8 0 1 0 2.5-5.800L4 8.5M4 4v4.5h4.5",
  bin: "M5 7h14M10 7V4h4v3m3 0-1 13H8L7 7",
};

// The name of the model that wrote an answer, or that the answer is quoted.
export function modelName(model) {
  return model === "extractive" ? say(el("span"), "no_model") : el("span", {}, model);
}

export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", width: 18, height: 18, "aria-hidden": "true" }, svg("path", { class: "stroke", d: ICONS[name] }));
}
