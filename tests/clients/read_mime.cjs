// What two mail libraries find in messages: one in base64 on each line of the input, one answer in JSON on each of the output.
const { simpleParser } = require('mailparser');
const PostalMime = require('postal-mime').default ?? require('postal-mime');
const lines = require('node:readline').createInterface({ input: process.stdin });

const content = (data) => Buffer.from(data ?? '').toString('base64');

async function withMailparser(source) {
  const mail = await simpleParser(source, { skipTextToHtml: true, skipHtmlToText: true, skipTextLinks: true });
  return {
    texts: [mail.text, mail.html, mail.subject, mail.from?.text].filter(Boolean),
    files: mail.attachments.map((one) => ({ name: one.filename ?? '', type: one.contentType, content: content(one.content) })),
  };
}

async function withPostalMime(source) {
  const mail = await PostalMime.parse(source, { attachmentEncoding: 'arraybuffer' });
  const texts = [mail.text, mail.html, mail.subject, mail.from?.name, mail.from?.address];
  return {
    texts: [...texts, ...mail.headers.map((one) => one.key)].filter(Boolean),
    files: mail.attachments.map((one) => ({ name: one.filename ?? '', type: one.mimeType, content: content(one.content) })),
  };
}

(async () => {
  for await (const line of lines) {
    const source = Buffer.from(line, 'base64');
    const found = {};
    for (const [name, read] of Object.entries({ mailparser: withMailparser, 'postal-mime': withPostalMime })) {
      try {
        found[name] = await read(source);
      } catch (error) {
        found[name] = { texts: [], files: [], failed: String(error) };
      }
    }
    console.log(JSON.stringify(found));
  }
})();
