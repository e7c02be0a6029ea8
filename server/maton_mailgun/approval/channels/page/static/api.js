// Everything that is asked of the server. The session has two halves: a cookie this code cannot read, and a key that
// stays in this tab and travels as a header.

const STORED = "maton-mailgun-approval-key";

let key = stored();
let skew = 0;

/** An answer that says no. `content` is what came with it. */
export class Failure extends Error {
  constructor(status, content) {
    super(content.message ?? "The server gave no reason.");
    this.status = status;
    this.content = content;
  }
}

/** The server cannot be reached. */
export class Unreachable extends Error {}

/** Seconds since 1970 by the server's clock. */
export function now() {
  return Date.now() / 1000 + skew;
}

export async function signIn(credential) {
  remember((await call("POST", "session", { body: credential })).key);
}

export async function signOut() {
  try {
    await call("DELETE", "session");
  } finally {
    remember(null);
  }
}

/** Who is signed in; throws a Failure with status 401 when nobody is. */
export const whoAmI = () => call("GET", "session");
/** `here`: "view" where a person has this tab before them, "notify" where it may call them, else nothing. */
export const list = (here = "", signal = undefined) => call("GET", here ? `approvals?here=${here}` : "approvals", { signal });
export const moreTime = (id) => call("POST", `approvals/${encodeURIComponent(id)}/time`, { body: { more: true } });
export const challenge = (id, decision) => call("POST", `approvals/${encodeURIComponent(id)}/challenge`, { body: decision });
export const passkeyOptions = (token) => call("POST", "passkey/options", { body: { token } });
export const passkey = (token, credential) => call("POST", "passkey", { body: { token, credential } });
export const undo = (id) => call("POST", `approvals/${encodeURIComponent(id)}/undo`, { body: { undo: true } });
export const stop = () => call("POST", "stop", { body: { stop: true } });
export const one = (id, signal) => call("GET", `approvals/${encodeURIComponent(id)}`, { signal });
export const message = (id, recipient, signal) => call("GET", `approvals/${encodeURIComponent(id)}/message${asked(recipient)}`, { signal });
export const shown = (id) => call("POST", `approvals/${encodeURIComponent(id)}/shown`, { body: {} });
export const fields = (id, signal) => call("GET", `approvals/${encodeURIComponent(id)}/fields`, { signal });
export const edit = (id, change) => call("POST", `approvals/${encodeURIComponent(id)}/edit`, { body: change });
export const secret = (id) => call("POST", `approvals/${encodeURIComponent(id)}/secret`, { body: {} });
export const decide = (id, decision) => call("POST", `approvals/${encodeURIComponent(id)}/decision`, { body: decision });
export const changes = (id, version, signal) =>
  call("GET", `approvals/${encodeURIComponent(id)}/changes?version=${encodeURIComponent(version)}`, { signal });

/** Where the message is shown from; `ticket` stands in for the key, since a frame sends no headers. */
export const frame = (id, ticket, recipient) =>
  `api/approvals/${encodeURIComponent(id)}/message/${encodeURIComponent(ticket)}${asked(recipient)}`;

/** Whose copy it is about; nobody's is the message before values are filled in. */
const asked = (recipient) => (recipient ? `?recipient=${encodeURIComponent(recipient)}` : "");

async function call(method, path, { body, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (key) headers["X-Approval-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  let content;
  try {
    response = await fetch(`api/${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal,
    });
    content = await response.json();
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Unreachable("The server does not answer. It may have been stopped.");
  }
  if (typeof content.now === "number") skew = content.now - Date.now() / 1000;
  if (!response.ok) throw new Failure(response.status, content);
  return content;
}

function stored() {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function remember(fresh) {
  key = fresh;
  try {
    if (fresh) sessionStorage.setItem(STORED, fresh);
    else sessionStorage.removeItem(STORED);
  } catch {
    // Without storage the session lasts until the tab is reloaded.
  }
}
