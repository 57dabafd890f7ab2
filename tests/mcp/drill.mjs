/**
 * Many clients use one server with one sign-in, while they are killed and started again.
 *
 *     CONNECTIONS_BIN=… node drill.mjs [--clients N] [--seconds S] [--every MILLISECONDS] [--kill clients|proxies]
 *         [--slow MILLISECONDS] [--grace SECONDS] [--control]
 *
 * The clients are of four kinds: both generations of the official TypeScript client and `rmcp`, whose program is
 * `CONNECTIONS_RMCP_CLIENT`, which use the server through `mcp proxy`, and the official client with `mcp-remote`, which uses
 * the door of `serve` as an agent. The authorization server rotates refresh tokens, revokes all tokens of a sign-in if one of them
 * comes twice, and gives access tokens for two seconds. With `--slow`, it answers that much later, so that more kills hit
 * an exchange. With `--grace`, it takes a refresh token again for that time; the connection must be live at the end,
 * whatever the kills did. With `--control`, each client uses the server through `mcp-remote`, and all of them have one
 * directory of tokens.
 *
 * The run fails if no call came through, or none at the door, if a refresh was refused, a person had to sign in again or
 * nothing was refreshed, and if a refresh token was sent twice without a window of grace.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { startServer } from './drill-server.mjs';
import { here, node } from './node.mjs';
import { follow } from './person.mjs';

const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '60' },
    every: { type: 'string', default: '500' },
    kill: { type: 'string', default: 'clients' },
    slow: { type: 'string', default: '0' },
    grace: { type: 'string', default: '0' },
    control: { type: 'boolean', default: false },
  },
});
const clients = Number(options.clients);
const grace = Number(options.grace);
const NAME = 'mcp:drill';
const TOKEN_SECONDS = 2;
/** Time between the starts of two clients, in milliseconds. */
const START_EVERY = 250;
/** How long the first client may take, which signs in with the control. */
const MAX_FIRST = 30_000;
/** How long a connection may take to be live again after a kill hit an exchange, which is repeated after a minute. */
const MAX_RECOVERY = 180_000;
/** Time between two verifications meanwhile. */
const VERIFY_EVERY = 5000;

const home = mkdtempSync(join(tmpdir(), 'mcp-drill-'));
const env = {
  CONNECTIONS_DATA_DIR: join(home, 'data'),
  HOME: home,
  MCP_REMOTE_CONFIG_DIR: join(home, 'mcp-remote'),
  PATH: process.env.PATH,
};
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Starts the certified provider, and returns its issuer. */
function startProvider() {
  const settings = JSON.stringify({ lives: { AccessToken: TOKEN_SECONDS }, resources: true, grace, slow: Number(options.slow) });
  const servers = join(here, '../../crates/connection-faults/servers');
  const child = spawn(node, ['oidc.mjs', settings], { cwd: servers, stdio: ['pipe', 'pipe', 'ignore'] });
  process.on('exit', () => child.kill());
  return new Promise((resolve, reject) => {
    child.stdout.once('data', (line) => resolve(String(line).trim()));
    child.once('close', () => reject(new Error('the provider ended')));
  });
}

/** Runs the command to its end, and follows the address that it prints. Returns what it wrote. */
function run(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.env.CONNECTIONS_BIN, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, all] = [[], []];
    const take = (data) => {
      all.push(data);
      const found = /^Open (\S+)$/m.exec(String(data));
      if (found) follow(found[1]).catch(reject);
    };
    child.stdout.on('data', (data) => out.push(data) && take(data));
    child.stderr.on('data', take);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`connections ${args[0]}: ${Buffer.concat(all)}`));
    });
  });
}

const counts = { calls: 0, atDoor: 0, kills: 0, starts: 0, asked: 0, errors: new Map() };
const addError = (text) => counts.errors.set(text, (counts.errors.get(text) ?? 0) + 1);
const running = new Map();
const groups = new Set();
let isEnding = false;

const rmcp = process.env.CONNECTIONS_RMCP_CLIENT;
const FIRST = [node, join(here, 'drill-client.mjs'), '1'];
const SECOND = [node, join(here, 'drill-client.mjs'), '2'];
const PROXY = [process.env.CONNECTIONS_BIN, 'mcp', 'proxy', NAME];

/** Returns the command of `mcp-remote`, which passes messages on to this address. */
function remote(address, ...more) {
  return [node, join(here, 'node_modules/.bin/mcp-remote'), address, '--allow-http', '--transport', 'http-only', ...more];
}

/** Starts `serve`, and returns its address. */
function serve() {
  const settings = { ...env, CONNECTIONS_INBOUND__LISTEN: '127.0.0.1:0' };
  const args = ['serve', '--json'];
  const child = spawn(process.env.CONNECTIONS_BIN, args, { env: settings, stdio: ['ignore', 'pipe', 'ignore'] });
  process.on('exit', () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.stdout.once('data', (line) => resolve(JSON.parse(String(line).split('\n')[0]).publicUrl));
    child.once('close', () => reject(new Error('the server ended')));
  });
}

/** Makes an agent that may use the connection, and returns its token. An agent has 32 requests at once, with streams. */
async function agent(name) {
  const token = (await run('agents', 'create', name)).trim();
  await run('agents', 'grant', name, NAME, '--rules', 'everything', '--yes');
  return token;
}

