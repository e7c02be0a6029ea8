// Several similar requests, decided together: each is looked at as it is, one after the other, and then each gets its
// own yes, to its own digest, in turn. It stops at the first whose outcome is not known.

import * as api from "./api.js";
import { announce, fill, h, icon, value } from "./dom.js";
import { Unsigned, signed } from "./passkeys.js";
import { plural, stateOf, verbOf } from "./words.js";

/** What may be decided together: the same thing, in the same account, that is neither a deletion nor of high risk. */
export const alike = (one) => (one.action === "delete" || one.risk === "high" ? null : `${one.action} ${one.title} ${one.account}`);

/** A run through `ids`; `go(id)` opens one, `finish(batch)` is called for the yes to all. */
export class Together {
  constructor(ids, go, finish) {
    this.ids = ids;
    this.looked = new Map();
    this.go = go;
    this.finish = finish;
  }

  /** Without one that was decided by itself. */
  drop(id) {
    this.ids = this.ids.filter((one) => one !== id);
    this.looked.delete(id);
  }

  /** The first that was not looked at; null where all were. */
  get following() {
    return this.ids.find((id) => !this.looked.has(id)) ?? null;
  }

  /** What the buttons of one of them say and do. */
  of(detail) {
    const others = () => this.ids.filter((id) => id !== detail.id && !this.looked.has(id));
    const place = `${this.ids.indexOf(detail.id) + 1} of ${this.ids.length}`;
    return {
      label: () => (others().length ? `Looked at: next (${place})` : `Approve all ${this.ids.length} and ${verbOf(detail.action)}`),
      note: () => (others().length ? `${place}. Nothing is decided before you have looked at all.` : `All ${this.ids.length} were looked at. Each is one write.`),
      next: (seen, version) => {
        this.looked.set(seen.id, { id: seen.id, digest: seen.digest, version, heading: seen.heading, action: seen.action, level: seen.level });
        if (this.following) this.go(this.following);
        else this.finish(this);
      },
    };
  }
}

/** Say yes to each in turn, in `main`. Resolves when all are through, or one stopped it. */
export async function approveAll(main, batch) {
  const rows = batch.ids.map((id) => {
    const one = batch.looked.get(id);
    return { ...one, told: h("span", { class: "state" }, "Waiting for its turn") };
  });
  const heading = h("h1", { tabindex: "-1" }, `Approving ${plural(rows.length, "request")}`);
  const said = h("p", { class: "strong", role: "status" });
  fill(main, h("article", { class: "detail", id: "together", "aria-label": "Approving several" }, heading, said,
    h("section", { class: "part" }, h("ul", { class: "people" }, rows.map((one) => h("li", {},
      h("a", { href: `#/a/${one.id}` }, icon(one.action), " ", value(one.heading)), " ", one.told)))),
    h("p", {}, h("a", { href: "#/" }, "All approvals"))));
  heading.focus({ preventScroll: true });
  let yes = 0;
  for (const one of rows) {
    const state = await approveOne(one);
    tell(one.told, state, one.action);
    if (state === "succeeded") yes += 1;
    if (!["succeeded", "failed", "refused", "stale", "half"].includes(state)) {
      for (const left of rows.slice(rows.indexOf(one) + 1)) left.told.textContent = "Not decided";
      said.textContent = "Stopped here: how this one ended is not known. Those below it were not decided.";
      announce(said.textContent);
      return;
    }
  }
  said.textContent = yes === rows.length ? `All ${yes} were carried out.` : `${yes} of ${rows.length} were carried out.`;
  announce(said.textContent);
}

/** How the yes to one ended: a state, or "refused" where it did not count. */
async function approveOne({ id, digest, version, level }) {
  try {
    const given = { decision: "approve", digest, version };
    let { status } = await api.decide(id, level === "passkey" ? await signed(id, given) : given);
    while (["held", "approved", "executing"].includes(status.state) && !status.retry_at) ({ status } = await api.changes(id, status.version));
    return status.state === "pending" ? "half" : status.state;
  } catch (problem) {
    return problem.status === 409 || problem instanceof Unsigned ? "refused" : "lost";
  }
}

function tell(element, state, action) {
  const words = { half: "Your yes is recorded; somebody else must say yes too", refused: "Not approved: it had changed, or was decided already", lost: "No answer: it may have been approved" };
  const { word, tone } = words[state] ? { word: words[state], tone: "warn" } : stateOf(state, action);
  element.className = `state tone-${tone}`;
  element.textContent = word;
}
