/**
 * The official clients of MCP of both generations, which use the tools of the door for models.
 *
 *     node tools.mjs
 *
 * The first line on standard output is `ready`. Each line on standard input is JSON with the `generation` of a client, and
 * either the `url` and the `token` of a door, or the `command` and the `args` of a program on standard streams with its
 * `env`; and the `calls` to make, each with its `name` and `arguments`. The line that answers has the names of the tools and
 * the results, or `error`.
 */
import { createInterface } from 'node:readline';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as FirstHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as SecondClient, StreamableHTTPClientTransport as SecondHttp } from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondStdio } from '@modelcontextprotocol/client/stdio';

const GENERATIONS = {
  1: [FirstClient, FirstHttp, FirstStdio, {}],
  2: [SecondClient, SecondHttp, SecondStdio, { versionNegotiation: { mode: 'auto' } }],
};

async function use({ generation, url, token, command, args, env, calls }) {
  const [Client, Http, Stdio, options] = GENERATIONS[generation];
  const client = new Client({ name: 'tools', version: '1.0.0' }, options);
  const transport = url
    ? new Http(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } })
    : new Stdio({ command, args, env, stderr: 'ignore' });
  await client.connect(transport);
  const tools = (await client.listTools()).tools.map((tool) => tool.name);
  const results = [];
  for (const call of calls) results.push(await client.callTool(call));
  await client.close();
  return { tools, results };
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const got = await use(JSON.parse(line)).catch((error) => ({ error: String(error), code: error.code ?? null }));
  console.log(JSON.stringify(got));
}
