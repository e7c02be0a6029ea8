// The two buttons. A yes needs a deliberate act: it is never the default, never focused by the page, and does not count
// within a moment of the request appearing, so that a double click on something else cannot approve it.

import * as api from "./api.js";
import { announce, fill, h, value } from "./dom.js";
import { signed } from "./passkeys.js";
import { verbOf } from "./words.js";

const SETTLE_MS = 700;
const TYPING_MS = 1000;
const PRESETS = ["Wrong recipients", "Wrong content", "Not now", "Ask me first, in the chat"];

/**
 * The bar with Reject and Approve.
 * `detail`: the record. `current()`: its status as last seen. `unread()`: why it cannot be approved yet, or "".
 * `leaving`: an AbortController that ends its listeners. `decided(status, remark)`: called with the status after an answer, or the newer one when somebody was quicker.
 * `edit()` opens the form to change it.
 * `together`: where it is looked at as one of several (see together.js).
 */
export function decisionBar(detail, { current, unread, decided, leaving, edit, together = null }) {
  const bar = h("section", { class: "decision", "aria-label": "Decision" });
  let shownAt = performance.now();
  let typedAt = -TYPING_MS;
  let typing = false;

  const note = h("p", { class: "decision-note", id: "decision-note" });
  const problem = h("p", { class: "decision-problem", role: "alert" });
  const checked = h("input", { type: "checkbox", id: "checked", on: { change: () => say() } });
  const reject = h("button", { type: "button", class: "secondary", id: "reject", on: { click: () => askReason() } }, "Reject…");
  const change = together || !detail.editable ? null : h("button", { type: "button", class: "quiet", id: "change", on: { click: edit } }, "Edit…");
  const approve = h("button", {
    type: "button", id: "approve", class: detail.action === "delete" ? "primary danger" : "primary",
    "aria-describedby": "decision-note", on: { click: (event) => approveIt(event) },
  }, together ? together.label(detail) : `Approve and ${verbOf(detail.action)}`);
  const reason = h("textarea", { id: "reason", rows: "2", maxlength: "500", placeholder: "What should the assistant do instead?" });

  let reached = detail.risk !== "high";
  /** Whether the last of it was on the screen, above this bar; of a message, once all of it is there. */
  function reach() {
    const end = document.getElementById("end-of-request");
    if (reached || document.hidden || !end || !bar.isConnected || unread()) return;
    reached = end.getBoundingClientRect().bottom <= bar.parentElement.getBoundingClientRect().top + 4;
    if (reached) say();
  }
  function missing() {
    if (unread()) return unread();
    if (!reached) return "High risk: scroll to the end first.";
    if (detail.risk === "high" && !checked.checked) return "Tick the box when you have checked the target.";
    return "";
  }
  function several() {
    const { approvers = 1, yeses } = current();
    if (approvers < 2) return "";
    return yeses ? `${yeses}: a yes of somebody else will ${verbOf(detail.action)} exactly this, once.`
      : `${approvers} different people must say yes to this. The first yes alone does nothing.`;
  }
  function say() {
    reach();
    note.textContent = missing() || together?.note() || several() || `Nothing has happened yet. A\u00a0yes will ${verbOf(detail.action)} exactly this, once.`;
    approve.setAttribute("aria-disabled", String(Boolean(missing())));
  }
  function question() {
    // Whatever stood where Approve is now: a click that was meant for it does not count.
    settle();
    say();
    fill(bar,
      detail.risk === "high"
        ? h("div", { class: "check" }, checked, h("label", { for: "checked" }, "I have checked this: ", value(detail.message ? detail.preview.target : detail.heading, "strong")))
        : null,
      h("div", { class: "decision-row" }, h("div", { class: "note-row" }, note, change), h("div", { class: "buttons" }, reject, approve)),
      problem,
    );
  }
  function askReason() {
    problem.textContent = "";
    const back = h("button", { type: "button", class: "secondary", on: { click: goBack } }, "Back");
    const send = h("button", { type: "button", class: "primary danger", id: "reject-now", on: { click: () => answer("reject", reason.value) } }, "Reject");
    fill(bar,
      h("div", { class: "reason", on: { keydown: (event) => { if (event.key === "Escape" && !event.isComposing) goBack(); } } },
        h("div", { class: "presets", role: "group", "aria-label": "Reject with a reason" }, PRESETS.map((words) =>
          h("button", { type: "button", class: "secondary preset", on: { click: (event) => { if (event.detail < 2) answer("reject", words); } } }, words))),
        h("label", { for: "reason" }, "Or in your words, if you like; the assistant is told"),
        reason,
        // On the other side than Approve: it must not appear under a pointer that is about to reject.
        h("div", { class: "buttons apart" }, send, back),
      ),
      problem,
    );
    reason.focus();
  }
  function goBack() {
    question();
    reject.focus();
  }
  /** Somebody comes back to this window, or it moves: what they press now was meant for what they saw before. */
  function settle() {
    shownAt = performance.now();
  }
  /** Whether a key follows so soon upon another one that it may be typed for another window. */
  function typed() {
    typing = performance.now() - typedAt < TYPING_MS;
    typedAt = performance.now();
  }
  function approveIt(event) {
    if (event.detail === 0 && typing && performance.now() - typedAt < TYPING_MS) {
      note.textContent = "Wait a moment, then press it again: it came right after another key.";
      announce(note.textContent);
      return;
    }
    // detail > 1 is the second click of a double click; a keyboard's has 0.
    if (!event.isTrusted || event.detail > 1) return;
    if (performance.now() - shownAt < SETTLE_MS) {
      if (!missing()) note.textContent = "Not counted: this came up only just now. Look again, then press once more.";
      return;
    }
    if (missing()) {
      announce(missing());
      return;
    }
    if (together) together.next(detail, current().version);
    else answer("approve", "");
  }
  /** The key A; `before`: whether something was done here by hand before it. */
  function approveByKey(before) {
    if (!approve.isConnected) return;
    if (detail.action === "delete" || detail.risk === "high" || together) {
      approve.focus();
      return tell("A key alone does not decide this: look at it, then use the buttons.");
    }
    if (missing()) return tell(missing());
    if (performance.now() - shownAt < SETTLE_MS || typing) return tell("Not counted: it came too soon. Look again, then press A once more.");
    if (!before) return tell("Press A once more to approve this.");
    answer("approve", "");
  }
  function tell(words) {
    note.textContent = words;
    announce(words);
  }
  async function answer(decision, words) {
    problem.textContent = "";
    // Before anything is awaited, so that there is no second answer from here.
    for (const control of bar.querySelectorAll("button, textarea, input")) control.disabled = true;
    try {
      const { digest } = detail;
      const { version } = current();
      const given = { decision, digest, version, ...(words.trim() ? { reason: words } : {}) };
      const whole = decision === "approve" && detail.level === "passkey" ? await signed(detail.id, given) : given;
      decided((await api.decide(detail.id, whole)).status, "");
    } catch (failure) {
      if (failure.status === 409 && failure.content.status_now) {
        decided(failure.content.status_now, failure.message);
      } else {
        problem.textContent = `${failure.message} Your answer may not have arrived; this page shows how it is now.`;
      }
    } finally {
      for (const control of bar.querySelectorAll("button, textarea, input")) control.disabled = false;
    }
  }

  const { signal } = leaving;
  for (const moved of ["focus", "pageshow", "resize"]) addEventListener(moved, settle, { signal });
  document.addEventListener("visibilitychange", settle, { signal });
  for (const moved of ["scroll", "resize"]) addEventListener(moved, reach, { signal, passive: true });
  addEventListener("keydown", typed, { signal, capture: true });
  question();
  return { bar, refresh: say, approve: approveByKey, reject: () => { if (reject.isConnected) askReason(); }, edit: () => { if (change?.isConnected) edit(); } };
}
