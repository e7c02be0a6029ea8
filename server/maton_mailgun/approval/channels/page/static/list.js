// The list: what waits, and what happened.

import { fill, h, icon, value } from "./dom.js";
import { alike } from "./together.js";
import { ago, plural, stateOf } from "./words.js";

/**
 * Draw `approvals` into `nav`, with `openId` marked as the one shown. Keeps the keyboard's place.
 * `picked`: ids that are ticked; `decide()` is called to look through them together.
 */
export function drawList(nav, approvals, openId, picked, decide) {
  const focused = document.activeElement?.closest?.("#list a")?.getAttribute("href");
  const ticked = document.activeElement?.closest?.("#list input")?.value;
  const kinds = new Map();
  for (const one of approvals.pending) if (alike(one)) kinds.set(alike(one), (kinds.get(alike(one)) ?? 0) + 1);
  const waiting = new Map(approvals.pending.map((one) => [one.id, one]));
  for (const id of picked) if (!waiting.has(id)) picked.delete(id);
  const kind = picked.size ? alike(waiting.get([...picked][0])) : null;
  const redraw = () => drawList(nav, approvals, openId, picked, decide);
  const box = (one) => {
    if (!(kinds.get(alike(one)) > 1)) return null;
    const tick = h("input", {
      type: "checkbox", class: "pick", value: one.id, "aria-label": `Decide together with others: ${one.heading}`,
      disabled: kind !== null && alike(one) !== kind,
      on: { change: (event) => { if (event.target.checked) picked.add(one.id); else picked.delete(one.id); redraw(); } },
    });
    tick.checked = picked.has(one.id);
    return h("label", { class: "pick-label" }, "decide together", tick);
  };
  const scrolled = nav.scrollTop;
  fill(
    nav,
    h("h2", { class: "list-heading" }, "Waiting", approvals.pending.length > 0 && h("span", { class: "count" }, String(approvals.pending.length))),
    approvals.pending.length
      ? h("ul", { class: "items" }, approvals.pending.map((one) => item(one, openId, box(one))))
      : h("p", { class: "none" }, "Nothing waits for a decision."),
    picked.size > 1 ? h("button", { type: "button", class: "primary", id: "together-now", on: { click: decide } }, `Look through these ${picked.size}, then decide together`) : null,
    approvals.pending.length ? h("p", { class: "none keys" }, h("kbd", {}, "J"), " next ", h("kbd", {}, "K"), " previous ", h("kbd", {}, "A"), " approve ", h("kbd", {}, "R"), " reject ", h("kbd", {}, "E"), " edit") : null,
    h("h2", { class: "list-heading" }, "What happened"),
    approvals.past.length
      ? h("ul", { class: "items" }, approvals.past.map((one) => item(one, openId)))
      : h("p", { class: "none" }, "Nothing yet."),
  );
  nav.scrollTop = scrolled;
  if (ticked) nav.querySelector(`input[value="${CSS.escape(ticked)}"]`)?.focus({ preventScroll: true });
  if (focused) nav.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

/** What the main part shows while no approval is open. */
export function drawWelcome(main, approvals) {
  const waiting = approvals.pending.length;
  fill(
    main,
    h("div", { class: "welcome" },
      icon(waiting ? "waiting" : "good"),
      h("h1", { tabindex: "-1" }, waiting ? `${plural(waiting, "request waits", "requests wait")} for your decision` : "Nothing waits for you"),
      h("p", {}, waiting
        ? "Choose one from the list. Nothing is carried out before you have said yes to it."
        : "When an assistant wants to write to your Mailgun account, its request appears here first."),
    ),
  );
}

/** An address stands on one line; where no line has room for it, it breaks behind its @ or a dot. Broken anywhere else it
 * reads as another one. */
function breakable(text) {
  return h("bdi", {}, text.split(/(\s+)/).map((word) => {
    const parts = word.match(/[^@.]+[@.]*|[@.]+/g) ?? [];
    return parts.length > 1 ? h("span", { class: "whole-word" }, parts.map((part, at) => [at ? h("wbr") : "", part])) : word;
  }));
}

function item(one, openId, tick = null) {
  const state = stateOf(one.state, one.action);
  const waits = one.state === "pending";
  return h("li", { class: tick ? "with-pick" : null },
    tick,
    h("a", { class: "item", href: `#/a/${one.id}`, "aria-current": one.id === openId ? "page" : null, "data-state": one.state },
      icon(one.action),
      h("span", { class: "item-text" },
        h("span", { class: "item-title" }, breakable(one.heading)),
        h("span", { class: "item-target" }, one.whom ? value(one.whom) : value(one.title)),
        h("span", { class: "item-facts" },
          waits ? null : h("span", { class: `state tone-${state.tone}` }, state.word),
          waits && one.risk === "high" ? h("span", { class: "state tone-bad" }, "High risk") : null,
          waits && one.warnings ? h("span", { class: "state tone-warn" }, plural(one.warnings, "warning")) : null,
          h("span", {}, ago(one.ended_at ?? one.created_at)),
          waits && one.edited ? h("span", { class: "state" }, "Changed by hand") : null,
          one.sandbox ? h("span", { class: "sandbox-mark" }, "Sandbox") : null,
        ),
      ),
    ),
  );
}
