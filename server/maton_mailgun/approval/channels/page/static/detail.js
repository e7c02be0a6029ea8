// One request: warnings, target and effect, everything else that was found out, and the decision.

import * as api from "./api.js";
import { announce, chip, fill, h, icon, inView, pause, value } from "./dom.js";
import { decisionBar } from "./decision.js";
import { editsSection, openEdit } from "./edit.js";
import { messageSection } from "./message.js";
import { outcomePanel } from "./outcome.js";
import { recipientsSection } from "./recipients.js";
import { unfold } from "./unfold.js";
import { ago, countdown, date, plural, stateOf } from "./words.js";

const WARNINGS_AT_ONCE = 4;
const NARROW = matchMedia("(max-width: 760px)");
const FOR_GOOD = /^(This cannot be undone|What it holds now is lost|What was billed)/;
const VALUE_AT_ONCE = 2_000;
const ENDS_SOON = 180;
const FINAL = new Set(["succeeded", "failed", "rejected", "expired", "cancelled", "stale", "superseded"]);

/**
 * Show the approval `id` in `main` and follow it until `signal` aborts. `changed()` is called when its state changes,
 * `answered(detail, status)` when it was decided here, `changedTo(id)` when it was changed here, `again()` to draw it anew. `opened(buttons)` is given what the keys act on.
 */
export async function openDetail(main, id, signal, { changed, answered, opened, together, changedTo, again }) {
  const detail = await api.one(id, signal);
  const view = draw(main, detail, signal, { changed, answered, opened, together: together?.(detail), changedTo, again });
  if (signal.aborted) return;
  view.heading.focus({ preventScroll: true });
  main.scrollTop = 0;
  scrollTo(0, 0);
  if (detail.status.state !== "pending") return follow(id, view, signal);
  // Shown to a person is what stands before one: not in a tab that is behind another.
  await inView(signal);
  view.update((await api.shown(id)).status);
  await follow(id, view, signal);
}

/** Ask for changes until nothing more can change. */
async function follow(id, view, signal) {
  while (!signal.aborted && !FINAL.has(view.status().state)) {
    await inView(signal);
    const asked = performance.now();
    const before = view.status().version;
    const { status } = await api.changes(id, before, signal);
    view.update(status);
    if (status.version === before && performance.now() - asked < 1000) await pause(3000, signal);
  }
}

