// The list: what waits, and what happened.

import { fill, h, icon, value } from "./dom.js";
import { ago, plural, stateOf } from "./words.js";

/** Draw `approvals` into `nav`, with `openId` marked as the one shown. Keeps the keyboard's place. */
export function drawList(nav, approvals, openId) {
  const focused = document.activeElement?.closest?.("#list a")?.getAttribute("href");
  const scrolled = nav.scrollTop;
  fill(
    nav,
    h("h2", { class: "list-heading" }, "Waiting", approvals.pending.length > 0 && h("span", { class: "count" }, String(approvals.pending.length))),
    approvals.pending.length
      ? h("ul", { class: "items" }, approvals.pending.map((one) => item(one, openId)))
      : h("p", { class: "none" }, "Nothing waits for a decision."),
    h("h2", { class: "list-heading" }, "What happened"),
    approvals.past.length
      ? h("ul", { class: "items" }, approvals.past.map((one) => item(one, openId)))
      : h("p", { class: "none" }, "Nothing yet."),
  );
  nav.scrollTop = scrolled;
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

function item(one, openId) {
  const state = stateOf(one.state, one.action);
  const waits = one.state === "pending";
  return h("li", {},
    h("a", { class: "item", href: `#/a/${one.id}`, "aria-current": one.id === openId ? "page" : null, "data-state": one.state },
      icon(one.action),
      h("span", { class: "item-text" },
        h("span", { class: "item-title" }, value(one.title)),
        h("span", { class: "item-target" }, value(one.target)),
        h("span", { class: "item-facts" },
          waits ? null : h("span", { class: `state tone-${state.tone}` }, state.word),
          waits && one.risk === "high" ? h("span", { class: "state tone-bad" }, "High risk") : null,
          h("span", {}, ago(one.ended_at ?? one.created_at)),
          one.sandbox ? h("span", { class: "sandbox-mark" }, "Sandbox") : null,
        ),
      ),
    ),
  );
}
