// A session of the official TypeScript client: greets, pings, lists the tools and calls one.
// Usage: node session_node.cjs COMMAND…, with NODE_PATH naming the client's node_modules.

'use strict';

const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');

async function main([command, ...args]) {
  const client = new Client(
    { name: 'session', version: '1' },
    { capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: { form: { applyDefaults: true } } } },
  );
  await client.connect(new StdioClientTransport({ command, args, env: process.env }));
  await client.ping();
  const { tools } = await client.listTools();
  const result = await client.callTool({ name: 'get_domain', arguments: {} });
  process.stdout.write(JSON.stringify({ tools: tools.length, status: result.structuredContent.status }));
  await client.close();
}

main(process.argv.slice(2));