function draw(main, detail, signal, { changed, answered, opened, together, changedTo, again }) {
  let status = detail.status;
  const { preview } = detail;
  const outcome = h("div", { class: "outcome-place" });
  const decision = h("div", { class: "decision-place" });
  const facts = h("div", { class: "eyebrow" });
  const timeline = h("ol", { class: "timeline" });
  const technical = h("dl", { class: "rows technical" });
  const more = h("button", { type: "button", class: "quiet", id: "more-time", hidden: status.expires_at - api.now() > ENDS_SOON }, "+15 minutes");
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      update((await api.moreTime(detail.id)).status);
      announce("It waits for 15 minutes more.");
    } catch (problem) {
      announce(problem.message);
    } finally {
      more.disabled = false;
    }
  });
  // A message is called by its subject, all of it: it stands nowhere else.
  const called = detail.message ? detail.message.subject || "(no subject)" : detail.heading;
  const heading = h("h1", { tabindex: "-1", class: called.length > 90 ? "long" : called.length > 44 ? "longish" : null }, value(called));
  const warnings = warningsPanel(preview, () => buttons?.refresh());
  const message = messageSection(detail, signal, () => buttons?.refresh());
  // What stands behind a button is a part of what a yes is to.
  const folded = () => (main.querySelector(".more-text") ? "Show each long value to its end before you approve." : "");
  const unread = () => warnings.unread() || message.unread() || folded();
  let buttons = null;
  let editing = null;
  async function edit() {
    try {
      opened(null);
      editing = await openEdit(main, detail, { signal, back: again, saved: changedTo });
      if (status.state !== "pending") editing.ended(stateOf(status.state, detail.action).word);
    } catch (problem) {
      if (!signal.aborted) announce(problem.message);
      opened(buttons);
      if (problem.status === 409) again();
    }
  }
  let leaving = new AbortController();

  function redraw() {
    fill(facts, ...eyebrow(detail, status, more));
    fill(timeline, ...moments(detail, status));
    fill(technical, ...technicalRows(detail, status));
  }
  function update(fresh, remark = "") {
    // Answers can overtake each other; the higher version is the newer truth.
    if (fresh.version < status.version) return;
    const before = status.state;
    // The outcome is drawn anew with every state; whoever reads it with the keyboard stays there.
    const follows = before === "pending" || outcome.contains(document.activeElement);
    status = fresh;
    redraw();
    if (fresh.state !== before || remark) {
      redrawDecision();
      if (fresh.state !== "pending") editing?.ended(stateOf(fresh.state, detail.action).word);
      const word = stateOf(fresh.state, detail.action).word;
      announce([remark, fresh.state === "pending" ? "" : `${word}.`].filter(Boolean).join(" "));
      if (remark) outcome.prepend(h("p", { class: "remark" }, remark));
      if (follows) document.getElementById("outcome-heading")?.focus();
      changed();
    }
  }
  function redrawDecision() {
    fill(outcome, outcomePanel(detail, status));
    if (status.state === "pending") {
      leaving.abort();
      leaving = new AbortController();
      const decided = (fresh, remark) => {
        const half = !remark && fresh.state === "pending" && fresh.yeses;
        update(fresh, half ? `Your yes is recorded: ${fresh.yeses}.` : remark);
        if (half) return;
        // A fresh secret is shown here once: nobody is led away from it.
        // Nor away from what can still be undone.
        if (!remark && fresh.state !== "held" && !(detail.reveals && fresh.state !== "rejected")) answered(detail, fresh);
      };
      buttons = decisionBar(detail, { current: () => status, unread, decided, leaving, edit, together });
      opened(buttons);
      fill(decision, buttons.bar);
    } else {
      leaving.abort();
      opened(null);
      fill(decision);
    }
  }
  signal.addEventListener("abort", () => leaving.abort());

  redraw();
  redrawDecision();
  fill(main,
    h("article", { class: "detail", "data-action": detail.action, "aria-label": "Request" },
      h("p", { class: "back" }, h("a", { href: "#/" }, icon("back"), "All approvals")),
      detail.sandbox ? h("p", { class: "sandbox" }, h("strong", {}, "Sandbox."), " Nothing leaves this machine, whatever you decide.") : null,
      h("header", { class: "detail-head" },
        h("p", { class: "kind-of" }, icon(detail.action), value(detail.title)),
        heading,
        h("p", { class: "effect" }, value((detail.message && preview.ending) || preview.effect)),
        detail.message && preview.ending ? null : h("p", { class: "undo" }, icon(FOR_GOOD.test(preview.undo) ? "bad" : "undo"), value(preview.undo)),
        detail.leaves_at && new Date(detail.leaves_at * 1000).getTimezoneOffset() ? h("p", { class: "muted" }, `In your time it leaves at ${date(detail.leaves_at)}.`) : null,
        facts),
      outcome,
      editsSection(detail),
      warnings.panel,
      message.panel ?? recipientsSection(preview.recipients),
      diffSection(preview.diff),
      (preview.sections ?? []).map(section),
      h("section", { class: "part", "aria-labelledby": "about-heading" },
        h("h2", { id: "about-heading" }, "About this request"),
        h("dl", { class: "key-facts" },
          called.includes(preview.target) ? null : keyFact("What it is about", preview.target),
          keyFact("Account", detail.account),
          keyFact("Asked by", preview.asked_by?.client || detail.client),
        ),
      ),
      h("section", { class: "part", "aria-labelledby": "history-heading" },
        h("h2", { id: "history-heading" }, "History"),
        (preview.history ?? []).length ? h("ul", { class: "history" }, preview.history.map((line) => h("li", {}, value(line)))) : null,
        timeline,
      ),
      h("details", { class: "part" }, h("summary", {}, h("h2", {}, "Technical details")), technical),
      h("div", { id: "end-of-request" }),
    ),
    decision,
  );
  main.addEventListener("click", (event) => {
    if (event.target.closest(".more-text")) buttons?.refresh();
  }, { signal });
  buttons?.refresh();
  tick(detail, () => status, signal);
  return { heading, update, status: () => status };
}

