/**
 * Runs the client scenarios of the conformance suite, and prints a line for each.
 *
 * Without arguments, all of them run; `--auth` runs those about authorization, and other words name scenarios. A scenario
 * passes if no check of it failed or warned. The run fails if a scenario does not pass, unless `expected.json` says why; and
 * if one passes that is expected to fail.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { here, node } from './node.mjs';

const REVISION = '2026-07-28';
const MAX_SECONDS = 60;
/** The number of scenarios that run at the same time. Most of their time they wait for a process that starts. */
const AT_ONCE = 3;

const suite = join(here, 'node_modules/.bin/conformance');
const expected = JSON.parse(readFileSync(join(here, 'expected.json'), 'utf8'));

/** Returns what the suite prints. A scenario that does not end is killed after twice its time. */
function conformance(...args) {
  return new Promise((resolve) => {
    const child = spawn(node, [suite, ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), 2 * MAX_SECONDS * 1000);
    let text = '';
    child.stdout.on('data', (data) => (text += data));
    child.stderr.on('data', (data) => (text += data));
    child.on('close', () => {
      clearTimeout(timer);
      resolve(text.replaceAll(/\x1b\[[0-9;]*m/g, ''));
    });
  });
}

async function scenarios() {
  const listed = await conformance('list', '--requirements', REVISION);
  const part = listed.split('Client scenarios')[1]?.split('\n\n')[0] ?? '';
  return [...part.matchAll(/^ {2}- (\S+)$/gm)].map(([, name]) => name);
}

/** Returns the counts of a scenario, and the checks that did not succeed. */
async function result(scenario) {
  const limit = String(MAX_SECONDS * 1000);
  const command = `${node} ${join(here, 'client.mjs')}`;
  const args = ['client', '--command', command, '--scenario', scenario, '--spec-version', REVISION, '--timeout', limit];
  const text = await conformance(...args);
  const [, passed, all, failed, warned] =
    /Passed: (\d+)\/(\d+), (\d+) failed, (\d+) warnings/.exec(text)?.map(Number) ?? [0, 0, 0, 1, 0];
  const hasPassed = text.includes('OVERALL: PASSED') && failed === 0 && warned === 0 && all > 0;
  const problems = text.split('\n').filter((line) => /\b(FAILURE|WARNING)\b/.test(line));
  return { passed, all, failed, warned, hasPassed, problems: hasPassed ? [] : problems.length ? problems : [text] };
}

const words = process.argv.slice(2);
const all = await scenarios();
const wanted = words.includes('--auth') ? all.filter((name) => name.startsWith('auth/')) : words.length ? words : all;
let isGood = wanted.length > 0;
const results = new Map();
const begin = () => wanted.slice(results.size, results.size + 1).forEach((name) => results.set(name, result(name).finally(begin)));
for (let number = 0; number < AT_ONCE; number += 1) begin();
for (const scenario of wanted) {
  const { passed, all: checks, failed, warned, hasPassed, problems } = await results.get(scenario);
  const reason = expected[scenario];
  const isExpected = hasPassed === !reason;
  isGood &&= isExpected;
  const verdict = hasPassed ? 'passes' : reason ? `fails: ${reason}` : 'FAILS';
  console.log(`${scenario.padEnd(42)} ${passed}/${checks} checks, ${failed} failed, ${warned} warned; ${verdict}`);
  if (hasPassed && reason) console.log('  it is expected to fail: remove it from expected.json');
  if (!isExpected) for (const problem of problems) console.log(`  ${problem}`);
}
console.log(`${wanted.length} scenarios`);
process.exitCode = isGood ? 0 : 1;
