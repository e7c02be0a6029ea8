// Where the page starts: take the token out of the address, sign in, show the list and what is chosen.

import * as api from "./api.js";
import { announce, fill, h, inView, pause, value } from "./dom.js";
import { openDetail } from "./detail.js";
import { listen } from "./keys.js";
import { drawList, drawWelcome } from "./list.js";
import { makePasskey } from "./passkeys.js";
import { Together, approveAll } from "./together.js";
import { ago, plural, stateOf } from "./words.js";

const LIST_EVERY_MS = 4000;
const COMMAND = document.querySelector("meta[name=command]").content;

const main = document.getElementById("main");
const nav = document.getElementById("list");
const banner = document.getElementById("banner");
const out = document.getElementById("sign-out");
const stop = document.getElementById("stop");
const stopped = document.getElementById("stopped");
const notice = document.getElementById("notice");
const notify = document.getElementById("notify");
const recent = document.getElementById("recent");
const known = new Set();
const picked = new Set();

const tabs = "BroadcastChannel" in window ? new BroadcastChannel("maton-mailgun approvals") : null;
let approvals = { pending: [], past: [] };
let open = new AbortController();
let signedIn = false;
let welcomed = null;
let buttons = null;
let batch = null;
let last = null;
let making = null;
let canNotify = true;

/** The place in the address, and the token, which is gone from the address afterwards. */
function takePlace() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const token = new URLSearchParams(query).get("t");
  if (token !== null) history.replaceState(null, "", `#${path || "/"}`);
  return { id: /^\/a\/([\w-]{1,80})$/.exec(path)?.[1] ?? null, token, passkey: path === "/passkey" };
}

/** Something that was served under this address before still answers in the server's place, and may change all of it. */
function overtaken() {
  return Boolean(navigator.serviceWorker?.controller);
}

async function go() {
  const { id, token, passkey } = takePlace();
  if (overtaken()) {
    return fill(main, h("div", { class: "welcome" }, h("h1", { tabindex: "-1" }, "Nothing can be decided here"),
      h("p", {}, "Another program that used this address before has left a service worker in this browser, which could change what you see."),
      h("p", {}, "Remove the site's data for this address in the browser's settings, and let the assistant ask again.")));
  }
  open.abort();
  open = new AbortController();
  buttons = null;
  const { signal } = open;
  if (token && passkey) making = token;
  if (making && passkey) {
    document.body.dataset.view = "sign-in";
    return makePasskey(main, making, signInForm);
  }
  if (batch && !batch.ids.includes(id)) batch = null;
  if (last && last.detail.id === id) last = null;
  try {
    if (token) {
      await api.signIn({ token });
      tabs?.postMessage({ opened: location.pathname });
    }
    else if (!signedIn) await api.whoAmI();
    entered();
    await refresh();
    if (signal.aborted) return;
    document.body.dataset.view = id ? "detail" : "list";
    welcomed = null;
    if (id) {
      await openDetail(main, id, signal, {
        changed: () => refresh().catch(complain),
        answered: (detail, status) => decidedHere(detail, status).catch(complain),
        opened: (found) => { buttons = found; },
        changedTo: (fresh) => { location.hash = `#/a/${fresh}`; },
        again: go,
        together: (detail) => (batch && detail.status.state === "pending" ? batch.of(detail) : null),
      });
    } else welcome();
  } catch (problem) {
    await failed(problem, id, signal);
  }
}

async function failed(problem, id, signal) {
  if (signal.aborted || problem.name === "AbortError") return;
  if (problem.status === 401) return signedIn ? ended() : signInForm(problem);
  if (problem.status === 404) {
    return fill(main, h("div", { class: "welcome" }, h("h1", { tabindex: "-1" }, "There is no such request"),
      h("p", {}, "It may have been removed, or belong to somebody else."), h("p", {}, h("a", { href: "#/" }, "All approvals"))));
  }
  complain(problem);
  if (problem.status === 429 && !signedIn) return signInForm(problem);
  await pause(5000, signal);
  await inView(signal);
  if (!signal.aborted) await go();
}

/** A command as it works in this installation. */
const command = (words) => h("code", {}, `${COMMAND} ${words}`);

const openedId = () => /^#\/a\/([\w-]{1,80})$/.exec(location.hash)?.[1] ?? null;

/** Another one that waits: `by` places further in the list. */
function neighbour(by) {
  const waiting = approvals.pending.map((one) => one.id);
  const at = waiting.indexOf(openedId());
  return at < 0 ? waiting[by > 0 ? 0 : waiting.length - 1] : waiting[at + by];
}

function step(by) {
  const id = neighbour(by);
  if (id) location.hash = `#/a/${id}`;
  else announce(by > 0 ? "That was the last one." : "That was the first one.");
}

