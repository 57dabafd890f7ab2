/**
 * What the drills have in common: a machine with the program and its accounts at the provider, and the report of a run.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ORIGIN, credential } from './provider.mjs';

const here = dirname(fileURLToPath(import.meta.url));

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until something holds, and fails after the time. */
export async function until(what, holds, patience = 60_000) {
  for (const end = Date.now() + patience; !(await holds()); await pause(10)) {
    if (Date.now() > end) throw new Error(`in ${patience / 1000} s, this did not come: ${what}`);
  }
}

/** Returns a function that returns numbers from 0 up to 1, which are the same for the same seed. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs a program to its end, and returns its exit code and what it wrote. `started` gets the process. */
export function ended(command, args, { started, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const [out, err] = [[], []];
    child.stdout.on('data', (data) => out.push(data));
    child.stderr.on('data', (data) => err.push(data));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() });
    });
    started?.(child);
  });
}

/** Runs a program to its end, and returns what it wrote. It must succeed. */
export async function run(command, args, options) {
  const { code, signal, out, err } = await ended(command, args, options);
  if (code === 0) return out;
  throw new Error(`${command} ${args.join(' ')}: ${signal ?? ''}${out}${err}`);
}

/** A directory with everything that one user of the program has. */
export class Machine {
  constructor(provider, settings = {}) {
    this.provider = provider;
    this.home = mkdtempSync(join(tmpdir(), 'connections-drill-'));
    // The user of PostgreSQL enters it.
    chmodSync(this.home, 0o755);
    this.env = {
      CONNECTIONS_DATA_DIR: join(this.home, 'data'),
      CONNECTIONS_HTTP__ENDPOINTS: JSON.stringify({ [ORIGIN]: provider.origin }),
      CONNECTIONS_KINDS__DRILL__CLIENT_ID: 'drill',
      HOME: this.home,
      PATH: process.env.PATH,
      ...settings,
    };
    this.processes = [];
  }

  /** Runs the command, which must succeed, and returns what it wrote. */
  connections(...args) {
    return run(process.env.CONNECTIONS_BIN, args, { env: this.env });
  }

  /** Runs the command, and returns its exit code and what it wrote. */
  tried(args, options) {
    return ended(process.env.CONNECTIONS_BIN, args, { env: this.env, ...options });
  }

  /** Connects accounts, from `drill:a0` on. */
  async connect(accounts) {
    await this.connections('kinds', 'add', join(here, 'drill.toml'));
    const lines = Array.from({ length: accounts }, (_, number) => {
      const name = `a${number}`;
      return JSON.stringify({ kind: 'drill', label: name, identity: { id: name }, ...credential(name) });
    });
    const file = join(this.home, 'accounts.jsonl');
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    await this.connections('import', file);
  }

  /** Makes an agent that may use these accounts, and returns its token. */
  async agent(name, accounts) {
    const token = (await this.connections('agents', 'create', name)).trim();
    for (const account of accounts) {
      await this.connections('agents', 'grant', name, `drill:${account}`, '--rules', 'everything', '--yes');
    }
    return token;
  }

  /** Starts `serve` as a node of its own, and returns it with its address once it serves. */
  async serve(number, settings = {}) {
    const own = { CONNECTIONS_INBOUND__LISTEN: '127.0.0.1:0', CONNECTIONS_STATE_DIR: join(this.home, `node-${number}`) };
    const child = this.start(['serve', '--json'], { ...own, ...settings }, ['ignore', 'pipe', 'pipe']);
    const log = [];
    child.stderr.on('data', (data) => log.push(data));
    const line = await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', () => reject(new Error(`serve ended: ${Buffer.concat(log)}`)));
    });
    return { child, log, origin: JSON.parse(String(line).split('\n')[0]).publicUrl };
  }

  /** Starts the command. It ends with the machine. If it is detached, it leads a process group. */
  start(args, settings, stdio, { detached = false } = {}) {
    const child = spawn(process.env.CONNECTIONS_BIN, args, { env: { ...this.env, ...settings }, stdio, detached });
    child.leads = detached;
    this.processes.push(child);
    return child;
  }

  /** Ends every process with SIGTERM, and waits for it. */
  async end() {
    await Promise.all(this.processes.map((child) => exited(child, 'SIGTERM')));
  }

  /** Kills every process, and removes the directory. */
  clear() {
    for (const child of this.processes) child.kill('SIGKILL');
    rmSync(this.home, { recursive: true, force: true });
  }
}

export const isRunning = (child) => child.exitCode === null && child.signalCode === null;

/** Sends a signal to a process that is running, or to the whole group that it leads. */
export const kill = (child, signal) => process.kill(child.leads ? -child.pid : child.pid, signal);

/** Sends a signal to a process, or to the whole group that it leads, and waits until it has ended. */
export function exited(child, signal) {
  if (!isRunning(child)) return Promise.resolve();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  kill(child, signal);
  return gone;
}

/** A use of an account through the door of a server. Returns `ok`, or the status and what was said. */
export async function use(origin, token, account, init = {}) {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${origin}/use/drill:${account}/me`, { ...init, headers });
    const body = await answer.text();
    return answer.status === 200 ? 'ok' : `${answer.status} ${body}`;
  } catch (error) {
    return `${error.message} ${error.cause?.code ?? ''}`;
  }
}

/**
 * Runs a drill once for each name, and prints what was counted and what does not hold. A run has `work()`, `counts()`,
 * `judge(counts)`, which returns what does not hold, and `clear()`.
 */
export async function report(names, begin) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  let isFine = true;
  try {
    for (const name of names) {
      const drill = begin(name);
      process.once('exit', () => drill.machine?.clear());
      try {
        await drill.work();
        const counts = await drill.counts();
        console.log(`${name}:`);
        const shown = Object.entries(counts).filter(([, value]) => value !== undefined);
        const width = Math.max(...shown.map(([text]) => text.length));
        for (const [text, value] of shown) console.log(`  ${text.padEnd(width)} ${value}`);
        for (const text of drill.judge(counts)) {
          console.log(`  does not hold: ${text}`);
          isFine = false;
        }
      } finally {
        await drill.clear();
      }
    }
  } catch (error) {
    console.error(error.message);
    isFine = false;
  }
  process.exit(isFine ? 0 : 1);
}

/** Returns the sentences that do not hold, of pairs of a condition and a sentence. */
export function failing(...pairs) {
  return pairs.filter(([holds]) => !holds).map(([, text]) => text);
}
