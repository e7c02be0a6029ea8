// Mail that arrives, seen by a program of Node.js: its own web server gets what is posted and checks the signatures,
// Mailgun's JavaScript client reads what is stored. Usage: node arrivals_node.cjs URL; prints one JSON line.

'use strict';

const { createHmac } = require('node:crypto');
const { once } = require('node:events');
const { createServer } = require('node:http');
const FormData = require('form-data');
const Mailgun = require('mailgun.js');

const DOMAIN = 'mg.example.com';
const MIME = [
  'From: Dave <dave@example.net>', 'To: desk@mg.example.com', 'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Message-Id: <7@example.net>', 'Content-Type: multipart/mixed; boundary=b', '', '--b', 'Content-Type: text/plain', '',
  'Hello', '--b', 'Content-Type: application/pdf', 'Content-Disposition: attachment; filename="a.pdf"', '', '%PDF',
  '--b--', '',
].join('\r\n');

function isSigned({ timestamp, token, signature }) {
  return createHmac('sha256', 'sandbox-signing-key').update(timestamp + token).digest('hex') === signature;
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  // Node's own reader of forms, as fetch has it.
  return new Response(Buffer.concat(parts), { headers: { 'content-type': request.headers['content-type'] } });
}

async function main(url) {
  const told = {};
  const server = createServer(async (request, response) => {
    const body = await read(request);
    if (request.url === '/hook') {
      const { signature, 'event-data': event } = await body.json();
      told.hook = { signed: isSigned(signature), event: event.event, recipient: event.recipient };
    } else {
      const form = Object.fromEntries(await body.formData());
      const file = form['attachment-1'];
      told.forward = { signed: isSigned(form), subject: form.subject, file: [file.name, file.type, await file.text()] };
    }
    response.end();
    if (told.hook) server.emit('told');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = `http://127.0.0.1:${server.address().port}`;
  const mg = new Mailgun(FormData).client({ username: 'api', key: 'key-sandbox', url });
  const actions = [`forward("${own}/in")`, 'store()'];
  await mg.routes.create({ expression: 'match_recipient("desk@.*")', action: actions });
  await mg.webhooks.create(DOMAIN, 'accepted', `${own}/hook`);
  const hooked = once(server, 'told');
  const headers = { 'content-type': 'message/rfc822' };
  const answer = await fetch(`${url}/_sandbox/inbound`, { method: 'POST', body: MIME, headers });
  told.arrived = (await answer.json()).messages[0].posts.map((post) => post.status);
  await hooked;
  const { items } = await mg.events.get(DOMAIN, { event: 'stored' });
  const stored = await mg.messages.retrieveStoredEmail(DOMAIN, items[0].storage.key);
  const { subject, sender, recipients, attachments } = stored;
  const basic = { authorization: `Basic ${Buffer.from('api:key-sandbox').toString('base64')}` };
  const file = await fetch(attachments[0].url, { headers: basic });
  told.stored = { subject, sender, recipients, text: stored['body-plain'], file: await file.text() };
  server.close();
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

main(process.argv[2]);
