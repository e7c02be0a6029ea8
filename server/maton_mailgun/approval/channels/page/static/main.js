// Where the page starts: take the token out of the address, sign in, show the list and what is chosen.

import * as api from "./api.js";
import { announce, fill, h, inView, pause } from "./dom.js";
import { openDetail } from "./detail.js";
import { drawList, drawWelcome } from "./list.js";
import { showStop } from "./stop.js";
import { plural } from "./words.js";

const LIST_EVERY_MS = 4000;

const main = document.getElementById("main");
const nav = document.getElementById("list");
const banner = document.getElementById("banner");
const out = document.getElementById("sign-out");
const known = new Set();

let approvals = { pending: [], past: [] };
let open = new AbortController();
let signedIn = false;
let welcomed = null;

/** The place in the address, and the token, which is gone from the address afterwards. */
function takePlace() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const token = new URLSearchParams(query).get("t");
  if (token !== null) history.replaceState(null, "", `#${path || "/"}`);
  return { id: /^\/a\/([\w-]{1,80})$/.exec(path)?.[1] ?? null, token };
}

/** Something that was served under this address before still answers in the server's place, and may change all of it. */
function overtaken() {
  return Boolean(navigator.serviceWorker?.controller);
}

async function go() {
  const { id, token } = takePlace();
  if (overtaken()) {
    return fill(main, h("div", { class: "welcome" }, h("h1", { tabindex: "-1" }, "Nothing can be decided here"),
      h("p", {}, "Another program that used this address before has left a service worker in this browser, which could change what you see."),
      h("p", {}, "Remove the site's data for this address in the browser's settings, and let the assistant ask again.")));
  }
  open.abort();
  open = new AbortController();
  const { signal } = open;
  try {
    if (token) await api.signIn({ token });
    else if (!signedIn) await api.whoAmI();
    entered();
    await refresh();
    if (signal.aborted) return;
    document.body.dataset.view = id ? "detail" : "list";
    welcomed = null;
    if (id) await openDetail(main, id, signal, () => refresh().catch(complain));
    else welcome();
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

function entered() {
  signedIn = true;
  out.hidden = false;
  complain(null);
}

function complain(problem) {
  banner.hidden = !problem;
  banner.textContent = problem ? `${problem.message} Nothing can be decided here until it is back.` : "";
}

async function refresh() {
  approvals = await api.list();
  showStop(signedIn, approvals.stopped, () => refresh().catch(complain));
  const fresh = approvals.pending.filter((one) => !known.has(one.id));
  if (known.size && fresh.length) announce(`${plural(fresh.length, "new request waits", "new requests wait")} for your decision.`);
  for (const one of [...approvals.pending, ...approvals.past]) known.add(one.id);
  const waiting = approvals.pending.length;
  document.title = waiting ? `(${waiting}) Approvals` : "Approvals";
  const openId = /^#\/a\/([\w-]{1,80})$/.exec(location.hash)?.[1];
  drawList(nav, approvals, openId);
  if (!openId && signedIn) welcome();
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
    await inView();
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
    h("p", {}, "Close this tab. Let the assistant ask again, or open the page anew.")));
}

function leave() {
  open.abort();
  signedIn = false;
  welcomed = null;
  out.hidden = true;
  approvals = { pending: [], past: [] };
  fill(nav);
  showStop(false, null);
  document.body.dataset.view = "sign-in";
  document.title = "Approvals";
}

function signInForm(problem) {
  leave();
  const passphrase = h("input", { type: "password", id: "passphrase", autocomplete: "current-password", required: true });
  const wrong = h("p", { class: "decision-problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h("form", { class: "sign-in", on: { submit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    wrong.textContent = "";
    try {
      await api.signIn({ passphrase: passphrase.value });
      await go();
    } catch (failure) {
      wrong.textContent = failure.message;
      submit.disabled = false;
      passphrase.select();
    }
  } } },
  // For password managers, which file a password under a name.
  h("input", { type: "text", autocomplete: "username", value: "approver", readonly: true, hidden: true }),
  h("label", { for: "passphrase" }, "Approver passphrase"), passphrase, submit, wrong);
  const heading = h("h1", { tabindex: "-1" }, "Sign in to see approvals");
  fill(main, h("div", { class: "welcome" },
    heading,
    problem.content?.message && problem.content.message !== "Sign in to see approvals." ? h("p", { class: "strong" }, problem.content.message) : null,
    h("p", {}, "The server opens this page by itself when something waits for you, with a link that works once."),
    problem.content?.passphrase ? [
      h("p", {}, "If it asks you to sign in instead, it found no private place to hand your browser such a link; ",
        h("code", {}, "maton-mailgun doctor"), " says why. Sign in with the approver's passphrase:"),
      h("ol", {},
        h("li", {}, "If none is set yet, set it in a terminal on the server's machine: ",
          h("code", {}, "maton-mailgun approvals passphrase"), " (with ", h("code", {}, "--sandbox"), " for the built-in sandbox)."),
        h("li", {}, "Type it here.")),
      form,
      h("p", {}, "Or decide in that terminal, without this page: ", h("code", {}, "maton-mailgun approvals list"), "."),
    ] : null,
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
addEventListener("hashchange", go);
go();
watch();
