/**
 * Several processes use one account whose access tokens live for two seconds and whose refresh tokens work once, while
 * they are ended by signals.
 *
 *     CONNECTIONS_BIN=… node kills.mjs [all|proxy|group|send|serve|control]… [--processes N] [--kills N] [--seed N]
 *         [--life SECONDS] [--late MILLISECONDS] [--moment any|answer] [--signal SIGTERM|SIGHUP|SIGKILL]
 *
 * The processes are `mcp proxy`, `mcp proxy` in a process group of its own, which is ended as a whole, `send`, one after
 * another, and `serve` (`all`), or all of one of them. A process is ended at a random moment, or between the use of a token
 * and the answer (`--moment answer`); by default, at either. The signals are SIGTERM, SIGHUP, SIGTERM with SIGKILL two
 * seconds later, and SIGKILL, or one of them (`--signal`). The drill fails if an answer is lost, if a token is spent twice,
 * if a use is refused or a person is asked to sign in, or if a use is answered later than two seconds after the answer of
 * the provider.
 *
 * In `control`, the processes have no couriers, and three tenths of the kills are made, each with SIGKILL between the use of
 * a token and the answer. Each of these answers must be lost. A person signs in again when a process asks for it; the error
 * must come within two seconds, and name the command that signs in again, and the time of the next attempt.
 *
 * Without a name, `all` and `control` run.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { follow } from '../mcp/person.mjs';
import { Machine, exited, failing, isRunning, kill, pause, random, report, until, use } from './kit.mjs';
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
    signal: { type: 'string' },
  },
});
const late = Number(options.late);
/** The pause of a caller between two uses, in milliseconds. */
const PAUSE = 50;
/** The longest pause before a kill at a random moment. */
const RANDOM = 2000;
/** How long a use may take from the answer to a process that was killed, or wait for the error without one. */
const MAX_WAIT = 2000;
/** The part of the time from the use of a token to the answer in which a process is killed. */
const BETWEEN = 0.8;
/** The part of the kills that the control makes. */
const OF_CONTROL = 0.3;
/** How old what a process knows about the account may be after a person has signed in. */
const SETTLES = 750;
const MIXED = ['proxy', 'group', 'send', 'serve'];
const NAME = 'drill:a0';
/** The signals, each with the time after which the process is killed. */
const SIGNALS = options.signal ? [[options.signal]] : [['SIGTERM'], ['SIGHUP'], ['SIGTERM', 2000], ['SIGKILL']];

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

/** Returns `mcp proxy` as a program, which leads a process group if it is detached. */
const proxy = (options) => ({
  begin({ drill, settings }) {
    const child = drill.machine.start(['mcp', 'proxy', NAME], settings, ['pipe', 'pipe', 'ignore'], options);
    child.stdin.on('error', () => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, lines };
  },
  async use({ child, lines }) {
    child.stdin.write(`${MESSAGE}\n`);
    const { value } = await lines.next();
    return /"result"/.test(value) ? 'ok' : (value ?? 'the process ended');
  },
});

