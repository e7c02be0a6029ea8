// The list, its live refresh, and which message is open (the address after #).

import { chips, el, visible, when } from './dom.js';
import { showDetail } from './detail.js';

const API = '/_sandbox/outbox';
const REFRESH = 1500;
const byId = (id) => document.getElementById(id);
const state = { mark: '', messages: [], kept: 0, query: '', failures: 0 };

function opened() {
  return decodeURIComponent(location.hash.slice(1));
}

function row(message) {
  const more = message.recipients - message.to.length;
  const to = message.to.join(', ') + (more > 0 ? ` and ${more} more` : '');
  const current = opened() === message.key;
  return el('li', {},
    el('a', { class: 'row', href: `#${encodeURIComponent(message.key)}`, 'aria-current': current ? 'true' : false },
      el('span', { class: 'row-top' },
        el('bdi', { class: 'row-to' }, visible(to)),
        el('time', { datetime: new Date(message.at * 1000).toISOString() }, when(message.at))),
      el('bdi', { class: 'row-subject' }, visible(message.subject) || '(no subject)'),
      el('bdi', { class: 'row-snippet' }, visible(message.snippet) || '\u00a0'),
      el('span', { class: 'row-chips' },
        ...chips(message.states),
        message.test_mode ? el('span', { class: 'chip plain' }, 'test mode') : null,
        message.template ? el('span', { class: 'chip plain' }, `template ${visible(message.template)}`) : null,
        message.attachments
          ? el('span', { class: 'chip plain' }, `${message.attachments} file${message.attachments > 1 ? 's' : ''}`)
          : null)));
}

function showList() {
  const { messages, kept, query } = state;
  byId('list').replaceChildren(...messages.map(row));
  byId('empty').hidden = messages.length > 0;
  if (messages.length === 0) {
    byId('empty').replaceChildren(...(query && kept > 0
      ? [el('p', { class: 'empty-title' }, 'No message matches'), el('p', {}, 'Search looks at sender, recipients and subject.')]
      : [el('p', { class: 'empty-title' }, 'Nothing sent yet'),
        el('p', {}, 'Messages appear here as soon as something sends one to'),
        el('code', {}, location.origin)]));
  }
  const noun = kept === 1 ? 'message' : 'messages';
  byId('count').textContent = messages.length < kept ? `${messages.length} of ${kept} ${noun}` : `${kept} ${noun}`;
  byId('clear').disabled = kept === 0;
  document.title = kept ? `(${kept}) Outbox · Mailgun sandbox` : 'Outbox · Mailgun sandbox';
}

async function showOpened() {
  const key = opened();
  document.body.classList.toggle('reading', key !== '');
  for (const link of byId('list').querySelectorAll('a')) {
    if (key && link.hash === location.hash) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
  await showDetail(byId('detail'), key, API);
}

async function refresh(force = false) {
  const query = new URLSearchParams({ q: state.query, ...(force ? {} : { mark: state.mark }) });
  try {
    const answer = await fetch(`${API}/messages?${query}`);
    state.failures = 0;
    byId('live').textContent = 'live';
    byId('live').className = 'live on';
    if (answer.status !== 200) return;
    const body = await answer.json();
    Object.assign(state, { mark: body.mark, messages: body.messages, kept: body.kept });
    showList();
    await showOpened();
  } catch {
    state.failures += 1;
    byId('live').textContent = 'the sandbox does not answer';
    byId('live').className = 'live off';
  }
}

async function keepFresh() {
  await refresh();
  setTimeout(keepFresh, REFRESH * Math.min(1 + state.failures, 6));
}

byId('search').addEventListener('input', (event) => {
  state.query = event.target.value.trim();
  refresh(true);
});

byId('clear').addEventListener('click', async (event) => {
  const button = event.currentTarget;
  if (button.dataset.sure !== 'yes') {
    button.dataset.sure = 'yes';
    button.textContent = 'Clear all?';
    setTimeout(() => { button.dataset.sure = ''; button.textContent = 'Clear'; }, 4000);
    return;
  }
  button.dataset.sure = '';
  button.textContent = 'Clear';
  await fetch(`${API}/clear`, { method: 'POST' });
  location.hash = '';
  await refresh(true);
});

addEventListener('hashchange', async () => {
  await showOpened();
  if (opened()) byId('detail').focus({ preventScroll: true });
});

keepFresh();
