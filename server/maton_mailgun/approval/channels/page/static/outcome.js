// What became of a request, in its own words, with what to do now; and a fresh password, once.

import * as api from "./api.js";
import { now } from "./api.js";
import { announce, fill, h, icon, value } from "./dom.js";
import { adviceFor, date, meaningOf, stateOf } from "./words.js";

/** The panel on top of a request that does not wait any more. */
export function outcomePanel(detail, status) {
  if (status.state === "pending") return null;
  const state = stateOf(status.state, detail.action);
  const said = status.outcome ?? {};
  const later = status.state === "approved" && status.retry_at;
  const meaning = later
    ? `The service is busy and asked to wait until ${date(status.retry_at)}. Nothing was carried out; your yes stays good until ${date(status.expires_at)}.`
    : meaningOf(status.state, detail.action);
  const advice = [adviceFor(status.state, detail.action)].filter(Boolean);
  return h("section", { class: `outcome tone-${state.tone}`, "aria-labelledby": "outcome-heading" },
    h("h2", { id: "outcome-heading", tabindex: "-1" }, icon(state.icon), later ? "Approved, waiting for the service" : state.word),
    h("p", { class: "outcome-meaning" }, meaning),
    status.reason ? h("p", { class: "outcome-said" }, h("span", { class: "muted" }, "Reason: "), value(status.reason)) : null,
    said.message ? h("p", { class: "outcome-said" }, h("span", { class: "muted" }, "In detail: "), value(said.message)) : null,
    status.superseded_by ? h("p", { class: "outcome-next" }, h("a", { href: `#/a/${status.superseded_by}`, id: "superseded-by" }, "Open what stands in its place")) : null,
    advice.map((line) => h("p", { class: "outcome-next" }, line)),
    status.decided_by ? h("p", { class: "muted" }, status.state === "rejected" ? "Rejected by " : "Approved by ", value(status.decided_by),
      status.decided_at ? `, ${date(status.decided_at)}` : "") : null,
    status.state === "held" ? undoBox(detail, status) : null,
    status.state === "succeeded" && detail.reveals ? secretBox(detail) : null,
  );
}

/** Takes the yes back as long as it is held, and says for how long that is. */
function undoBox(detail, status) {
  const left = h("span", { class: "muted" });
  const undo = h("button", { type: "button", class: "primary danger", id: "undo" }, "Undo");
  const box = h("div", { class: "buttons" }, left, undo);
  const tick = () => {
    const seconds = Math.max(0, Math.ceil(status.held_until - now()));
    left.textContent = seconds ? `Can be undone for another ${seconds} s` : "The time to undo it is over";
    undo.disabled = !seconds;
  };
  const ticking = setInterval(() => (box.isConnected ? tick() : clearInterval(ticking)), 500);
  undo.addEventListener("click", async () => {
    undo.disabled = true;
    try {
      await api.undo(detail.id);
    } catch (problem) {
      announce(problem.message);
    }
  });
  tick();
  return box;
}

function secretBox(detail) {
  const box = h("div", { class: "secret" });
  const show = h("button", { type: "button", class: "secondary", id: "show-secret" }, "Show the new secret");
  show.addEventListener("click", async () => {
    show.disabled = true;
    try {
      const { secret } = await api.secret(detail.id);
      fill(box, ...(secret ? revealed(secret) : [h("p", {}, "It was shown before, or there is none. It is not kept.")]));
      announce(secret ? "The secret is shown." : "There is no secret to show.");
      box.querySelector("button")?.focus();
    } catch (problem) {
      show.disabled = false;
      announce(problem.message);
    }
  });
  fill(box, h("p", {}, "A fresh secret was made. It is shown once, here, and not to the assistant."), show);
  return box;
}

function revealed(secret) {
  return [
    h("p", {}, h("strong", {}, "Copy it now."), " It is not shown again."),
    h("dl", { class: "secrets" }, Object.entries(secret).map(([name, text]) => {
      const code = h("code", { class: "secret-value", tabindex: "0" }, text);
      const copy = h("button", { type: "button", class: "secondary" }, "Copy");
      copy.setAttribute("aria-label", `Copy ${name}`);
      copy.addEventListener("click", () => copyText(text, code, copy));
      return [h("dt", {}, value(name)), h("dd", {}, code, copy)];
    })),
  ];
}

async function copyText(text, code, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    announce("Copied.");
  } catch {
    // Without permission the text is selected, ready for the keyboard.
    getSelection().selectAllChildren(code);
    button.textContent = "Selected: press Ctrl+C";
    announce("Selected. Copy it with the keyboard.");
  }
}
