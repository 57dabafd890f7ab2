/**
 * Several processes use one account whose access tokens live for two seconds and whose refresh tokens work once, while
 * they are ended by signals.
 *
 *     CONNECTIONS_BIN=… node kills.mjs [all|proxy|send|serve]… [--processes N] [--kills N] [--seed N]
 *         [--life SECONDS] [--late MILLISECONDS] [--moment any|answer]
 *
 * The processes are `mcp proxy`, `send`, one after another, and `serve`, or all of one of them. A process is ended at a
 * random moment, or between the use of a token and the answer (`--moment answer`); by default, at either. The signals are
 * SIGTERM, SIGHUP, SIGTERM with SIGKILL two seconds later, and SIGKILL. After an answer that died with its process, a
 * person signs in again when a process asks for it.
 *
 * The drill fails if a token is spent twice, if an answer is lost without SIGKILL, or if a use waits for longer than two
 * seconds for the error after such a loss, which must name the command that signs in again, and the time of the next
 * attempt.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { follow } from '../mcp/person.mjs';
import { Machine, exited, failing, isRunning, pause, random, report, until, use } from './kit.mjs';
import { ORIGIN, startProvider } from './provider.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    processes: { type: 'string', default: '4' },
    kills: { type: 'string', default: '40' },
    seed: { type: 'string', default: '56' },
    life: { type: 'string', default: '2' },
    late: { type: 'string', default: '200' },
    moment: { type: 'string', default: 'both' },
  },
});
const late = Number(options.late);
/** The pause of a caller between two uses, in milliseconds. */
const PAUSE = 50;
/** The longest pause before a kill at a random moment. */
const RANDOM = 2000;
/** How long a use may wait for the error after a process was killed. */
const MAX_WAIT = 2000;
/** How old what a process knows about the account may be after a person has signed in. */
const SETTLES = 750;
const MIXED = ['proxy', 'proxy', 'send', 'serve'];
const NAME = 'drill:a0';
/** The signals, each with the time after which the process is killed. */
const SIGNALS = [['SIGTERM'], ['SIGHUP'], ['SIGTERM', 2000], ['SIGKILL']];

/** What a client asks through `mcp proxy`. */
const MESSAGE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 'drill', version: '1' },
    },
  },
});
/** What a caller of a door is told, who does not have the command. */
const SAID = { serve: 'authorize this connection again' };

/** What a process of each program does: `begin` starts what stays, and `use` returns `ok`, or what was said. */
const PROGRAMS = {
  proxy: {
    begin(caller) {
      const child = caller.start(['mcp', 'proxy', NAME], ['pipe', 'pipe', 'ignore']);
      child.stdin.on('error', () => {});
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      return { child, lines };
    },
    async use({ child, lines }) {
      child.stdin.write(`${MESSAGE}\n`);
      const { value } = await lines.next();
      return /"result"/.test(value) ? 'ok' : (value ?? 'the process ended');
    },
  },
  send: {
    begin: () => ({}),
    async use(place, caller) {
      const { code, err } = await caller.drill.machine.tried(['send', NAME, 'GET', '/me', '--json'], {
        env: { ...caller.drill.machine.env, ...caller.settings },
        started: (child) => (place.child = child),
      });
      return code === 0 ? 'ok' : err;
    },
  },
  serve: {
    begin: (caller) => caller.drill.machine.serve('of-all', caller.settings).catch(() => ({})),
    use: ({ origin }, caller) => use(origin, caller.drill.token, 'a0'),
  },
};

/** A caller that uses the account through one process after another. */
class Caller {
  constructor(drill, program, settings) {
    this.drill = drill;
    this.program = program;
    this.settings = settings;
  }

  start(args, stdio) {
    return this.drill.machine.start(args, this.settings, stdio);
  }

  get child() {
    return this.place?.child && isRunning(this.place.child) ? this.place.child : undefined;
  }

