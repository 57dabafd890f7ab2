/**
 * An MCP server of the official package, which wants a key and answers in server-sent events, its official clients of
 * both generations, and `mcp-remote`, which a client starts that speaks on standard streams alone.
 *
 *     node door.mjs KEY
 *
 * The first line on standard output is the address of the server. Each line on standard input is JSON with the
 * `generation` of a client, or `remote`, the `url` to which it connects and the `token` that it sends; the line that answers has what
 * the client got, or `error`. The line `seen` is answered with the headers and the methods that the server received.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Client as SecondClient, StreamableHTTPClientTransport as SecondTransport } from '@modelcontextprotocol/client';
import { z } from 'zod';

const [key] = process.argv.slice(2);
const transports = new Map();
let seen = [];

function tickets() {
  const server = new McpServer({ name: 'Tickets', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: { text: z.string() } }, async ({ text }, { sendNotification, _meta }) => {
    const { progressToken } = _meta ?? {};
    for (const progress of progressToken === undefined ? [] : [1, 2]) {
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 2 } });
    }
    return { content: [{ type: 'text', text }] };
  });
  return server;
}

async function transportOf(request) {
  const known = transports.get(request.headers['mcp-session-id']);
  if (known) return known;
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => transports.set(id, transport),
  });
  await tickets().connect(transport);
  return transport;
}

const server = http.createServer(async (request, response) => {
  seen.push({ method: request.method, url: request.url, headers: request.rawHeaders });
  if (request.headers['x-key'] !== key) {
    response.writeHead(401).end();
    return;
  }
  await (await transportOf(request)).handleRequest(request, response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
console.log(`http://127.0.0.1:${server.address().port}/mcp`);

const REMOTE = fileURLToPath(new URL('node_modules/.bin/mcp-remote', import.meta.url));

function overHttp(Transport) {
  return (url, token) => new Transport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
}

const store = mkdtempSync(join(tmpdir(), 'remote-'));
process.on('exit', () => rmSync(store, { recursive: true, force: true }));

function overRemote(url, token) {
  const args = [REMOTE, url, '--allow-http', '--transport', 'http-only', '--header', 'Authorization:${TOKEN}'];
  const env = { ...process.env, TOKEN: `Bearer ${token}`, MCP_REMOTE_CONFIG_DIR: store };
  return new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' });
}

const GENERATIONS = {
  1: [FirstClient, overHttp(FirstTransport), {}],
  2: [SecondClient, overHttp(SecondTransport), { versionNegotiation: { mode: 'auto' } }],
  remote: [FirstClient, overRemote, {}],
};

async function use({ generation, url, token, text }) {
  const [Client, transport, options] = GENERATIONS[generation];
  const client = new Client({ name: 'door', version: '1.0.0' }, options);
  const connected = transport(url, token);
  const progress = [];
  // The transport passes each message on to what was set before. A client on standard streams reads several messages at
  // once, and then removes the function for the progress of a call before it is called.
  connected.onmessage = ({ method, params }) => {
    if (method === 'notifications/progress') progress.push(params.progress);
  };
  await client.connect(connected);
  const tools = (await client.listTools()).tools.map((tool) => tool.name);
  const call = { name: 'echo', arguments: { text } };
  // Without this function, a client does not ask for the progress.
  const watched = { onprogress() {} };
  const answer = generation === 2 ? await client.callTool(call, watched) : await client.callTool(call, undefined, watched);
  await client.close();
  return { tools, progress, text: answer.content[0].text };
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'seen') {
    console.log(JSON.stringify(seen));
    seen = [];
    continue;
  }
  const got = await use(JSON.parse(line)).catch((error) => ({ error: String(error), code: error.code ?? null }));
  console.log(JSON.stringify(got));
}
