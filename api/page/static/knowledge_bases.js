// Which knowledge base the page is about: a choice that stays in this browser, where the server has several.

import { el } from "./dom.js";
import { json, route } from "./http.js";
import { say } from "./i18n.js";

const CHOICE = "zhiwen.knowledge_base";
const DEFAULT = "default";
export const ALL = "all";

const place = document.getElementById("knowledge-bases");
let choice = DEFAULT;
try {
  if (place) choice = localStorage.getItem(CHOICE) ?? DEFAULT;
} catch {
  // Without storage, the choice lasts as long as the page.
}

// The name of the chosen knowledge base, or ALL.
export function chosen() {
  return choice;
}

// The field of a request that names the chosen knowledge base, if it is not the default one.
export function named() {
  return choice === DEFAULT ? {} : { knowledge_base: choice };
}

// The address of a path of the server for the chosen knowledge base.
export function routeOf(path) {
  if (choice === DEFAULT) return route(path);
  return `${route(path)}${path.includes("?") ? "&" : "?"}knowledge_base=${encodeURIComponent(choice)}`;
}

// Shows a chooser if there are several, and calls `onChange` when another one is chosen. `withAll`: also offers them all.
export async function addChooser(onChange, { withAll }) {
  if (!place) return;
  if (choice === ALL && !withAll) choice = DEFAULT;
  const { knowledge_bases: bases } = await json(route("/knowledge-bases"));
  const select = el("select", { id: "knowledge-base" });
  for (const { name, title } of bases) {
    const option = el("option", { value: name }, title || name);
    select.append(title || name !== DEFAULT ? option : say(option, "default_knowledge_base"));
  }
  if (withAll) select.append(say(el("option", { value: ALL }), "all_knowledge_bases"));
  const about = el("span", { class: "muted", id: "knowledge-base-about" });
  const describe = () => (about.textContent = bases.find(({ name }) => name === choice)?.context ?? "");
  const isKnown = [...select.options].some(({ value }) => value === choice);
  if (!isKnown) choice = select.options[0]?.value ?? DEFAULT; // a key may be bound to others
  select.value = choice;
  select.setAttribute("aria-describedby", about.id);
  select.addEventListener("change", () => {
    choice = select.value;
    describe();
    try {
      localStorage.setItem(CHOICE, choice);
    } catch {
      // Without storage, the choice lasts as long as the page.
    }
    onChange();
  });
  describe();
  place.replaceChildren(say(el("label", { for: select.id }), "knowledge_base"), select, about);
  if (!isKnown) onChange();
}
