/**
 * The client that the conformance suite tests: the command connects the server and passes messages on, the official client
 * of TypeScript uses it, and a person signs in wherever the command asks for that.
 *
 * The suite starts it with the address of a server, and with the data of the scenario in the environment.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { follow } from './person.mjs';

/** The codes of errors after which a person signs in again. */
const SIGN_IN = ['needs_reauthorization', 'not_renewed', 'scope_missing', 'unauthorized'];
/** The document that the scenario for such documents expects. It is never fetched. */
const CLIENT_DOCUMENT = 'https://conformance-test.local/client-metadata.json';
const NAME = 'mcp:it';

const program = process.env.CONNECTIONS_BIN;
const home = mkdtempSync(join(tmpdir(), 'mcp-'));
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const env = {
  CONNECTIONS_DATA_DIR: join(home, 'data'),
  CONNECTIONS_OAUTH__CLIENT_METADATA_URL: CLIENT_DOCUMENT,
  HOME: home,
  PATH: process.env.PATH,
};

/** Runs the command to its end, and follows the address that it prints. */
function run(args, more = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
    process.on('exit', () => child.kill());
    let text = '';
    let isOpened = false;
    const take = (data) => {
      text += data;
      const found = /^Open (\S+)$/m.exec(text);
      if (!found || isOpened) return;
      isOpened = true;
      follow(found[1]).catch(reject);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`connections ${args[0]}: ${text}`))));
  });
}

/** Returns arguments that fit the schema of a tool. */
function argumentsFor(tool) {
  const value = ({ type }) => ({ boolean: true, integer: 1, number: 1 })[type] ?? 'text';
  const properties = Object.entries(tool.inputSchema?.properties ?? {});
  return Object.fromEntries(properties.map(([name, schema]) => [name, value(schema)]));
}

/** Lists the tools and calls those that the scenario names, or all. */
async function use() {
  const capabilities = { elicitation: {}, roots: {}, sampling: {} };
  const client = new Client({ name: 'conformance', version: '1.0.0' }, { capabilities, versionNegotiation: { mode: 'auto' } });
  const transport = new StdioClientTransport({ command: program, args: ['mcp', 'proxy', NAME], env, stderr: 'ignore' });
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: {} }));
  client.setRequestHandler('roots/list', async () => ({ roots: [] }));
  try {
    await client.connect(transport);
    const { tools } = await client.listTools();
    const calls = context.toolCalls ?? tools.map((tool) => ({ name: tool.name, arguments: argumentsFor(tool) }));
    for (const call of calls) {
      try {
        await client.callTool(call);
      } catch (error) {
        // An error of the server is its own; one of the proxy has a code in words.
        if (error.data?.code) throw error;
      }
    }
  } finally {
    await client.close();
  }
}

/** Connects the server with what the scenario gives. */
async function connect(address) {
  const given = { CLIENT_ID: context.client_id, CLIENT_SECRET: context.client_secret };
  const more = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
  const fields = { CLIENT_ID: 'clientId', CLIENT_SECRET: 'clientSecret' };
  const answers = Object.keys(more).flatMap((name) => ['--from-env', `${fields[name]}=${name}`]);
  await run(['add', address, '--no-browser', '--yes', '--label', 'it', ...answers], more);
}

async function main() {
  await connect(process.argv[2]);
  try {
    await use();
  } catch (error) {
    if (!SIGN_IN.includes(error.data?.code)) throw error;
    const asked = [...(error.data.remedy ?? '').matchAll(/--scope (\S+)/g)];
    const scopes = asked.flatMap(([, scope]) => ['--scope', scope.replace(/[`'"]/g, '')]);
    await run(['reauthorize', NAME, '--no-browser', '--yes', '--another-account', ...scopes]);
    await use();
  }
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
process.exit();
