// How states, actions and times are called on the page.

import { now } from "./api.js";

const DONE = { send: "Sent", create: "Created", change: "Changed", delete: "Deleted" };
const VERBS = { send: "send", create: "create", change: "change", delete: "delete" };

/** Word, tone (colour) and drawing of a state. */
export function stateOf(state, action) {
  switch (state) {
    case "pending": return { word: "Waiting for you", tone: "wait", icon: "waiting" };
    case "held": return { word: "Approved, can be undone", tone: "busy", icon: "waiting" };
    case "approved": return { word: "Approved", tone: "busy", icon: "busy" };
    case "executing": return { word: "Running", tone: "busy", icon: "busy" };
    case "succeeded": return { word: DONE[action] ?? "Done", tone: "good", icon: "good" };
    case "failed": return { word: "Failed", tone: "bad", icon: "bad" };
    case "unknown": return { word: "May have happened", tone: "warn", icon: "warning" };
    case "rejected": return { word: "Rejected", tone: "none", icon: "bad" };
    case "expired": return { word: "Expired", tone: "none", icon: "waiting" };
    case "cancelled": return { word: "Withdrawn", tone: "none", icon: "bad" };
    case "superseded": return { word: "Changed", tone: "none", icon: "change" };
    case "stale": return { word: "Out of date", tone: "warn", icon: "warning" };
    default: return { word: state, tone: "none", icon: "waiting" };
  }
}

/** What a state means for the account, in a sentence or two. */
export function meaningOf(state, action) {
  switch (state) {
    case "held": return "Nothing was sent yet. It is carried out when the time is over, unless the yes is taken back.";
    case "approved": return "Your yes is recorded. It starts as soon as everything has been checked once more.";
    case "executing": return "It is being carried out now, once. You can close this page; that changes nothing.";
    case "succeeded": return action === "send" ? "The service accepted it." : "The service has carried it out.";
    case "failed": return "It was approved, and it was not carried out.";
    case "unknown":
      return "It was sent off, and no answer says how it ended. It may or may not have happened. " +
        "It is looked up in the account for half an hour, and this page shows what is found.";
    case "rejected": return "Nothing was carried out.";
    case "expired": return "Nobody decided in time, or the yes ran out before it could be carried out. The assistant can ask again.";
    case "cancelled": return "The assistant withdrew its request. Nothing was carried out.";
    case "superseded": return "Another request stands in its place. Nothing of this one was or will be carried out.";
    case "stale": return "Something changed between the question and the yes, so nothing was carried out.";
    default: return "";
  }
}

/** What to do now, where it is up to the person. */
export function adviceFor(state, action) {
  if (state === "unknown") {
    return action === "send"
      ? "Do not have it sent again before you have looked: the message may be on its way already."
      : "Look at the target in your Mailgun account before you have it done again.";
  }
  if (state === "stale") return "Let the assistant ask again: you will then see the target as it is now.";
  return "";
}

export const verbOf = (action) => VERBS[action] ?? "do it";

export function plural(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** `4 min ago`, by the server's clock. */
export function ago(seconds) {
  const past = Math.max(0, now() - seconds);
  if (past < 45) return "just now";
  if (past < 3600) return `${Math.max(1, Math.round(past / 60))} min ago`;
  if (past < 86400) return `${Math.round(past / 3600)} h ago`;
  return date(seconds);
}

/** `14:32 +01:00` today, with the day otherwise: the person's own time, and how far it is from UTC. */
export function date(seconds) {
  const moment = new Date(seconds * 1000);
  const today = new Date(now() * 1000).toDateString() === moment.toDateString();
  const time = { hour: "2-digit", minute: "2-digit", hour12: false };
  const told = moment.toLocaleString("en-GB", today ? time : { day: "numeric", month: "short", year: "numeric", ...time });
  const minutes = -moment.getTimezoneOffset();
  const pad = (number) => String(number).padStart(2, "0");
  if (!minutes) return `${told} UTC`;
  return `${told} ${minutes < 0 ? "-" : "+"}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
}

const LAST_MAIL = /^last mail (\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}) UTC$/;
const USUAL = new Set(["external", "recipients can see it", "answers go here, not to From"]);

/** Whether a remark says nothing but what is usual for this account. What is not known here is not. */
export const usual = (remark) => USUAL.has(remark) || LAST_MAIL.test(remark) || remark.startsWith("host ");

/** A remark with its time as the person counts it. It is replaced only where the whole remark is such a time. */
export function localRemark(remark) {
  const at = LAST_MAIL.exec(remark);
  const seconds = at ? Date.parse(`${at[1]} UTC`) / 1000 : NaN;
  return Number.isNaN(seconds) ? remark : `last mail ${date(seconds)}`;
}

/** `12:04` left, `0:00` when over. */
export function countdown(seconds) {
  const left = Math.max(0, Math.floor(seconds - now()));
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(left / 3600);
  const minutes = Math.floor(left / 60) % 60;
  return hours ? `${hours}:${pad(minutes)}:${pad(left % 60)}` : `${minutes}:${pad(left % 60)}`;
}

/** `12.3 kB`. */
export function size(bytes) {
  if (typeof bytes !== "number") return "";
  if (bytes < 1000) return plural(bytes, "byte");
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