/** After a decision the next one that waits opens; how the decided one ends is told above it. */
async function decidedHere(detail, status) {
  const others = neighbour(1) ?? neighbour(-1);
  batch?.drop(detail.id);
  if (batch && batch.ids.length < 2) batch = null;
  const following = batch ? batch.following ?? batch.ids[0] : others;
  last = { detail, now: status.state, state: null };
  await refresh();
  const id = following && following !== detail.id ? following : approvals.pending[0]?.id;
  if (id) location.hash = `#/a/${id}`;
  else last = null;
  tellLast();
}

/** How the one ends that was decided here last, as long as another one is before the person. */
function tellLast() {
  const found = last && approvals.past.find((one) => one.id === last.detail.id);
  recent.hidden = !last;
  if (!last) return;
  const state = found?.state ?? last.now;
  if (state === last.state) return;
  last.state = state;
  const { word, tone } = stateOf(state, last.detail.action);
  recent.className = `banner calm tone-${tone}`;
  fill(recent, h("strong", {}, word), ": ", h("a", { href: `#/a/${last.detail.id}` }, value(last.detail.heading)));
  if (["failed", "unknown", "stale"].includes(state)) announce(`${word}: ${last.detail.heading}`);
}

function lookTogether() {
  batch = new Together([...picked], (id) => { location.hash = `#/a/${id}`; }, (all) => {
    open.abort();
    open = new AbortController();
    batch = null;
    buttons = null;
    picked.clear();
    history.replaceState(null, "", "#/together");
    document.body.dataset.view = "detail";
    approveAll(main, all).then(() => refresh()).catch(complain);
  });
  if (openedId() === batch.ids[0]) go();
  else location.hash = `#/a/${batch.ids[0]}`;
}

const mayNotify = () => canNotify && "Notification" in window && Notification.permission === "granted";

/** Call the person where this tab is behind another: what it is and its target, never what it says. */
function call(fresh) {
  if (!document.hidden || !mayNotify() || !fresh.length) return;
  const [one] = fresh;
  const words = fresh.length === 1 ? `${one.title}: ${one.target}` : plural(fresh.length, "request waits", "requests wait");
  let shown;
  try {
    shown = new Notification("Waits for your decision", { body: words, tag: "maton-mailgun" });
  } catch {
    // On phones only a service worker may call anybody, and there is none here.
    canNotify = false;
    return;
  }
  shown.addEventListener("click", () => {
    window.focus();
    if (fresh.length === 1) location.hash = `#/a/${one.id}`;
    shown.close();
  });
}

function offerNotices() {
  notify.hidden = !signedIn || !canNotify || !("Notification" in window) || Notification.permission !== "default";
}

function entered() {
  signedIn = true;
  out.hidden = false;
  stop.hidden = false;
  complain(null);
}

function complain(problem) {
  banner.hidden = !problem;
  banner.textContent = problem ? `${problem.message} Nothing can be decided here until it is back.` : "";
}

/** Say that everything is stopped, and how it goes on: not from here, where one click would undo it. */
function tellStop(found) {
  stopped.hidden = !found;
  stop.disabled = Boolean(found);
  fill(stopped, found ? ["All writes are stopped, by ", value(found.by), `, ${ago(found.at)}. To go on, type in a terminal on the server's machine: `,
    command("approvals resume")] : []);
}

/** Stop everything, after a second click: what is stopped must be proposed anew. */
function askStop() {
  const no = h("button", { type: "button", class: "quiet" }, "Go on as before");
  const yes = h("button", { type: "button", class: "primary danger" }, "Stop everything");
  const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-stop" },
    h("h2", { id: "ask-stop" }, "Stop all writes?"),
    h("p", {}, "Everything that waits is rejected, nothing new is asked or carried out, and only a person in a terminal can lift it. What was sent already is not called back."),
    h("div", { class: "buttons" }, no, yes));
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    try {
      await api.stop();
    } catch (problem) {
      complain(problem);
    }
    dialog.close();
    await go();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function refresh() {
  approvals = await api.list(document.hidden ? (mayNotify() ? "notify" : "") : "view");
  tellStop(approvals.stopped);
  notice.hidden = !approvals.notice;
  notice.textContent = approvals.notice ?? "";
  const fresh = approvals.pending.filter((one) => !known.has(one.id));
  if (known.size && fresh.length) announce(`${plural(fresh.length, "new request waits", "new requests wait")} for your decision.`);
  if (known.size) call(fresh);
  for (const one of [...approvals.pending, ...approvals.past]) known.add(one.id);
  const waiting = approvals.pending.length;
  document.title = waiting ? `(${waiting}) Approvals` : "Approvals";
  const openId = openedId();
  drawList(nav, approvals, openId, picked, lookTogether);
  tellLast();
  offerNotices();
  if (!openId && signedIn && location.hash !== "#/together") welcome();
}

/** Draw the empty main part, unless it says the same already: a redraw would take the keyboard's place away. */
function welcome() {
  if (welcomed === approvals.pending.length) return;
  welcomed = approvals.pending.length;
  drawWelcome(main, approvals);
}

