/**
The AI SDK (`ai`) with its client for MCP.

    npm install ai @ai-sdk/mcp

How it behaves (ai 6.0.326, @ai-sdk/mcp 1.0.102):

    server:       one for the whole run
    protocol:     2025-11-25
    asks by:      a form
    left out:     left out
    model reads:  text

It sets no limit for a call. The server waits 45 seconds for the answer to a form; one that comes later counts as well.
*/

import { createMCPClient, ElicitationRequestSchema } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport as StdioTransport } from "@ai-sdk/mcp/mcp-stdio";
import { generateText, stepCountIs, type ModelMessage } from "ai";
import { MockLanguageModelV3 } from "ai/test";

import { decides, says } from "./person.ts";
import { ScriptedModel } from "./scripted_model.ts";

/** The scripted model, as the AI SDK wants one. */
const script = new ScriptedModel();
const usage = { inputTokens: { total: 0 }, outputTokens: { total: 0 } } as any;
const model = new MockLanguageModelV3({
  doGenerate: async ({ prompt }) => {
    const last = (prompt.at(-1) as any).content.at(-1);
    const step = script.next(last.type === "text" ? last.text : JSON.stringify(last.output.value));
    const call = { type: "tool-call", toolCallId: `call-${prompt.length}` } as const;
    return {
      content:
        typeof step === "string"
          ? [{ type: "text", text: step }]
          : [{ ...call, toolName: step.tool, input: JSON.stringify(step.arguments) }],
      finishReason: { unified: typeof step === "string" ? "stop" : "tool-calls", raw: undefined },
      usage,
      warnings: [],
    };
  },
});

// snippet
const transport = new StdioTransport({ command: "maton-mailgun", args: ["serve"], env: process.env });
const client = await createMCPClient({ transport, capabilities: { elicitation: {} } });
client.onElicitationRequest(ElicitationRequestSchema, async ({ params }) => {
  // The server's question: what is about to be written, word for word.
  const decision = await decides(params.message);
  return decision ? { action: "accept", content: decision } : { action: "decline" };
});
const tools = await client.tools();
const messages: ModelMessage[] = [];
for await (const said of says()) {
  messages.push({ role: "user", content: said });
  const done = await generateText({ model, tools, messages, stopWhen: stepCountIs(20) });
  messages.push(...done.response.messages);
  console.log(done.text);
}
await client.close();
// end of the snippet