/** What a process of each program does: `begin` starts what stays, and `use` returns `ok`, or what was said. */
const PROGRAMS = {
  proxy: proxy({}),
  group: proxy({ detached: true }),
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
  constructor(drill, number, program, settings) {
    this.drill = drill;
    this.number = number;
    this.program = program;
    this.settings = settings;
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
    this.isControl = programs === 'control';
    this.programs = ['all', 'control'].includes(programs) ? MIXED : [programs];
    this.signals = this.isControl ? [['SIGKILL']] : SIGNALS;
    this.rounds = Math.ceil(Number(options.kills) * (this.isControl ? OF_CONTROL : 1));
    /** `true` if kills are to hit an exchange. */
    this.hits = this.isControl || (options.moment !== 'any' && this.signals.some(([signal]) => signal === 'SIGKILL'));
    this.random = random(Number(options.seed));
    this.isEnding = false;
    this.uses = { ok: 0, cut: 0, failed: 0 };
    /** The numbers of kills, by their signals and by the programs. */
    this.kills = { signals: new Map(), programs: new Map(), between: 0 };
    /** The longest times, in milliseconds. */
    this.longest = { call: 0, silence: 0, wait: 0, first: 0, stale: 0 };
    /** The callers that used up a token and have no answer, and those of them whose process was killed. */
    this.out = new Set();
    this.cut = new Set();
    /** The times of the answers to processes that were killed. */
    this.answers = [];
    this.unsaid = [];
    this.endedAt = 0;
    this.heardAt = 0;
  }

  async begin() {
    this.rotations = [];
    const rotated = (label) => {
      this.rotations.push(label);
      this.out.add(label);
    };
    const answered = (label) => {
      this.out.delete(label);
      if (this.cut.delete(label)) this.answers.push(Date.now());
    };
    this.provider = await startProvider(1, { life: Number(options.life), late, rotated, answered });
    this.machine = new Machine(this.provider);
    await this.machine.connect(1);
    this.token = await this.machine.agent('drill', ['a0']);
    this.callers = [];
    for (let number = 0; number < Number(options.processes); number += 1) {
      // An address of its own says which process sent a request.
      const settings = { CONNECTIONS_HTTP__ENDPOINTS: JSON.stringify({ [ORIGIN]: await this.provider.listen(number) }) };
      // All processes are on one node, whose state they share.
      settings.CONNECTIONS_STATE_DIR = join(this.machine.home, 'state');
      if (this.isControl) settings.CONNECTIONS_COURIERS = 'off';
      this.callers.push(new Caller(this, number, this.programs[number % this.programs.length], settings));
    }
  }

  lasted(what, milliseconds) {
    this.longest[what] = Math.max(this.longest[what], milliseconds);
  }

  /** Counts a use. */
  took({ begun, ended, outcome, isCut }, program) {
    if (outcome === 'ok') {
      this.uses.ok += 1;
      if (this.okAt) this.lasted('silence', ended - this.okAt);
      this.okAt = ended;
      // A use that began before such an answer may have waited for it.
      this.lasted('call', ended - (this.answers[this.answers.findLastIndex((at) => at < begun) + 1] ?? begun));
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
      this.lasted('stale', ended - this.signedInAt);
      return;
    }
    this.lasted('wait', ended - Math.max(begun, this.endedAt));
    if (this.heardAt < this.endedAt) this.lasted('first', ended - this.endedAt);
    this.heardAt = ended;
    if (isSaid && !this.signingIn) this.signingIn = this.signIn().finally(() => (this.signingIn = undefined));
  }

  /** A person signs in again. */
  async signIn() {
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
    const [signal, patience] = this.signals[number % this.signals.length];
    const isAimed = this.isControl || options.moment === 'answer' || (options.moment !== 'any' && this.random() < 0.5);
    let victim;
    if (isAimed) {
      const before = this.rotations.length;
      await until('a token is used', () => this.rotations.length > before, 150_000);
      victim = this.callers[this.rotations[before]];
      await pause(this.random() * late * BETWEEN);
    } else {
      await pause(this.random() * RANDOM);
    }
    victim ??= this.callers[Math.floor(this.random() * this.callers.length)];
    const { child } = victim;
    if (!child) return this.kill(number);
    child.isSignalled = true;
    if (signal === 'SIGKILL' && this.out.has(victim.number)) {
      this.kills.between += 1;
      this.cut.add(victim.number);
    }
    const killed = patience && setTimeout(() => isRunning(child) && kill(child, 'SIGKILL'), patience);
    await exited(child, signal);
    clearTimeout(killed);
    this.endedAt = Date.now();
    add(this.kills.signals, patience ? `${signal} and SIGKILL` : signal);
    add(this.kills.programs, victim.program);
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
    for (let number = 0; number < this.rounds; number += 1) {
      await Promise.race([this.kill(number), broken]);
    }
    this.isEnding = true;
    await broken;
    await this.machine.end();
  }

  counts() {
    const { refreshes, spentTwice, revoked, lost, signIns } = this.provider.counts;
    const shown = (kills) => [...kills].map(([name, count]) => `${count} ${name}`).join(', ');
    return {
      seed: options.seed,
      kills: shown(this.kills.signals),
      'processes that were ended': shown(this.kills.programs),
      'SIGKILL between the use of a token and the answer': this.kills.between,
      'uses answered': this.uses.ok,
      'uses cut with their process': this.uses.cut,
      'uses refused': this.uses.failed,
      refreshes,
      'answers lost': lost,
      'sign-ins needed': signIns,
      'tokens spent twice': spentTwice,
      'authorizations ended by the provider': revoked,
      'longest silence in seconds': this.longest.silence / 1000,
      'longest use, from the answer to a killed process, in seconds': this.longest.call / 1000,
      'longest wait for an error in seconds': this.longest.wait / 1000,
      'latest first error in seconds': this.longest.first / 1000,
      'latest error after a sign-in in seconds': this.longest.stale / 1000,
      'errors without the command or the time': this.unsaid.length,
      example: this.unsaid[0]?.slice(0, 600),
    };
  }

  judge(counts) {
    const { between } = this.kills;
    const lost = counts['answers lost'];
    const common = [
      [counts.refreshes > this.rounds, 'tokens are renewed'],
      [counts['tokens spent twice'] === 0, 'no token is spent twice'],
      [between > 0 || !this.hits, 'a process is killed between the use of a token and the answer'],
      [this.longest.wait <= MAX_WAIT, 'an error comes within two seconds'],
      [this.unsaid.length === 0, 'each error says how to sign in again, and when it goes on'],
    ];
    if (this.isControl) {
      return failing(
        ...common,
        [lost >= between, 'without couriers, each answer to a killed process is lost'],
        [counts['sign-ins needed'] > 0, 'a person has to sign in after a lost answer'],
        [counts['sign-ins needed'] <= lost, 'a person signs in once for each lost answer at most'],
      );
    }
    return failing(
      ...common,
      [lost === 0, 'no answer is lost'],
      [counts['sign-ins needed'] === 0, 'nobody has to sign in again'],
      [this.uses.failed === 0, 'no use fails whose process was not ended'],
      [this.longest.call <= MAX_WAIT, 'a use is answered within two seconds of the answer of the provider'],
    );
  }

  clear() {
    this.isEnding = true;
    this.machine?.clear();
  }
}

/** Counts one more of a name. */
function add(counts, name) {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

await report(positionals.length > 0 ? positionals : ['all', 'control'], (programs) => new Drill(programs));
