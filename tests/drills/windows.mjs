/**
 * A hundred writers use a grant through two processes of `serve`, while a person takes back what they may do.
 *
 *     CONNECTIONS_BIN=… node windows.mjs [sqlite|postgres]… [--writers N] [--rounds N]
 *
 * Each command that takes something back is run in turn. What counts is the use that passed though it began after the
 * command had returned; the drill fails if there is one. It also prints how long each command took, and how many uses that
 * had begun before came to the provider after the return, with the milliseconds of the last one.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';

import { Machine, failing, pause, report, until, use } from './kit.mjs';
import { Server } from './postgres.mjs';
import { startProvider } from './provider.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    writers: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '1' },
  },
});
const writers = Number(options.writers);
const rounds = Number(options.rounds);
/** The number of agents, because an agent has at most 32 requests at once. */
const AGENTS = Math.ceil(writers / 25);
const PROCESSES = 2;
/** How long the writers go on after a command has returned, in milliseconds. */
const AFTERWARDS = 1500;

/** How a use is refused, or cut while it is answered. */
const REFUSALS = /^ok|"(frozen|grant_ended|not_found|not_granted|rule_denied|token_ended|unauthenticated)"|UND_ERR_SOCKET/;

/** The commands: for each agent, or one for all of them. */
const DEEDS = {
  'agents revoke': { each: ({ agent, reference }) => ['agents', 'revoke', agent, reference] },
  'agents grant, narrower': {
    each: ({ agent, reference, rules }) => ['agents', 'grant', agent, reference, '--rules', rules, '--yes'],
  },
  'agents token --revoke': { each: ({ agent, id }) => ['agents', 'token', agent, '--revoke', id] },
  'agents remove': { each: ({ agent }) => ['agents', 'remove', agent, '--yes'] },
  'freeze --agent': { each: ({ agent }) => ['freeze', '--agent', agent] },
  'freeze --connection': { all: ({ reference }) => ['freeze', '--connection', reference] },
  'freeze --kind': { all: () => ['freeze', '--kind', 'drill'], thaw: ['thaw', '--kind', 'drill'] },
  'freeze --all': { all: () => ['freeze', '--all'], thaw: ['thaw', '--all'] },
  remove: { all: ({ reference }) => ['remove', reference, '--yes'] },
};
const accounts = Object.keys(DEEDS).length * rounds;

/** The thread of the writers, so that they do not delay what is measured. */
function write() {
  let uses;
  let isEnding;
  let calls;
  const writer = async (number, { origins, tokens, account }) => {
    const agent = number % tokens.length;
    for (let turn = number; !isEnding; turn += 1) {
      const begun = Date.now();
      const outcome = await use(origins[turn % origins.length], tokens[agent], account, { method: 'POST', body: '{}' });
      uses.push({ agent, begun, outcome });
      // One that is refused does not take the time of the others.
      if (outcome !== 'ok') await pause(50);
    }
  };
  parentPort.on('message', async ({ begin }) => {
    if (begin) {
      uses = [];
      isEnding = false;
      calls = Array.from({ length: writers }, (_, number) => writer(number, begin));
      await until('every writer writes', () => uses.filter(({ outcome }) => outcome === 'ok').length > 3 * writers);
      parentPort.postMessage({});
    } else {
      isEnding = true;
      await Promise.all(calls);
      parentPort.postMessage({ uses });
    }
  });
}

class Drill {
  constructor(engine) {
    this.engine = engine;
    this.lines = {};
    this.unsaid = [];
  }

  /** Sends a message to the thread, and returns its answer. */
  asked(message) {
    return new Promise((resolve, reject) => {
      this.thread.removeAllListeners().once('message', resolve).once('error', reject);
      this.thread.postMessage(message);
    });
  }

