// A message: its envelope, and its body as seen, as text, as source, and by where its links lead.

import * as api from "./api.js";
import { announce, chip, fill, h, icon, value } from "./dom.js";
import { recipientRows } from "./recipients.js";
import { unfold } from "./unfold.js";
import { plural, size } from "./words.js";

const BODY_AT_ONCE = 100_000;
/** Attachments that are named beside the sender. */
const NAMED_AT_ONCE = 3;
const REPLIES = "answers go here, not to From";

/**
 * The message as mail looks: who, from whom, what it says, what hangs on it. Its subject is the title above.
 * `drawn()` is called when the bodies are on the screen, the frame included: before, a yes would be to words unseen.
 */
export function messageSection(detail, signal, drawn) {
  const message = detail.message;
  if (!message) return { panel: null, unread: () => "" };
  const head = h("dl", { class: "rows" }, envelope(detail));
  const below = h("div", {}, attachments(message.attachments ?? []));
  const body = h("div", { class: "body" }, h("p", { class: "muted" }, "Loading the message…"));
  const place = { head, below, body };
  let missing = "The message is still loading.";
  const ready = (problem) => {
    missing = problem;
    drawn();
  };
  load(detail, place, "", signal, ready);
  const panel = h("section", { class: "part mail", "aria-labelledby": "message-heading" },
    h("h2", { id: "message-heading", class: "unseen" }, "Message"),
    detail.copies?.length ? chooser(detail.copies, (recipient) => load(detail, place, recipient, signal, recipient ? undefined : ready)) : null,
    h("dl", { class: "rows" }, recipientRows(detail.preview.recipients)),
    head,
    body,
    below,
  );
  return { panel, unread: () => missing };
}

/** Whose copy is shown: the message with everybody's places in it, or as one recipient gets it. */
function chooser(copies, choose) {
  const select = h("select", { id: "copy-of" },
    h("option", { value: "" }, "values not filled in"),
    copies.map((address) => h("option", { value: address }, address)),
  );
  select.addEventListener("change", () => choose(select.value));
  const step = (by) => {
    const next = Math.min(copies.length, Math.max(0, select.selectedIndex + by));
    if (next === select.selectedIndex) return;
    select.selectedIndex = next;
    choose(select.value);
  };
  const button = (label, by) => h("button", { type: "button", class: "link", on: { click: () => step(by) } }, label);
  return h("div", { class: "filter copy-of" },
    h("label", { for: "copy-of" }, `${plural(copies.length, "copy", "copies")}, shown:`),
    select, button("Previous", -1), button("Next", 1),
  );
}

/** Sender and answers; of one recipient's copy its own subject and headers too, which the title cannot have. */
function envelope(detail, copy = null) {
  const message = copy ?? detail.message;
  const remarks = copy ? {} : detail.remarks ?? {};
  return [
    row("From", message.from, remarks.From),
    row("Reply-To", message.reply_to, (remarks["Reply-To"] ?? []).filter((one) => one !== REPLIES)),
    enclosed(message.attachments ?? []),
    copy ? row("Subject", message.subject || "(no subject)", [], "subject") : null,
    message.rendered_by === "as given" ? null : row("Made by", message.rendered_by),
    (message.headers ?? []).map(([name, text]) => row(name, text)),
  ];
}

let asked = 0;

async function load(detail, { head, below, body }, recipient, signal, ready = () => {}) {
  asked += 1;
  const mine = asked;
  body.setAttribute("aria-busy", "true");
  try {
    const content = await api.message(detail.id, recipient, signal);
    // Answers can overtake each other; only the last choice counts.
    if (mine !== asked) return;
    fill(head, envelope(detail, content.copy));
    fill(below, attachments((content.copy ?? detail.message).attachments ?? []));
    fill(body, tabs(panelsOf(detail, content, recipient, () => ready(""))));
    if (!content.html) ready("");
    if (recipient) announce(`The message as ${recipient} gets it.`);
  } catch (problem) {
    if (problem.name === "AbortError" || mine !== asked) return;
    fill(head);
    fill(body, h("p", { class: "inline-warning" }, `The message could not be loaded: ${problem.message}`));
    ready("The message could not be loaded. Load the page anew.");
  } finally {
    if (mine === asked) body.removeAttribute("aria-busy");
  }
}

function panelsOf(detail, content, recipient, ready) {
  const panels = [];
  if (content.html) panels.push(["Rendered", () => rendered(detail, content, recipient, ready)]);
  if (content.text) panels.push(["Plain text", () => plain(content.text, "Plain text part")]);
  if (content.html) panels.push(["Words", () => words(content)]);
  if (content.html) panels.push(["Source", () => plain(content.html, "HTML source", "source")]);
  if (content.amp_html) panels.push(["AMP source", () => plain(content.amp_html, "AMP source", "source")]);
  for (const part of content.copy?.parts ?? []) panels.push([part.label, () => plain(part.text, part.label)]);
  if (content.links_total) panels.push([`Links (${content.links_total.toLocaleString("en")})`, () => links(content)]);
  return panels;
}

