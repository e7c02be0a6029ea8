// One message: as each recipient sees it, its text, headers, files, what became of it, and its source.

import { chips, el, size, visible, when } from './dom.js';

const view = { key: null, tab: 'preview', copy: 0, stamp: '' };

export async function showDetail(place, key, api) {
  if (!key) {
    view.key = null;
    view.stamp = '';
    place.replaceChildren(el('div', { class: 'empty' },
      el('p', { class: 'empty-title' }, 'No message chosen'), el('p', {}, 'Choose one from the list.')));
    return;
  }
  const answer = await fetch(`${api}/messages/${encodeURIComponent(key)}`);
  if (answer.status === 404) {
    view.stamp = '';
    place.replaceChildren(back(), el('div', { class: 'empty' },
      el('p', { class: 'empty-title' }, 'This message is gone'), el('p', {}, 'The outbox was cleared or reset.')));
    return;
  }
  const message = await answer.json();
  if (view.key !== key) Object.assign(view, { key, copy: 0, stamp: '', tab: 'preview' });
  // A refresh must not reload the frame or move the focus when nothing of this message has changed.
  const stamp = `${key} ${message.events.length} ${JSON.stringify(message.forwarding)}`;
  if (stamp === view.stamp) return;
  view.stamp = stamp;
  draw(place, message, api);
}

function draw(place, message, api) {
  const copy = message.copies[view.copy] ?? message.copies[0] ?? {};
  const again = () => draw(place, message, api);
  const tabs = tabsOf(message, copy, api);
  const current = tabs.find((tab) => tab.id === view.tab) ?? tabs[0];
  place.replaceChildren(back(), head(message, copy), ...notes(message), ...chooser(message, again),
    tabBar(tabs, current, again), el('div', { class: 'panel', role: 'tabpanel', 'aria-label': current.label }, ...current.content()));
}

function back() {
  return el('a', { class: 'back', href: '#' }, '‹ All messages');
}

function line(term, ...values) {
  return [el('dt', {}, term), el('dd', {}, ...values)];
}

function head(message, copy) {
  const people = (list) => el('bdi', {}, visible(list.join(', ')));
  return el('header', { class: 'head' },
    el('h2', {}, visible(copy.subject || message.subject) || '(no subject)'),
    el('dl', { class: 'facts' },
      ...line('From', el('bdi', {}, visible(message.from))),
      ...line('To', people(copy.to ?? message.to)),
      ...(message.cc.length ? line('Cc', people(message.cc)) : []),
      ...(message.bcc.length ? line('Bcc', people(message.bcc)) : []),
      ...line('Sent', `${when(message.at)} through `, el('bdi', {}, visible(message.domain))),
      ...(message.deliver_at ? line('Leaves', when(message.deliver_at)) : []),
      ...line('State', el('span', { class: 'row-chips' }, ...chips(message.states)))));
}

function notes(message) {
  const said = [];
  if (message.test_mode) said.push('Test mode: Mailgun accepts and logs such a message and does not deliver it.');
  if (message.forwarding?.error) said.push(`Not forwarded to the local SMTP address: ${visible(message.forwarding.error)}`);
  return said.map((text) => el('p', { class: 'note' }, text));
}

function chooser(message, again) {
  if (message.copies.length < 2) return [];
  return [el('label', { class: 'chooser' }, 'As seen by ',
    el('select', { onchange: (event) => { view.copy = Number(event.target.value); again(); } },
      ...message.copies.map((copy, number) =>
        el('option', { value: number, selected: number === view.copy }, visible(copy.recipient)))))];
}

