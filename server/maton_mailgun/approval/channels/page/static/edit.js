// Changing what waits: the fields of a request, and the new request that is made of them. Saving sends nothing and
// decides nothing; what was saved needs its own yes.

import * as api from "./api.js";
import { announce, fill, h, icon, value } from "./dom.js";

const CONTEXT = 60;
const MOST_SHOWN = 1_500;

/**
 * Draw the form for `detail` in `main`. `back()` is called when nothing is to be changed, `saved(id)` with the new one.
 * Returns an object whose `ended(word)` says that it was decided meanwhile.
 */
export async function openEdit(main, detail, { signal, back, saved }) {
  // Nobody's time runs out while they write.
  api.moreTime(detail.id).catch(() => null);
  const { digest, fields } = await api.fields(detail.id, signal);
  const drawn = fields.map(drawField);
  const problem = h("p", { class: "decision-problem", role: "alert", id: "edit-problem" });
  const save = h("button", { type: "submit", class: "primary", id: "save-edit" }, "Save as a new request");
  const leave = h("button", { type: "button", class: "secondary", id: "leave-edit", on: { click: back } }, "Back");
  const heading = h("h1", { tabindex: "-1" }, "Change it");
  const rare = drawn.filter((one) => !one.field.usual);
  const form = h("form", { class: "detail edit", id: "edit", "aria-label": "Change this request", novalidate: true, on: { submit, keydown } },
    h("header", { class: "detail-head" },
      h("p", { class: "kind-of" }, icon("change"), value(detail.title)),
      heading,
      h("p", { class: "effect" }, "Saving sends nothing: it makes a new request, which needs your yes. The assistant is told what you changed.")),
    h("section", { class: "part fields" }, drawn.filter((one) => one.field.usual).map((one) => one.row)),
    rare.length ? h("details", { class: "part" }, h("summary", {}, h("h2", {}, "Other fields")), h("div", { class: "fields" }, rare.map((one) => one.row))) : null,
    h("p", { class: "muted" }, "Files, secrets and what it is about stay as they are."),
  );
  const note = h("p", { class: "decision-note" }, "Nothing has happened yet.");
  fill(main, form, h("div", { class: "decision-place" }, h("section", { class: "decision", "aria-label": "Save" },
    h("div", { class: "decision-row" }, note, h("div", { class: "buttons" }, leave, save)), problem)));
  save.setAttribute("form", "edit");
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);

  function keydown(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) form.requestSubmit();
  }
  async function submit(event) {
    event.preventDefault();
    if (save.disabled) return;
    const changed = drawn.filter((one) => one.changed());
    for (const one of drawn) one.say("");
    if (!changed.length) return tell("Nothing is changed yet.");
    save.disabled = true;
    tell("");
    try {
      const set = Object.fromEntries(changed.map((one) => [one.field.name, one.read()]));
      const { id } = await api.edit(detail.id, { digest, set });
      announce("Saved as a new request. It needs your yes.");
      return saved(id);
    } catch (failure) {
      if (signal.aborted) return;
      save.disabled = false;
      mark(failure);
    }
  }
  /** Say at each field what is wrong with it, and go to the first. */
  function mark(failure) {
    const elsewhere = [];
    for (const { path, why } of failure.content?.problems ?? []) {
      const one = drawn.find((each) => each.field.name === path.split(/[.[]/)[0]);
      if (one) one.say(why);
      else elsewhere.push(path ? `${path}: ${why}` : why);
    }
    tell([failure.message, ...elsewhere].join(" "));
    const first = drawn.find((one) => one.control.getAttribute("aria-invalid"));
    if (first) {
      first.row.closest("details")?.setAttribute("open", "");
      first.control.focus();
    }
    if (failure.status === 409) save.disabled = true;
  }
  function tell(words) {
    problem.textContent = words;
  }
  return {
    ended(word) {
      save.disabled = true;
      tell(`${word} meanwhile: nothing of it can be changed any more.`);
    },
  };
}

/** What people changed of what was proposed, word by word. */
export function editsSection(detail) {
  if (!detail.edited_by?.length) return null;
  return h("section", { class: "part edits", id: "edits", "aria-labelledby": "edits-heading" },
    h("h2", { id: "edits-heading" }, icon("change"), " Changed by ", value(detail.edited_by.join(", "))),
    h("p", { class: "muted" }, "Against what the assistant proposed. It needs a yes like any other."),
    detail.edits.map((edit) => h("div", { class: "edit-line", role: "group", "aria-label": edit.label },
      h("h3", {}, value(edit.label)),
      h("p", { class: "words", dir: "auto" }, edit.pieces.map(([kind, text], number) => piece(kind, text, number, edit.pieces.length))))),
  );
}

function piece(kind, text, number, count) {
  const cut = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
  // Colours alone say nothing to a screen reader.
  if (kind === "out") return h("del", {}, h("span", { class: "unseen" }, "removed: "), cut);
  if (kind === "in") return h("ins", {}, h("span", { class: "unseen" }, "added: "), cut);
  if (text.length <= 2 * CONTEXT) return h("span", {}, text);
  return h("span", {}, number ? text.slice(0, CONTEXT) : "", "…", number + 1 < count ? text.slice(-CONTEXT) : "");
}

/** One field: its row, whether it was changed, and what it holds now. */
function drawField(field) {
  const id = `edit-${field.name}`;
  const said = h("p", { class: "field-problem", id: `${id}-problem` });
  const props = { id, "aria-describedby": `${id}-about ${id}-problem`, "aria-required": field.required ? "true" : null };
  const control = drawControl(field, props);
  const before = control.value;
  const row = h("div", { class: "field" },
    h("label", { for: id }, field.label),
    control,
    h("p", { class: "muted field-about", id: `${id}-about` }, field.kind === "list" ? `${field.about}. One on each line.` : field.about),
    said);
  return {
    field, row, control,
    changed: () => control.value !== before,
    read: () => read(field, control.value),
    say(words) {
      said.textContent = words;
      if (words) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    },
  };
}

function drawControl(field, props) {
  const held = field.value;
  if (field.kind === "switch" || field.kind === "choice") {
    const choices = field.kind === "switch" ? ["yes", "no"] : field.choices;
    const now = held === true ? "yes" : held === false ? "no" : held ?? "";
    return h("select", props, h("option", { value: "" }, "(not set)"),
      choices.map((choice) => h("option", { value: choice, selected: choice === now }, choice)));
  }
  const text = Array.isArray(held) ? held.join("\n") : String(held ?? "");
  if (field.kind === "text" || field.kind === "list" || text.includes("\n")) {
    const rows = Math.min(24, Math.max(field.kind === "text" ? 5 : 1, text ? text.split("\n").length + 1 : 1));
    const area = h("textarea", { ...props, rows, dir: "auto", spellcheck: field.kind === "text" });
    area.value = text;
    return area;
  }
  const line = h("input", { ...props, type: "text", dir: "auto", autocomplete: "off" });
  line.value = text;
  return line;
}

/** The value for the request; null takes it away. */
function read(field, text) {
  if (field.kind === "list") {
    const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
    return lines.length ? lines : null;
  }
  if (text === "") return null;
  if (field.kind === "switch") return text === "yes";
  if (field.kind === "number" && /^-?\d{1,15}$/.test(text.trim())) return Number(text);
  return text;
}