function rendered(detail, content, recipient, ready) {
  const frame = h("iframe", {
    class: "letter",
    sandbox: "",
    referrerpolicy: "no-referrer",
    title: "The HTML body, without scripts, remote pictures and working links",
    src: api.frame(detail.id, detail.ticket, recipient),
    on: { load: ready },
  });
  const taller = h("button", { type: "button", class: "link", "aria-pressed": "false" }, "Show it taller");
  taller.addEventListener("click", () => {
    const tall = frame.classList.toggle("tall");
    taller.setAttribute("aria-pressed", String(tall));
  });
  return [
    frame,
    h("div", { class: "under-letter" },
      h("p", { class: "muted" }, content.removed.length
        ? ["Shown without: ", content.removed.map((what, index) => [index ? "; " : "", value(what)]), "."]
        : content.read.styled ? "Styles decide what is seen above: the words are below. Links do not work here."
        : "All of its words are below. Links do not work here.",
        content.read.depends ? ` It looks different by ${content.read.depends}.` : ""),
      taller,
    ),
    apart(content, "Not in the picture above, or not in every program"),
    content.read.words ? said([["All words of the message, whatever its styles show", content.read.words]]) : null,
  ];
}

/** What styles may keep out of the frame, which is drawn from rebuilt markup: beside it, where no style reaches. */
function apart({ read, lost }, heading) {
  if (lost) return h("p", { class: "inline-warning" }, `The HTML is ${lost}. Read its source.`);
  const found = [["Preheader, shown in the inbox list only", read.preheader],
    ["Hidden in some or all programs", read.hidden], ["Shown by some programs only", read.some],
    ["Shown by most programs, but perhaps not by Outlook", read.spared],
    ["Words that the style sheet adds", read.added],
    ["Titles, tooltips and words read aloud", read.asides]].filter(([, text]) => text);
  return found.length && heading ? [h("h3", {}, heading), ...said(found)] : said(found);
}

function said(found) {
  return found.map(([label, text]) => [h("h3", {}, label), plain(text, label)]);
}

/** What the HTML says, whatever its styles do: out of their reach. */
function words({ read, lost }) {
  return [lost || !read.words ? null : said([["All words", read.words]]), apart({ read, lost })];
}

function plain(text, label, kind = "text") {
  const block = h("pre", { class: `plain ${kind}`, tabindex: "0", role: "region", "aria-label": label, dir: kind === "text" ? "auto" : "ltr" });
  return [block, unfold(block, told(text), BODY_AT_ONCE)];
}

/** Many empty lines as their number: what stands below them must not look like the end. */
function told(text) {
  return text.replace(/\n(?:[^\S\n]*\n){5,}/g, (empty) => `\n⟨${empty.split("\n").length - 2} empty lines⟩\n`);
}

function links(content) {
  const left = content.links_total - content.links.length;
  return [
    h("ul", { class: "links" }, content.links.map((link) => h("li", { class: link.flags.length ? "flagged" : null },
      h("p", { class: "link-line" },
        value(link.text || "(the address itself)", "link-text"),
        h("span", { class: "arrow", "aria-label": "leads to" }, "→"),
        link.host ? value(link.host, "link-host") : h("span", { class: "muted" }, "no host"),
        h("span", { class: "kind" }, link.part),
      ),
      h("p", { class: "link-url" }, value(link.url)),
      link.flags.map((flag) => h("p", { class: "inline-warning" }, icon("warning"), value(flag))),
    ))),
    left > 0 ? h("p", { class: "muted" }, `And ${plural(left, "more link")}, in the source.`) : null,
  ];
}

/** The names of the first attachments, for the first screen; all about all of them is below. */
function enclosed(files) {
  if (!files.length) return null;
  const more = files.length - NAMED_AT_ONCE;
  return [h("dt", {}, "Attached"), h("dd", {},
    // Each on a line of its own: a name can hold what looks like two.
    files.slice(0, NAMED_AT_ONCE).map((file) => h("div", {}, value(file.name))),
    more > 0 ? h("div", {}, `and ${plural(more, "other")}`) : null,
  )];
}

function attachments(files) {
  if (!files.length) return null;
  return h("div", { class: "attachments" },
    h("h3", {}, plural(files.length, "attachment")),
    h("ul", {}, files.map((file) => h("li", {},
      value(file.name, "file-name"),
      h("span", { class: "muted" }, [file.type, size(file.size)].filter(Boolean).join(", ")),
      file.sha256 ? h("code", { class: "hash" }, `SHA-256 ${file.sha256}`) : null,
    ))),
  );
}

/** Tabs after the ARIA pattern: arrows move, Home and End jump, only the chosen tab is in the tab order. */
function tabs(panels) {
  if (!panels.length) return h("p", { class: "muted" }, "This message has no body.");
  const panel = h("div", { role: "tabpanel", id: "message-panel" });
  const buttons = panels.map(([name], index) => h("button", {
    type: "button", role: "tab", id: `message-tab-${index}`, "aria-controls": "message-panel",
    on: { click: () => choose(index), keydown: (event) => move(event, index) },
  }, name));
  function choose(index) {
    buttons.forEach((button, at) => {
      button.setAttribute("aria-selected", String(at === index));
      button.tabIndex = at === index ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `message-tab-${index}`);
    fill(panel, panels[index][1]());
  }
  function move(event, index) {
    const last = buttons.length - 1;
    const target = { ArrowRight: index === last ? 0 : index + 1, ArrowLeft: index ? index - 1 : last, Home: 0, End: last }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    choose(target);
    buttons[target].focus();
  }
  choose(0);
  return [h("div", { role: "tablist", class: "tabs", "aria-label": "Ways to look at the message" }, buttons), panel];
}

function row(label, text, remarks = [], className = null) {
  return text ? [h("dt", {}, label), h("dd", { class: className, dir: "auto" }, text, remarks.map(chip))] : null;
}
