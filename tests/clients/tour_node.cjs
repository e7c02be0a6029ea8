// A tour through Mailgun with its own JavaScript client, run in an environment of its own: one JSON line per step.
// Usage: node tour_node.cjs URL, with NODE_PATH naming the client's node_modules. Only the base address is changed.

'use strict';

const FormData = require('form-data');
const Mailgun = require('mailgun.js');

const DOMAIN = 'mg.example.com';
const LIST = 'js@mg.example.com';
const MIME = 'From: me@mg.example.com\r\nSubject: MIME\r\n\r\nHello\r\n';
const MESSAGE = {
  from: `Me <me@${DOMAIN}>`,
  to: ['you@example.net', 'two@example.org'],
  subject: 'Hi',
};

async function everyEvent(mg) {
  const found = [];
  let page;
  do {
    const query = page === undefined ? { limit: 2, ascending: 'yes' } : { page };
    const result = await mg.events.get(DOMAIN, query);
    found.push(...result.items.map((item) => `${item.event} ${item.recipient}`));
    page = result.pages.next.page;
    if (result.items.length === 0) return found;
  } while (found.length < 50);
  return found;
}

async function everyBounce(mg) {
  const found = [];
  let query = { limit: 1 };
  for (let pages = 0; pages < 20; pages += 1) {
    const result = await mg.suppressions.list(DOMAIN, 'bounces', query);
    if (result.items.length === 0) return found;
    found.push(...result.items.map((item) => item.address));
    query = { limit: 1, page: result.pages.next.page };
  }
  return found;
}