  async call() {
    const { begin, use: uses } = PROGRAMS[this.program];
    while (!this.drill.isEnding) {
      this.place = await begin(this);
      if (!this.place.child && this.program === 'serve') continue;
      do {
        const begun = Date.now();
        const outcome = await uses(this.place, this);
        this.drill.took({ begun, ended: Date.now(), outcome, isCut: this.place.child?.isSignalled }, this.program);
        await pause(PAUSE);
      } while (!this.drill.isEnding && (this.program === 'send' || this.child));
    }
  }
}

class Drill {
  constructor(programs) {
    this.programs = programs;
    this.random = random(Number(options.seed));
    this.isEnding = false;
    this.uses = { ok: 0, cut: 0, failed: 0 };
    this.kills = new Map();
    /** The signals after which a person had to sign in again. */
    this.lost = [];
    this.gaps = [0];
    this.waits = [0];
    this.first = [0];
    this.stale = [0];
    this.unsaid = [];
    this.endedAt = 0;
    this.heardAt = 0;
  }

  async begin() {
    this.rotations = [];
    const rotated = (label) => this.rotations.push(label);
    this.provider = await startProvider(1, { life: Number(options.life), late, rotated });
    this.machine = new Machine(this.provider);
    await this.machine.connect(1);
    this.token = await this.machine.agent('drill', ['a0']);
    const kinds = this.programs === 'all' ? MIXED : [this.programs];
    this.callers = [];
    for (let number = 0; number < Number(options.processes); number += 1) {
      // An address of its own says which process sent a request.
      const settings = { CONNECTIONS_HTTP__ENDPOINTS: JSON.stringify({ [ORIGIN]: await this.provider.listen(number) }) };
      // All processes are on one node, whose state they share.
      settings.CONNECTIONS_STATE_DIR = join(this.machine.home, 'state');
      this.callers.push(new Caller(this, kinds[number % kinds.length], settings));
    }
  }

  /** Counts a use. */
  took({ begun, ended, outcome, isCut }, program) {
    if (outcome === 'ok') {
      this.uses.ok += 1;
      if (this.okAt) this.gaps.push(ended - this.okAt);
      this.okAt = ended;
    } else if (isCut) {
      this.uses.cut += 1;
    } else {
      this.uses.failed += 1;
      this.failed(begun, ended, outcome, program);
    }
  }

  /** Counts the error of a use whose process was not ended, and lets a person sign in again if it asks for that. */
  failed(begun, ended, outcome, program) {
    const text = SAID[program] ?? `connections reauthorize ${NAME}`;
    const isSaid = outcome.includes(text) && /the next attempt is at \d{4}-\d\d-\d\dT|the next use makes the next attempt/.test(outcome);
    if (!isSaid) this.unsaid.push(`${program}: ${outcome}`);
    if (begun < this.signedInAt + SETTLES && !this.signingIn) {
      this.stale.push(ended - this.signedInAt);
      return;
    }
    this.waits.push(ended - Math.max(begun, this.endedAt));
    if (this.heardAt < this.endedAt) this.first.push(ended - this.endedAt);
    this.heardAt = ended;
    if (isSaid && !this.signingIn) this.signingIn = this.signIn().finally(() => (this.signingIn = undefined));
  }

  /** A person signs in again. */
  async signIn() {
    this.lost.push(this.signal);
    let followed;
    const toProvider = (address) => address.replace(ORIGIN, this.provider.origin);
    const started = (child) => {
      child.stderr.on('data', (data) => {
        const [, address] = /^Open (\S+)$/m.exec(String(data)) ?? [];
        if (address) followed = follow(address, toProvider);
      });
    };
    const { code, out, err } = await this.machine.tried(['reauthorize', NAME, '--no-browser', '--yes'], { started });
    await followed;
    if (code !== 0) throw new Error(`a person cannot sign in: ${out}${err}`);
    this.signedInAt = Date.now();
  }

