// Long texts: a beginning, and a button for the rest. Whatever is stored can be reached; nothing is cut.

import { h } from "./dom.js";
import { plural } from "./words.js";

const PIECE = 100_000;

/** Fill `element` with the beginning of `text`. Returns a button that adds the rest, or null where there is none. */
export function unfold(element, text, most) {
  let shown = 0;
  const more = h("button", { type: "button", class: "link more-text" });
  const add = (length) => {
    // A pair of code units is one character: it is not torn apart.
    let end = Math.min(text.length, shown + length);
    if (/[\ud800-\udbff]/.test(text[end - 1])) end += 1;
    element.append(text.slice(shown, end));
    shown = Math.min(end, text.length);
    const left = text.length - shown;
    more.textContent = left > PIECE
      ? `Show ${plural(PIECE, "more character")} of the other ${left.toLocaleString("en")}`
      : `Show the other ${plural(left, "character")}`;
    return left;
  };
  more.addEventListener("click", () => {
    if (add(PIECE)) return;
    element.tabIndex = -1;
    element.focus();
    more.remove();
  });
  return add(most) ? more : null;
}