function tour(mg) {
  const { domainTemplates, domainTags, domainTracking, domainCredentials } = mg.domains;
  let route;
  return [
    ['domains list', () => mg.domains.list()],
    ['domains create', () => mg.domains.create({ name: 'node.example.com', wildcard: true })],
    ['domains get', () => mg.domains.get('node.example.com')],
    ['domains verify', () => mg.domains.verify('node.example.com')],
    ['domains delete', () => mg.domains.destroy('node.example.com')],
    ['messages send', () => mg.messages.create(DOMAIN, {
      ...MESSAGE,
      text: 'Hello',
      'o:tag': ['js', 'tour'],
      'o:tracking': true,
      'v:order': '17',
      attachment: { filename: 'report.txt', data: Buffer.from('one, two, three') },
    })],
    ['messages from a template', () => mg.messages.create(DOMAIN, {
      ...MESSAGE, template: 'welcome', 't:variables': JSON.stringify({ name: 'Ann', company: 'Example' }),
    })],
    ['messages unknown domain', () => mg.messages.create('unknown.example.com', { ...MESSAGE, text: 'Hello' })],
    ['mime send', () => mg.messages.create(DOMAIN, { to: 'mime@example.net', message: Buffer.from(MIME) })],
    ['mime send as a string', () => mg.messages.create(DOMAIN, { to: 'mime@example.net', message: MIME })],
    ['events first page', () => mg.events.get(DOMAIN, { limit: 2 })],
    ['events all', () => everyEvent(mg)],
    ['templates create', () => domainTemplates.create(DOMAIN, {
      name: 'Node.Tour', description: 'd', template: '<p>{{name}}</p>', tag: 'V1',
    })],
    ['templates get', () => domainTemplates.get(DOMAIN, 'node.tour', { active: 'yes' })],
    ['templates list', () => domainTemplates.list(DOMAIN)],
    ['templates add version', () => domainTemplates.createVersion(DOMAIN, 'node.tour', { template: 'two', tag: 'v2' })],
    ['templates delete', () => domainTemplates.destroy(DOMAIN, 'node.tour')],
    ['lists create', () => mg.lists.create({ address: LIST, name: 'News', access_level: 'members' })],
    ['lists get', () => mg.lists.get(LIST)],
    ['lists update', () => mg.lists.update(LIST, { description: 'All the news' })],
    ['lists pages', () => mg.lists.list()],
    ['members add', () => mg.lists.members.createMember(LIST, {
      address: 'ann@example.net', name: 'Ann', vars: JSON.stringify({ age: 27 }), subscribed: 'yes', upsert: 'yes',
    })],
    ['members add many', () => mg.lists.members.createMembers(LIST, {
      members: [{ address: 'ben@example.net', name: 'Ben', vars: { age: 3 }, subscribed: 'yes' }], upsert: 'yes',
    })],
    ['members get', () => mg.lists.members.getMember(LIST, 'ann@example.net')],
    ['members update', () => mg.lists.members.updateMember(LIST, 'ann@example.net', {
      name: 'Ann B.', vars: JSON.stringify({ age: 28 }), subscribed: 'no',
    })],
    ['members pages', () => mg.lists.members.listMembers(LIST)],
    ['members delete', () => mg.lists.members.destroyMember(LIST, 'ann@example.net')],
    ['lists delete', () => mg.lists.destroy(LIST)],
    ['bounces add', () => mg.suppressions.create(DOMAIN, 'bounces', { address: 'dead@example.net', code: 550, error: 'gone' })],
    ['bounces get', () => mg.suppressions.get(DOMAIN, 'bounces', 'dead@example.net')],
    ['bounces all', () => everyBounce(mg)],
    ['bounces delete', () => mg.suppressions.destroy(DOMAIN, 'bounces', 'dead@example.net')],
    ['unsubscribes add', () => mg.suppressions.create(DOMAIN, 'unsubscribes', { address: 'u@example.net', tag: 'js' })],
    ['unsubscribes add many', () => mg.suppressions.create(DOMAIN, 'unsubscribes', [
      { address: 'b1@example.net', tags: ['a'] }, { address: 'b2@example.net', tags: ['*'] },
    ])],
    ['unsubscribes list', () => mg.suppressions.list(DOMAIN, 'unsubscribes')],
    ['unsubscribes delete', () => mg.suppressions.destroy(DOMAIN, 'unsubscribes', 'b1@example.net')],
    ['complaints add', () => mg.suppressions.create(DOMAIN, 'complaints', { address: 'c@example.net' })],
    ['complaints delete', () => mg.suppressions.destroy(DOMAIN, 'complaints', 'c@example.net')],
    ['whitelists add', () => mg.suppressions.create(DOMAIN, 'whitelists', { address: 'w@example.net' })],
    ['whitelists delete', () => mg.suppressions.destroy(DOMAIN, 'whitelists', 'w@example.net')],
    ['routes create', async () => {
      route = await mg.routes.create({
        priority: 1,
        description: 'tour',
        expression: 'match_recipient(".*@mg.example.com")',
        action: ['forward("https://desk.example.com/in")', 'stop()'],
      });
      return route;
    }],
    ['routes list', () => mg.routes.list({ skip: 0, limit: 10 })],
    ['routes get', () => mg.routes.get(route.id)],
    ['routes update', () => mg.routes.update(route.id, { priority: 7 })],
    ['routes delete', () => mg.routes.destroy(route.id)],
    ['webhooks create', () => mg.webhooks.create(DOMAIN, 'clicked', 'https://a.example.com/')],
    ['webhooks list', () => mg.webhooks.list(DOMAIN, {})],
    ['webhooks get', () => mg.webhooks.get(DOMAIN, 'clicked')],
    ['webhooks update', () => mg.webhooks.update(DOMAIN, 'clicked', ['https://b.example.com/', 'https://c.example.com/'])],
    ['webhooks delete', () => mg.webhooks.destroy(DOMAIN, 'clicked')],
    ['tags list', () => domainTags.list(DOMAIN)],
    ['tags get', () => domainTags.get(DOMAIN, 'js')],
    ['tags delete', () => domainTags.destroy(DOMAIN, 'js')],
    ['stats total', () => mg.stats.getDomain(DOMAIN, { event: ['accepted', 'delivered'] })],
    ['ips list', () => mg.ips.list()],
    ['tracking get', () => domainTracking.getTracking(DOMAIN)],
    ['tracking open', () => domainTracking.updateTracking(DOMAIN, 'open', { active: 'yes' })],
    ['credentials create', () => domainCredentials.create(DOMAIN, { login: 'js', password: 'correct-horse' })],
    ['credentials list', () => domainCredentials.list(DOMAIN)],
    ['credentials delete', () => domainCredentials.destroy(DOMAIN, 'js')],
  ];
}

async function main(url) {
  const mg = new Mailgun(FormData).client({ username: 'api', key: 'key-sandbox', url });
  for (const [step, carryOut] of tour(mg)) {
    let told;
    try {
      told = { body: await carryOut() };
    } catch (problem) {
      told = { raised: `${problem.status ?? ''} ${problem.details ?? problem.message}`.trim() };
    }
    process.stdout.write(`${JSON.stringify({ step, ...told })}\n`);
  }
}

main(process.argv[2]);