  async begin() {
    this.thread = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
    this.provider = await startProvider(accounts);
    this.machine = new Machine(this.provider);
    if (this.engine === 'postgres') {
      this.server = await Server.primary(join(this.machine.home, 'server'));
      this.machine.env.CONNECTIONS_DATABASE_URL = this.server.address('postgres');
    }
    await this.machine.connect(accounts);
    this.rules = join(this.machine.home, 'narrow.toml');
    writeFileSync(this.rules, '[[rule]]\nname = "other"\nmethods = ["GET"]\npath = "/other"\neffect = "allow"\n');
    this.processes = [];
    for (let number = 0; number < PROCESSES; number += 1) this.processes.push(await this.machine.serve(number));
  }

  async work() {
    await this.begin();
    let number = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, deed] of Object.entries(DEEDS)) {
        await this.measure(name, deed, number);
        number += 1;
      }
    }
    await this.machine.end();
  }

  /** Measures one command with an account and agents of its own. */
  async measure(name, { each, all, thaw }, number) {
    const account = `a${number}`;
    const agents = [];
    for (let index = 0; index < AGENTS; index += 1) {
      const agent = `w${number}-${index}`;
      const token = await this.machine.agent(agent, [account]);
      const { tokens } = JSON.parse(await this.machine.connections('agents', 'show', agent, '--json'));
      agents.push({ agent, token, id: tokens[0].id, reference: `drill:${account}`, rules: this.rules });
    }
    const origins = this.processes.map(({ origin }) => origin);
    await this.asked({ begin: { origins, tokens: agents.map(({ token }) => token), account } });
    const returned = [];
    const took = [];
    const unsaid = [];
    for (const agent of all ? agents.slice(0, 1) : agents) {
      const begun = Date.now();
      const { code, out, err } = await this.machine.tried((all ?? each)(agent));
      returned.push(Date.now());
      took.push(returned.at(-1) - begun);
      if (code !== 0) throw new Error(`${name}: ${out}${err}`);
      if (err.includes('Not confirmed')) unsaid.push(err.trim());
    }
    await pause(AFTERWARDS);
    const { uses } = await this.asked({ end: true });
    const arrivals = this.provider.arrivals.splice(0);
    if (thaw) await this.machine.connections(...thaw);
    const end = ({ agent }) => returned[all ? 0 : agent];
    const late = uses.filter((one) => one.outcome === 'ok' && one.begun > end(one));
    const other = uses.find(({ outcome }) => !REFUSALS.test(outcome));
    const line = (this.lines[name] ??= { took: [], passed: 0, refused: 0, late: [], after: [] });
    line.took.push(...took);
    line.passed += uses.filter(({ outcome }) => outcome === 'ok').length;
    line.refused += uses.filter(({ outcome }) => outcome !== 'ok').length;
    line.late.push(...late.map((one) => one.begun - end(one)));
    line.after.push(...arrivals.map((at) => at - returned.at(-1)).filter((after) => after > 0));
    this.unsaid.push(...unsaid);
    this.other ??= other?.outcome.slice(0, 300);
  }

  counts() {
    const shown = ([name, { took, passed, refused, late, after }]) => {
      const times = `the command took ${Math.min(...took)} to ${Math.max(...took)} ms`;
      const still = `${late.length} passed after the return (${Math.max(0, ...late)} ms)`;
      const begun = `${after.length} that had begun came after it (${Math.max(0, ...after)} ms)`;
      return [name, `${still}; ${begun}; ${times}; ${passed} passed, ${refused} were refused`];
    };
    return {
      ...Object.fromEntries(Object.entries(this.lines).map(shown)),
      'uses that passed after the return': Object.values(this.lines).reduce((sum, { late }) => sum + late.length, 0),
      'commands that named a process': this.unsaid.length,
      'other answers': this.other,
      example: this.unsaid[0],
    };
  }

  judge(counts) {
    return failing(
      [Object.values(this.lines).every(({ passed, refused }) => passed > writers && refused > 0), 'every command is measured'],
      [counts['uses that passed after the return'] === 0, 'no use passes after the return'],
      [counts['other answers'] === undefined, 'a use is answered or refused'],
    );
  }

  async clear() {
    await this.thread?.terminate();
    await this.server?.kill();
    this.machine?.clear();
  }
}

if (isMainThread) {
  await report(positionals.length > 0 ? positionals : ['sqlite', 'postgres'], (engine) => new Drill(engine));
} else {
  write();
}