function eyebrow(detail, status, more) {
  const state = stateOf(status.state, detail.action);
  const left = h("span", { class: "countdown", id: "countdown", "aria-hidden": "true" }, countdown(status.expires_at));
  return [
    h("span", { class: `state tone-${state.tone}` }, icon(state.icon), state.word),
    h("span", {}, `asked ${ago(detail.created_at)}`),
    status.state === "pending"
      ? h("span", {}, "expires in ", left, h("span", { class: "unseen" }, `, at ${date(status.expires_at)}`))
      : null,
    status.state === "pending" ? more : null,
    status.yeses ? h("span", { class: "state tone-busy", id: "yeses" }, value(status.yeses)) : null,
    detail.risk === "high" && status.state === "pending" ? h("span", { class: "state tone-bad" }, "High risk") : null,
  ];
}

/** Count the seconds down in place; a screen reader is told once, a minute before the end. */
async function tick(detail, status, signal) {
  let warned = false;
  while (!signal.aborted && status().state === "pending") {
    const shown = document.getElementById("countdown");
    const left = status().expires_at - api.now();
    if (shown) {
      shown.textContent = countdown(status().expires_at);
      shown.classList.toggle("soon", left < 60);
      document.getElementById("more-time")?.toggleAttribute("hidden", left > ENDS_SOON);
    }
    if (left < 60 && left > 0 && !warned) {
      warned = true;
      announce("This request expires in less than a minute.");
    }
    await pause(1000, signal);
  }
}

/** What is odd, each on a line. On a phone the ends of long lines are a tap away, and no yes counts before it. */
function warningsPanel(preview, read) {
  const lines = preview.warnings ?? [];
  const unchecked = preview.unchecked ?? [];
  if (!lines.length && !unchecked.length) return { panel: null, unread: () => "" };
  const items = lines.map((line) => h("li", {}, value(line)));
  const later = items.length > WARNINGS_AT_ONCE + 1 ? items.slice(WARNINGS_AT_ONCE) : [];
  const list = h("ul", {}, items.slice(0, items.length - later.length));
  list.classList.toggle("folded", NARROW.matches && items.length > 1);
  const cut = () => list.classList.contains("folded") && items.some((item) => item.scrollWidth > item.clientWidth);
  const hidden = () => later.some((item) => !item.isConnected);
  const more = h("button", { type: "button", class: "link", id: "more-warnings" });
  const offer = () => {
    more.textContent = hidden() ? `Show all ${lines.length} warnings` : "Show in full";
    more.hidden = !cut() && !hidden();
    read();
  };
  const open = () => {
    const first = hidden() ? later[0] : items[0];
    list.classList.remove("folded");
    list.append(...later);
    offer();
    first.tabIndex = -1;
    first.focus();
    announce(`All ${lines.length} warnings are shown.`);
  };
  more.addEventListener("click", open);
  list.addEventListener("click", () => { if (cut()) open(); });
  new ResizeObserver(offer).observe(list);
  const panel = h("div", { class: "warnings-place" },
    lines.length ? h("section", { class: "warnings", "aria-labelledby": "warnings-heading" },
      h("h2", { id: "warnings-heading" }, icon("warning"), plural(lines.length, "warning")),
      list,
      more,
    ) : null,
    unchecked.length ? h("section", { class: "warnings unchecked", "aria-labelledby": "unchecked-heading" },
      h("h2", { id: "unchecked-heading" }, icon("unchecked"), "Could not be checked"),
      h("ul", {}, unchecked.map((line) => h("li", {}, value(line.replace(/^could not check ./, (found) => found.at(-1).toUpperCase()))))),
    ) : null,
  );
  const unread = () => (hidden() ? `Show all ${lines.length} warnings before you approve.` : cut() ? "Read the warnings in full before you approve." : "");
  return { panel, unread };
}

