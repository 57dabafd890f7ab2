/**
 * Runs the server scenarios of the conformance suite that need no tools of their own, against the door for models of
 * `connections serve`, and prints a line for each.
 *
 * The suite sends no token. A relay of this script adds the one of an agent, and names the door as the host where a request
 * names the relay. A check fails the run unless `EXPECTED` says why it cannot succeed; and so does one that is expected to
 * fail and succeeds.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { here, node } from './node.mjs';

const REVISION = '2026-07-28';
const SCENARIOS = ['server-stateless', 'tools-list', 'dns-rebinding-protection', 'caching', 'server-sse-multiple-streams'];
const FIXTURE = 'it calls a tool of the suite, which the door does not have';
const NONE = 'the door has tools alone';
const EXPECTED = {
  'sep-2575-server-rejects-undeclared-capability': FIXTURE,
  'sep-2575-missing-capability-http-400': FIXTURE,
  'sep-2575-http-server-no-independent-requests-on-stream': FIXTURE,
  'sep-2575-server-no-log-without-loglevel': FIXTURE,
  'sep-2549-prompts-list-caching-hints': NONE,
  'sep-2549-resources-list-caching-hints': NONE,
  'sep-2549-resources-templates-list-caching-hints': NONE,
};

const data = mkdtempSync(join(tmpdir(), 'mcp-door-'));
const env = { ...process.env, CONNECTIONS_DATA_DIR: join(data, 'data'), CONNECTIONS_INBOUND__LISTEN: '127.0.0.1:0' };
const program = process.env.CONNECTIONS_BIN;

function served() {
  const child = spawn(program, ['serve', '--json'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  process.on('exit', () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.on('close', () => reject(new Error('the server ended')));
    createInterface({ input: child.stdout }).once('line', (line) => resolve({ child, url: new URL(JSON.parse(line).publicUrl) }));
  });
}

/** Passes requests on to the door with this token, and returns the address of the relay. */
async function relayed(door, token) {
  const relay = http.createServer((request, response) => {
    const ours = ['127.0.0.1', 'localhost'].map((host) => `${host}:${relay.address().port}`);
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    if (ours.includes(headers.host)) headers.host = door.host;
    if (ours.some((host) => headers.origin === `http://${host}`)) headers.origin = door.origin;
    const { hostname: host, port } = door;
    const passed = http.request({ host, port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  });
  await new Promise((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return { relay, url: `http://localhost:${relay.address().port}/mcp` };
}

/** Returns the checks of a scenario, each with what came of it. */
function checks(scenario, url) {
  const suite = join(here, 'node_modules/.bin/conformance');
  const args = [suite, 'server', '--url', url, '--scenario', scenario, '--spec-version', REVISION];
  return new Promise((resolve) => {
    const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 });
    let text = '';
    child.stdout.on('data', (part) => (text += part));
    child.on('close', () => {
      const found = text.replaceAll(/\x1b\[[0-9;]*m/g, '').matchAll(/\[(\S+)\s*\]\s+(SUCCESS|FAILURE|WARNING)\b/g);
      resolve([...found].map(([, name, outcome]) => [name, outcome]));
    });
  });
}

const { child, url: door } = await served();
execFileSync(program, ['agents', 'create', 'suite'], { env, stdio: 'ignore' });
const token = execFileSync(program, ['agents', 'token', 'suite', '--audience', 'mcp'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
const { relay, url } = await relayed(door, token.toString().trim());
let isGood = true;
const missing = new Set(Object.keys(EXPECTED));
for (const scenario of SCENARIOS) {
  const found = await checks(scenario, url);
  const passed = found.filter(([, outcome]) => outcome === 'SUCCESS');
  const unmet = found.filter(([name, outcome]) => (outcome === 'SUCCESS') === name in EXPECTED);
  for (const [name] of found) missing.delete(name);
  isGood &&= passed.length > 0 && unmet.length === 0;
  console.log(`${scenario.padEnd(28)} ${passed.length} of ${found.length} checks`);
  for (const [name, outcome] of unmet) console.log(`  ${name}: ${outcome}`);
  for (const [name] of found.filter(([name]) => name in EXPECTED)) console.log(`  ${name}: not met, because ${EXPECTED[name]}`);
}
for (const name of missing) console.log(`  ${name}: was not run`);
relay.closeAllConnections();
relay.close();
child.removeAllListeners('close');
child.kill();
rmSync(data, { recursive: true, force: true });
process.exitCode = isGood && missing.size === 0 ? 0 : 1;