/** Keep the list fresh while somebody looks. */
async function watch() {
  for (;;) {
    await pause(LIST_EVERY_MS);
    // A tab behind others asks nothing, unless it may call the person.
    if (!mayNotify()) await inView();
    if (!signedIn) continue;
    try {
      await refresh();
      complain(null);
    } catch (problem) {
      if (problem.status === 401) ended();
      else complain(problem);
    }
  }
}

/** Whoever answers now may be another program on the same port: it gets no passphrase from a tab that was signed in,
 * and none of its words are shown. */
function ended() {
  leave();
  fill(main, h("div", { class: "welcome" }, h("h1", { tabindex: "-1" }, "Your session has ended"),
    h("p", {}, "Close this tab. Let the assistant ask again, or type in a terminal on the server's machine: ", command("approvals open"))));
}

/** The server has opened another tab, since this one was behind others: one is enough for all. */
function giveWay() {
  leave();
  const back = h("button", { type: "button", class: "secondary", on: { click: () => location.reload() } }, "Go on in this one");
  fill(main, h("div", { class: "welcome" }, h("h1", { tabindex: "-1" }, "Open in another tab"),
    h("p", {}, "What waits is shown there. This tab can be closed."), back));
  // Browsers let a page close only a tab that it opened itself: elsewhere nothing happens.
  window.close();
}

function leave() {
  open.abort();
  signedIn = false;
  welcomed = null;
  out.hidden = true;
  stop.hidden = true;
  stopped.hidden = true;
  notify.hidden = true;
  recent.hidden = true;
  last = null;
  batch = null;
  picked.clear();
  approvals = { pending: [], past: [] };
  fill(nav);
  document.body.dataset.view = "sign-in";
  document.title = "Approvals";
}

function signInForm(problem) {
  leave();
  const passphrase = h("input", { type: "password", id: "passphrase", autocomplete: "current-password", required: true });
  const { named } = problem.content ?? {};
  const name = h("input", { type: "text", id: "name", autocomplete: "username", maxlength: "40", required: true });
  const wrong = h("p", { class: "decision-problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h("form", { class: "sign-in", on: { submit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    wrong.textContent = "";
    try {
      await api.signIn({ ...(named ? { name: name.value } : {}), passphrase: passphrase.value });
      await go();
    } catch (failure) {
      wrong.textContent = failure.message;
      submit.disabled = false;
      passphrase.select();
    }
  } } },
  // For password managers, which file a password under a name.
  named ? [h("label", { for: "name" }, "Your name"), name]
    : h("input", { type: "text", autocomplete: "username", value: "approver", readonly: true, hidden: true }),
  h("label", { for: "passphrase" }, named ? "Your passphrase" : "Approver passphrase"), passphrase, submit, wrong);
  const heading = h("h1", { tabindex: "-1" }, "Sign in to see approvals");
  fill(main, h("div", { class: "welcome" },
    heading,
    problem.content?.message && problem.content.message !== "Sign in to see approvals." ? h("p", { class: "strong" }, problem.content.message) : null,
    named ? h("p", {}, "Every decision here is made by name. Who may decide is set in a terminal on the server's machine: ", command("approvals people list"))
      : h("p", {}, "The server opens this page by itself when something waits for you, with a link that works once, for 10 minutes."),
    problem.content?.passphrase ? [
      h("p", { class: "strong" }, named ? "What to do now: type your name and your passphrase." : "What to do now: type the approver's passphrase."),
      form,
      named ? null : h("ul", {},
        h("li", {}, "None is set yet? Set it in a terminal on the server's machine: ",
          command("approvals passphrase"), " (with ", h("code", {}, "--sandbox"), " for the built-in sandbox)."),
        h("li", {}, "Or decide in that terminal, without this page: ", command("approvals list"), ".")),
      named ? null : h("p", {}, "It should have let you in by itself? ", command("doctor"), " says why it found no private place for a link."),
    ] : [
      h("p", { class: "strong" }, "What to do now"),
      h("ol", {},
        h("li", {}, "Let the assistant ask again: the page opens with a fresh link."),
        h("li", {}, "Or type in a terminal on the server's machine: ", command("approvals open"))),
    ],
  ));
  heading.focus();
}

document.getElementById("skip").addEventListener("click", () => main.focus());
out.addEventListener("click", async () => {
  try {
    await api.signOut();
  } finally {
    signInForm({ content: { message: "You are signed out." } });
  }
});
stop.addEventListener("click", askStop);
tabs?.addEventListener("message", (event) => {
  const deciding = document.getElementById("together") || document.querySelector(".reason, form.edit");
  if (document.hidden && signedIn && !deciding && event.data?.opened === location.pathname) giveWay();
});
notify.addEventListener("click", async () => {
  await Notification.requestPermission();
  offerNotices();
});
listen({
  j: () => step(1),
  k: () => step(-1),
  a: (before) => buttons?.approve(before),
  r: () => buttons?.reject(),
  e: () => buttons?.edit(),
});
addEventListener("hashchange", go);
go();
watch();
