/**
The official TypeScript SDK's client, and a loop of your own around the model.

    npm install @modelcontextprotocol/sdk

How it behaves (@modelcontextprotocol/sdk 1.32.2):

    server:       one for the whole run
    protocol:     2025-11-25
    asks by:      a form
    left out:     left out
    model reads:  structured

It gives up a call after 60 seconds (`DEFAULT_REQUEST_TIMEOUT_MSEC`). The server waits 45 for the answer to a form; one
that comes later counts as well. Which half of a result the model is shown is up to your loop: both say the same.
*/

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

import { decides, says } from "./person.ts";
import { ScriptedModel } from "./scripted_model.ts";

// snippet
const env = process.env as Record<string, string>;
const client = new Client({ name: "desk", version: "1" }, { capabilities: { elicitation: { form: {} } } });
client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
  // The server's question: what is about to be written, word for word.
  const decision = await decides(params.message);
  return decision ? { action: "accept", content: decision } : { action: "decline" };
});
await client.connect(new StdioClientTransport({ command: "maton-mailgun", args: ["serve"], env }));
const model = new ScriptedModel();
for await (const said of says()) {
  let step = model.next(said);
  while (typeof step !== "string") {
    const done = await client.callTool({ name: step.tool, arguments: step.arguments });
    step = model.next(JSON.stringify(done.structuredContent));
  }
  console.log(step);
}
await client.close();
// end of the snippet