function diffSection(diff) {
  if (!diff?.length) return null;
  return h("section", { class: "part", "aria-labelledby": "diff-heading" },
    h("h2", { id: "diff-heading" }, "What changes"),
    h("div", { class: "diff" }, diff.map((change) => h("div", { class: "diff-line", role: "group", "aria-label": change.field },
      h("h3", {}, value(change.field)),
      h("p", { class: "before" }, h("span", { class: "side" }, "Now"), longValue(h("del", { dir: "auto" }), change.before, true)),
      h("p", { class: "after" }, h("span", { class: "side" }, "Then"), longValue(h("ins", { dir: "auto" }), change.after, true)),
    ))),
  );
}

function section(part, index) {
  const id = `section-${index}`;
  return h("section", { class: "part", "aria-labelledby": id },
    h("h2", { id }, value(part.heading)),
    h("dl", { class: "rows" }, (part.rows ?? []).map((row) => [
      h("dt", {}, value(row.label)),
      h("dd", { dir: "auto" }, longValue(h("span", { class: row.block ? "block" : null }), row.value, row.block), (row.flags ?? []).map(chip)),
    ])),
  );
}

function moments(detail, status) {
  const ended = stateOf(status.state, detail.action).word;
  const words = { rejected: "Rejected", cancelled: "Withdrawn" }[status.state] ?? "Approved";
  return [
    [detail.created_at, detail.edited_by?.length
      ? ["Changed by ", value(detail.edited_by.join(", ")), ", in place of ", h("a", { href: `#/a/${detail.replaces}` }, "what was proposed")]
      : ["Asked by ", value(detail.client), detail.principal === "local" ? "" : [" for ", value(detail.principal)]]],
    [status.shown_at, ["Shown to a person"]],
    [status.decided_at, [words, status.decided_by ? [" by ", value(status.decided_by)] : "", status.channel ? ` (${status.channel})` : ""]],
    [status.attempted_at, ["Sent to the service"]],
    [["rejected", "cancelled"].includes(status.state) ? null : status.finished_at, [ended]],
  ].filter(([at]) => at).map(([at, what]) => h("li", {}, h("time", { datetime: new Date(at * 1000).toISOString() }, date(at)), h("span", {}, what)));
}

function technicalRows(detail, status) {
  const request = detail.preview.request ?? {};
  return [
    ["Request", `${request.method ?? ""} ${request.path ?? ""}`.trim()],
    ["Approval", detail.id],
    ["Digest", detail.digest],
    ["Connection", detail.connection_id],
    ["Asked for", detail.principal],
    ["Policy rule", detail.rule],
    ["Message-Id", detail.message_id],
    ["Same as", detail.duplicate_of],
    ["In place of", detail.replaces],
    ["Replaced by", status.superseded_by],
    ["Expires", status.state === "pending" ? date(status.expires_at) : ""],
    ["Version", String(status.version)],
    ["Answer", status.outcome?.details],
  ].filter(([, text]) => text).map(([label, text]) => [
    h("dt", {}, label),
    h("dd", {}, label === "Answer" ? h("pre", { class: "plain", tabindex: "0", role: "region", "aria-label": "Answer of the service" }, text) : h("code", {}, text)),
  ]);
}

function keyFact(label, text) {
  return text ? h("div", {}, h("dt", {}, label), h("dd", {}, value(text))) : null;
}

/** `element` with a value in it, whole: a long one behind a button. ⏎ stands for the line breaks of a block. */
function longValue(element, text, block) {
  const shown = shownValue(text);
  return h("span", { class: "value" }, element, unfold(element, block ? shown.replaceAll("⏎", "\n") : shown, VALUE_AT_ONCE));
}

const shownValue = (text) => (text === "" || text === null || text === undefined ? "(nothing)" : String(text));
