// Who a message goes to: domains first, and every single address within reach.

import { announce, chip, fill, h, value } from "./dom.js";
import { plural, usual } from "./words.js";

const SHOWN_AT_ONCE = 6;
const DOMAINS_AT_ONCE = 8;

const KINDS = [["to", "To"], ["list", "To a list"], ["cc", "Cc"], ["bcc", "Bcc"], ["header", "In a header"]];

/** Rows that say who gets a message: each person where they are few, else domains first, and a list of all. */
export function recipientRows(recipients) {
  if (!recipients?.length) return [];
  if (recipients.length > SHOWN_AT_ONCE) return [h("dt", {}, "To"), h("dd", {}, many(recipients))];
  const known = new Set(KINDS.map(([kind]) => kind));
  const kinds = [...KINDS, ...new Set(recipients.map((one) => one.kind).filter((kind) => !known.has(kind)))].map((one) => [one].flat());
  return kinds.map(([kind, label = kind]) => [label, recipients.filter((one) => one.kind === kind)])
    .filter(([, some]) => some.length)
    .map(([label, some]) => [h("dt", {}, label), h("dd", {}, h("ul", { class: "people" }, some.map((one) => person(one, label))))]);
}

function many(recipients) {
  const domains = counted(recipients.map((one) => domainOf(one.address)));
  const flags = counted(recipients.flatMap((one) => (one.flags ?? []).filter((flag) => !usual(flag))));
  return [
    h("p", { class: "strong", id: "recipients-heading" }, plural(recipients.length, "recipient")),
    domainBars(domains, recipients.length),
    flags.length
      ? h("ul", { class: "chips", "aria-label": "Remarks about recipients" },
        flags.slice(0, 12).map(([flag, number]) => h("li", { class: "chip" }, `${number.toLocaleString("en")} × `, value(flag))))
      : null,
    expandable(recipients),
  ];
}

export function recipientsSection(recipients) {
  if (!recipients?.length) return null;
  return h("section", { class: "part", "aria-labelledby": "who-heading" },
    h("h2", { id: "who-heading" }, "Who"), h("dl", { class: "rows" }, recipientRows(recipients)));
}

function domainBars(domains, total) {
  const rows = domains.map(([domain, number]) => {
    const meter = h("meter", { min: "0", max: String(total), value: String(number), "aria-hidden": "true" });
    return h("li", {}, value(domain, "domain"), meter, h("span", { class: "number" }, number.toLocaleString("en")));
  });
  const bars = h("ul", { class: "domains", "aria-label": "Recipients by domain" }, rows.slice(0, DOMAINS_AT_ONCE));
  if (rows.length <= DOMAINS_AT_ONCE) return bars;
  const more = h("button", { type: "button", class: "link", on: { click: () => {
    bars.append(...rows.slice(DOMAINS_AT_ONCE));
    more.remove();
    announce(`All ${rows.length} domains are listed.`);
  } } }, `Show the other ${plural(rows.length - DOMAINS_AT_ONCE, "domain")}`);
  return h("div", {}, bars, more);
}

function expandable(recipients) {
  const box = h("div", { class: "everyone", id: "everyone", hidden: true });
  const button = h("button", { type: "button", class: "secondary", "aria-expanded": "false", "aria-controls": "everyone" },
    `Show all ${recipients.length.toLocaleString("en")} recipients`);
  button.addEventListener("click", () => {
    const open = box.hidden;
    if (open && !box.hasChildNodes()) fill(box, fullList(recipients));
    box.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Hide the list" : `Show all ${recipients.length.toLocaleString("en")} recipients`;
  });
  return h("div", {}, button, box);
}

function fullList(recipients) {
  const rows = recipients.map((one) => ({ element: person(one), words: `${one.name ?? ""} ${one.address} ${one.kind} ${(one.flags ?? []).join(" ")}`.toLowerCase() }));
  const found = h("p", { class: "found", role: "status" });
  const list = h("ul", { class: "people scroll", tabindex: "0", "aria-label": "All recipients" }, rows.map((row) => row.element));
  const filter = h("input", { type: "search", id: "filter", autocomplete: "off", spellcheck: "false", placeholder: "Part of an address or remark" });
  const apply = () => {
    const wanted = filter.value.trim().toLowerCase();
    let matching = 0;
    for (const row of rows) {
      row.element.hidden = wanted !== "" && !row.words.includes(wanted);
      if (!row.element.hidden) matching += 1;
    }
    found.textContent = `${matching.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  };
  filter.addEventListener("input", apply);
  apply();
  return [h("div", { class: "filter" }, h("label", { for: "filter" }, "Find"), filter, found), list];
}

function person(one, label = "") {
  return h("li", {},
    one.name ? [value(one.name, "person-name"), " "] : null,
    value(one.address, "address"),
    one.kind && one.kind !== "to" && !label ? h("span", { class: "kind" }, one.kind) : null,
    (one.flags ?? []).map(chip),
  );
}

function domainOf(address) {
  const at = address.lastIndexOf("@");
  return at < 0 ? "no domain" : address.slice(at + 1).replace(/>$/, "").toLowerCase();
}

/** Values with how often they occur, most frequent first. */
function counted(values) {
  const counts = new Map();
  for (const one of values) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