  /** Ends one process, and waits until the account was renewed after it. */
  async kill(number) {
    const [signal, patience] = SIGNALS[number % SIGNALS.length];
    const isAimed = options.moment === 'answer' || (options.moment !== 'any' && this.random() < 0.5);
    let victim;
    if (isAimed) {
      const before = this.rotations.length;
      await until('a token is used', () => this.rotations.length > before, 150_000);
      victim = this.callers[this.rotations[before]];
      await pause(this.random() * late);
    } else {
      await pause(this.random() * RANDOM);
    }
    victim ??= this.callers[Math.floor(this.random() * this.callers.length)];
    const { child } = victim;
    if (!child) return this.kill(number);
    child.isSignalled = true;
    let sent = signal;
    const killed = patience && setTimeout(() => isRunning(child) && child.kill('SIGKILL') && (sent = 'SIGKILL'), patience);
    await exited(child, signal);
    clearTimeout(killed);
    this.endedAt = Date.now();
    this.signal = sent;
    const name = patience ? `${signal} and SIGKILL` : signal;
    this.kills.set(name, (this.kills.get(name) ?? 0) + 1);
    // A request that the process had sent has come until then.
    await pause(100);
    const { refreshes } = this.provider.counts;
    await until('the account is renewed again', () => this.provider.counts.refreshes > refreshes, 150_000);
  }

  async work() {
    await this.begin();
    const calls = this.callers.map((caller) => caller.call());
    const broken = Promise.all(calls);
    await until('every process has used the account', () => this.uses.ok > 2 * this.callers.length);
    for (let number = 0; number < Number(options.kills); number += 1) {
      await Promise.race([this.kill(number), broken]);
    }
    this.isEnding = true;
    await broken;
    await this.machine.end();
  }

  counts() {
    const { refreshes, spentTwice, revoked, lost } = this.provider.counts;
    return {
      seed: options.seed,
      kills: [...this.kills].map(([signal, count]) => `${count} ${signal}`).join(', '),
      'uses answered': this.uses.ok,
      'uses cut with their process': this.uses.cut,
      'uses refused': this.uses.failed,
      refreshes,
      'answers that nobody took': lost,
      'sign-ins needed after SIGKILL': this.lost.filter((signal) => signal === 'SIGKILL').length,
      'sign-ins needed after another signal': this.lost.filter((signal) => signal !== 'SIGKILL').length,
      'tokens spent twice': spentTwice,
      'authorizations ended by the provider': revoked,
      'longest silence in seconds': Math.max(...this.gaps) / 1000,
      'longest wait for an error in seconds': Math.max(...this.waits) / 1000,
      'latest first error in seconds': Math.max(...this.first) / 1000,
      'latest error after a sign-in in seconds': Math.max(...this.stale) / 1000,
      'errors without the command or the time': this.unsaid.length,
      example: this.unsaid[0]?.slice(0, 600),
    };
  }

  judge(counts) {
    const lethal = (this.kills.get('SIGKILL') ?? 0) + (this.kills.get('SIGTERM and SIGKILL') ?? 0);
    return failing(
      [counts.refreshes > Number(options.kills), 'tokens are renewed'],
      [counts['tokens spent twice'] === 0, 'no token is spent twice'],
      [counts['sign-ins needed after another signal'] === 0, 'no answer is lost without SIGKILL'],
      [counts['longest wait for an error in seconds'] * 1000 <= MAX_WAIT, 'an error comes within two seconds'],
      [this.lost.length <= lethal, 'a person signs in once for each SIGKILL at most'],
      [counts['errors without the command or the time'] === 0, 'each error says how to sign in again, and when it goes on'],
    );
  }

  clear() {
    this.isEnding = true;
    this.machine?.clear();
  }
}

await report(positionals.length > 0 ? positionals : ['all'], (programs) => new Drill(programs));