/** Returns the command of each client, which ends with the program through which it uses the server. */
async function commands(address) {
  if (options.control) return Array.from({ length: clients }, (_, number) => [...[FIRST, SECOND][number % 2], ...remote(address)]);
  await run('add', address, '--no-browser', '--yes', '--label', 'drill');
  const door = `${await serve()}/use/${NAME}`;
  const throughProxy = [FIRST, SECOND, ...(rmcp ? [[rmcp]] : [])].map((client) => async () => [...client, ...PROXY]);
  const throughDoor = async (number) => {
    const token = await agent(`client-${number}`);
    return [...FIRST, ...remote(door, '--header', `Authorization:Bearer ${token}`)];
  };
  const kinds = [...throughProxy, throughDoor];
  const all = [];
  for (let number = 0; number < clients; number += 1) all.push(await kinds[number % kinds.length](number));
  return all;
}

/** Starts the client with a number, and starts it again whenever it ends. */
function start(number, all) {
  const [command, ...args] = all[number];
  const isRemote = args.includes('--header');
  const child = spawn(command, args, { detached: true, env, stdio: ['ignore', 'pipe', 'pipe'] });
  counts.starts += 1;
  running.set(number, child);
  groups.add(child.pid);
  child.stdout.on('data', (data) => {
    for (const line of String(data).split('\n').filter(Boolean)) {
      if (line === 'ok') {
        counts.calls += 1;
        if (isRemote) counts.atDoor += 1;
        continue;
      }
      if (!isEnding) addError(line.replaceAll(/\d{3,}/g, '#').slice(0, 160));
    }
  });
  // What `mcp-remote` writes when a person has to sign in.
  child.stderr.on('data', (data) => {
    for (const [, address] of String(data).matchAll(/^(http:\S+\/auth\?\S+)$/gm)) {
      counts.asked += 1;
      follow(address).catch((error) => addError(`sign-in: ${error.message}`));
    }
  });
  child.on('exit', () => {
    running.delete(number);
    if (!isEnding) start(number, all);
  });
}

/** Returns the processes of the program that the clients started. */
function proxies() {
  const isProxy = (id) => {
    try {
      return readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0').slice(1, 4).join(' ') === `mcp proxy ${NAME}`;
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').filter((id) => /^\d+$/.test(id) && isProxy(id));
}

/** Ends all clients, with the processes that they and those before them have started. */
function endAll() {
  isEnding = true;
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // None of them is left.
    }
  }
}

function killOne() {
  const victims = options.kill === 'proxies' ? proxies() : [...running.values()].map((child) => child.pid);
  const victim = victims[Math.floor(Math.random() * victims.length)];
  if (victim === undefined) return;
  try {
    process.kill(Number(victim), 'SIGKILL');
    counts.kills += 1;
  } catch {
    // It ended in the meantime.
  }
}

/** Returns what the ledger of the provider says about the tokens. */
async function verdict(issuer) {
  const ledger = await (await fetch(`${issuer}/ledger`)).json();
  const requests = ledger.filter(({ path }) => path === '/token');
  const refreshes = requests.filter(({ grant }) => grant === 'refresh_token');
  const spent = new Set(refreshes.map((request) => request.spent));
  return {
    signIns: requests.filter(({ grant }) => grant === 'authorization_code').length,
    refreshes: refreshes.length,
    generations: spent.size,
    notRefreshed: refreshes.filter(({ status }) => status !== 200).length,
  };
}

/** Verifies the connection, and returns its state. */
async function verified() {
  // The state is shown below also if it is bad.
  await run('verify', NAME).catch(() => {});
  const { liveness, reason } = JSON.parse(await run('show', NAME, '--json'));
  return [liveness, reason?.code].filter(Boolean).join(', ');
}

/** Returns the state at the end. With a window of grace, that is the state after an unknown exchange was repeated. */
async function lastState() {
  const end = Date.now() + MAX_RECOVERY;
  let state = await verified();
  while (grace > 0 && state !== 'live' && Date.now() < end) {
    await pause(VERIFY_EVERY);
    state = await verified();
  }
  return state;
}

async function main() {
  const issuer = await startProvider();
  const server = await startServer(issuer);
  const all = await commands(server.address);
  for (let number = 0; number < clients; number += 1) {
    start(number, all);
    for (let waited = 0; number === 0 && counts.calls === 0 && waited < MAX_FIRST; waited += 100) await pause(100);
    await pause(START_EVERY);
  }
  const end = Date.now() + Number(options.seconds) * 1000;
  while (Date.now() < end) {
    await pause(Number(options.every));
    killOne();
  }
  endAll();
  while (running.size > 0) await pause(100);
  const state = options.control ? undefined : await lastState();
  const tokens = await verdict(issuer);
  const said = { ...tokens, ...counts, errors: undefined, ...server.counts, state };
  for (const [name, value] of Object.entries(said)) if (value !== undefined) console.log(`${name.padEnd(14)} ${value}`);
  for (const [text, count] of counts.errors) console.log(`error          ${count} of: ${text}`);
  const isAsMeant = grace > 0 ? state === 'live' : tokens.refreshes === tokens.generations;
  const isKept = tokens.signIns === 1 && tokens.refreshes > 0 && tokens.notRefreshed === 0;
  const isUsed = counts.calls > 0 && (options.control || counts.atDoor > 0);
  process.exitCode = isKept && isAsMeant && isUsed ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  endAll();
  rmSync(home, { recursive: true, force: true });
}
process.exit();
