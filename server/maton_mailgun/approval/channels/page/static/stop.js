// The emergency stop: a button, a question whether it is meant, and what stands from then on. It is lifted in a terminal.

import * as api from "./api.js";
import { announce, fill, h, value } from "./dom.js";

const button = document.getElementById("stop");
const place = document.getElementById("stop-place");
let stopped = null;
let after = () => {};

/** Show how it stands. `changed()` is called after somebody has stopped everything here. */
export function showStop(signedIn, standing, changed = () => {}) {
  after = changed;
  button.hidden = !signedIn || Boolean(standing);
  if (!signedIn) hide();
  else if (standing) {
    // Drawn once: whoever reads it with the keyboard stays there.
    if (stopped === standing.words) return;
    stopped = standing.words;
    place.hidden = false;
    fill(place,
      h("p", { id: "stopped", role: "alert" }, h("strong", {}, "Stopped. "), value(standing.words), "."),
      h("p", {}, "Nothing can be proposed, approved or carried out. To go on, run ", h("code", {}, "maton-mailgun approvals resume"), " in a terminal."),
    );
  } else if (stopped !== null) {
    hide();
    announce("The stop was lifted.");
  }
}

function hide() {
  stopped = null;
  place.hidden = true;
  fill(place);
}

function ask() {
  const problem = h("p", { class: "decision-problem", role: "alert" });
  const reason = h("input", { type: "text", id: "stop-reason", maxlength: "500", autocomplete: "off" });
  const back = h("button", { type: "button", class: "secondary", on: { click: goBack } }, "Back");
  const now = h("button", { type: "button", class: "primary danger", id: "stop-now", on: { click: async (event) => {
    if (!event.isTrusted) return;
    now.disabled = true;
    problem.textContent = "";
    try {
      const { stopped: standing } = await api.stop(reason.value.trim());
      showStop(true, standing, after);
      announce("Everything is stopped.");
      after();
    } catch (failure) {
      problem.textContent = `${failure.message} Nothing is known to be stopped.`;
      now.disabled = false;
    }
  } } }, "Stop everything now");
  place.hidden = false;
  fill(place,
    h("p", {}, "This rejects all that waits, and lets nothing be proposed or carried out by any server here until somebody lifts it in a terminal. What is being sent already is not cut."),
    h("label", { for: "stop-reason" }, "Reason, if you like; it is told to the assistant and stays in the audit, so no address"),
    reason,
    h("div", { class: "buttons apart" }, now, back),
    problem,
  );
  reason.focus();
}

function goBack() {
  hide();
  button.focus();
}

place.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && stopped === null) goBack();
});
button.addEventListener("click", ask);
