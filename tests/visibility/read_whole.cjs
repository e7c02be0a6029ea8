// What mailparser finds in messages: one in base64 on each line of the input, one answer in JSON on each of the output.
const { simpleParser } = require('mailparser');
const lines = require('node:readline').createInterface({ input: process.stdin });

const people = (field) => [field ?? []].flat().flatMap((one) => one.value);

(async () => {
  for await (const line of lines) {
    const options = { skipTextToHtml: true, skipHtmlToText: true, skipTextLinks: true, skipImageLinks: true };
    const mail = await simpleParser(Buffer.from(line, 'base64'), options);
    const files = mail.attachments.map((one) => [one.filename, one.contentType, one.cid, one.content.toString('base64')]);
    const { subject, text, html } = mail;
    console.log(JSON.stringify({ from: people(mail.from), to: people(mail.to), cc: people(mail.cc), replies: people(mail.replyTo), subject, text, html, files }));
  }
})();