function tabsOf(message, copy, api) {
  const url = `${api}/messages/${encodeURIComponent(message.storage_key)}`;
  const files = [...message.attachments, ...message.inline];
  const options = Object.entries({ ...message.options, ...prefixed('v:', message.variables) });
  return [
    copy.html && { id: 'preview', label: 'Preview', content: () => [frame(url, copy.html)] },
    { id: 'text', label: 'Text', content: () => [plain(copy.text, 'There is no plain text part.')] },
    copy.html && { id: 'markup', label: 'HTML', content: () => [plain(copy.html)] },
    { id: 'recipients', label: `Recipients ${message.recipients.length}`, content: () => [recipients(message)] },
    { id: 'events', label: `Events ${message.events.length}`, content: () => [events(message)] },
    files.length && { id: 'files', label: `Files ${files.length}`, content: () => [fileList(files, url)] },
    { id: 'headers', label: 'Headers', content: () => [pairs(message.message_headers)] },
    options.length && { id: 'options', label: 'Options', content: () => [pairs(options)] },
    { id: 'source', label: 'Source', content: () => [plain(message.source)] },
  ].filter(Boolean);
}

function prefixed(prefix, values) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
}

function tabBar(tabs, current, again) {
  const bar = el('div', { class: 'tabs', role: 'tablist' });
  const choose = (tab) => {
    view.tab = tab.id;
    again();
    document.getElementById(`tab-${tab.id}`)?.focus();
  };
  bar.append(...tabs.map((tab, at) => el('button', {
    type: 'button', role: 'tab', id: `tab-${tab.id}`,
    'aria-selected': tab === current ? 'true' : 'false', tabindex: tab === current ? 0 : -1,
    onclick: () => choose(tab),
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) choose(tabs[(at + step + tabs.length) % tabs.length]);
    },
  }, tab.label)));
  return bar;
}

function frame(url, html) {
  const shown = el('iframe', {
    class: 'mail', sandbox: '', src: `${url}/html?copy=${view.copy}`, title: 'HTML body of the message', referrerpolicy: 'no-referrer',
  });
  const remote = /<(?:img|link|iframe|script)[^>]+(?:src|href)\s*=\s*["']?\s*(?:https?:)?\/\//i.test(html);
  return el('div', {}, remote
    ? el('p', { class: 'note' }, 'Remote images and other remote content are not loaded here.') : null, shown);
}

function plain(text, missing = 'Empty.') {
  return text ? el('pre', { class: 'text', tabindex: 0 }, visible(text)) : el('p', { class: 'muted' }, missing);
}

function pairs(rows) {
  const shown = (value) => (typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : JSON.stringify(value));
  return el('dl', { class: 'pairs' }, ...rows.flatMap(([name, value]) =>
    line(visible(name), el('bdi', {}, visible(shown(value))))));
}

function recipients(message) {
  const last = {};
  for (const event of message.events) last[event.recipient] = event;
  return el('ul', { class: 'plain-list' }, ...message.recipients.map((address) => {
    const event = last[address];
    const why = event?.['delivery-status']?.description || event?.['delivery-status']?.message;
    return el('li', {}, el('bdi', { class: 'grow' }, visible(address)),
      event ? el('span', { class: `chip ${event.event}` }, event.event) : null,
      event?.event === 'failed' && why ? el('span', { class: 'muted' }, visible(why)) : null);
  }));
}

function events(message) {
  return el('ol', { class: 'plain-list' }, ...message.events.map((event) => el('li', {},
    el('time', { class: 'muted' }, when(event.timestamp)),
    el('span', { class: `chip ${event.event}` }, event.event),
    el('bdi', { class: 'grow' }, visible(event.recipient)),
    event.reason || event.url ? el('span', { class: 'muted' }, visible(event.reason || event.url)) : null)));
}

function fileList(files, url) {
  return el('ul', { class: 'plain-list' }, ...files.map((file, number) => el('li', {},
    el('a', { class: 'grow', href: `${url}/files/${number}`, download: true }, el('bdi', {}, visible(file.filename) || '(no name)')),
    el('span', { class: 'muted' }, `${visible(file.content_type)} · ${size(file.size)}${file.name === 'inline' ? ' · inline' : ''}`),
    el('code', { class: 'hash', title: 'SHA-256' }, file.sha256))));
}
