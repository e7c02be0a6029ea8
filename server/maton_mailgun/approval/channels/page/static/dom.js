// Elements are made here and nowhere else. Text becomes text nodes, so nothing from a record is ever read as markup;
// the page's content policy (trusted types) makes the browser refuse any other way.

import { localRemark, usual } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element. `props`: attributes by name; `on` maps event names to listeners; false, null and undefined are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

/** Children flattened, with what is not there left out. */
export function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/** Replace what `element` holds. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** A value from a record inside a sentence: it takes its own direction and cannot reorder its neighbours. */
export function value(text, className) {
  return h("bdi", { class: className }, text);
}

/** A short remark beside a value: amber where it differs from what is usual. */
export function chip(remark) {
  return h("span", { class: usual(remark) ? "chip calm" : "chip" }, value(localRemark(remark)));
}

const PATHS = {
  send: "M4 12 20 4l-5 16-3.5-6.5zM11.5 13.5 20 4",
  create: "M12 5v14M5 12h14",
  change: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  delete: "M5 7h14M10 4h4M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  warning: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.3",
  unchecked: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1 1-1.1 1.8M12 16.6v.3",
  good: "M4.5 12.5l5 5 10-11",
  bad: "M6 6l12 12M18 6 6 18",
  busy: "M12 3a9 9 0 1 1-9 9",
  waiting: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
  back: "M15 5l-7 7 7 7",
  undo: "M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3",
};

/** A small line drawing; always beside words that say the same. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] ?? PATHS.waiting);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** Have a screen reader say `text` when it has finished what it is saying. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  // An emptied and refilled region is read out even when the words are the same as before.
  requestAnimationFrame(() => { live.textContent = text; });
}

/** A promise for later; ends at once when `signal` aborts. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** Resolves when the tab is in view; hidden tabs ask the server nothing. */
export function inView(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true });
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
