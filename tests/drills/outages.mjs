/**
 * The database of `serve` is away under load and comes back, ten times for each kind of loss, and twice for `late`.
 *
 *     CONNECTIONS_BIN=… node outages.mjs [vanished|killed|stopped|late|partition]… [--rounds N]
 *
 * Eight writers rename accounts, others use accounts whose tokens live for two seconds, and the tokens of further ones are
 * renewed by the schedule:
 *
 * - `vanished`: the machine of the server vanishes while writes wait for a lock. Its connections stay open, nothing passes on
 *   them, and it comes back after some seconds without them.
 * - `killed`: the server crashes, and is started again.
 * - `stopped`: nothing passes for some seconds, and then everything does.
 * - `late`: for 20 seconds, the answer to each COMMIT comes 20 seconds late, which is after the deadline of the program.
 * - `partition`: connections are forgotten, and what they have begun lives on in the server.
 *
 * Without a name, all of them run. From the moment at which `psql` has an answer on the same path, eight writes at once
 * succeed within 15 seconds, and due tokens are renewed within 35. An account whose change was left in the server can be
 * changed within 30 seconds. `/livez` always answers 200, no change that was acknowledged is lost, none is repeated, and no
 * token is spent twice. Each number that is printed is the worst of all rounds.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Machine, failing, pause, report, until, use } from './kit.mjs';
import { Line, Server } from './postgres.mjs';
import { startProvider } from './provider.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '10' } },
});
/** The limits, in seconds. */
const WRITES = 15;
const REFRESHES = 35;
const WRITABLE = 30;
/** The seconds of the outages, in turn. */
const LENGTHS = [0, 2, 5, 10, 20];
/** For how long the answers to a COMMIT are late, and by how much, in milliseconds. */
const LATE = 20_000;
/** The pause of a caller between two requests, and the time after which it gives up, in milliseconds. */
const PAUSE = 200;
const PATIENCE = 75_000;
/** How long the drill waits for what should come within the limits, in milliseconds. */
const LONGEST = 180_000;

const named = (from, count) => Array.from({ length: count }, (_, number) => `a${from + number}`);
const [USED, DUE, WRITTEN, TRIED, LEFT] = [named(0, 4), named(4, 4), named(8, 8), named(16, 8), named(24, 1)];
const ALL = [...USED, ...DUE, ...WRITTEN, ...TRIED, ...LEFT];

/** How the database is lost, and how it comes back. */
const LOSSES = {
  vanished: {
    lose({ line }) {
      line.forget();
      line.hold();
    },
    restore: ({ line }) => line.resume(),
  },
  killed: { lose: ({ server }) => server.kill(), restore: ({ server }) => server.begin() },
  stopped: { lose: ({ line }) => line.hold(), restore: ({ line }) => line.resume() },
};

const MODES = [...Object.keys(LOSSES), 'late', 'partition'];

const since = (moment) => (Date.now() - moment) / 1000;
const worst = (seconds) => (seconds.length > 0 ? Math.max(...seconds) : undefined);
/** The wait of a connection for a lock. */
const WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
/** The transactions in which the program says nothing. */
const SILENT = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";

/** A run of the drill: the server, the line to it, a process of `serve`, the provider, and the callers. */
class Drill {
  constructor(mode) {
    this.mode = mode;
    this.isEnding = false;
    this.rounds = Math.min(Number(values.rounds), mode === 'late' ? 2 : Infinity);
    /** For each change, which is a label that comes once, what the server said: `done`, or the code of its error. */
    this.told = new Map();
    this.turn = 0;
    this.unlive = 0;
    this.left = 0;
    Object.assign(this, { writes: [], refreshes: [], writable: [], uses: 0 });
  }

  async begin() {
    this.provider = await startProvider(ALL.length);
    this.line = await new Line().start();
    this.machine = new Machine(this.provider, {
      CONNECTIONS_DATABASE_URL: `postgres://postgres@127.0.0.1:${this.line.port}/postgres?sslmode=disable`,
    });
    this.server = await Server.primary(join(this.machine.home, 'server'));
    this.line.target = this.server.port;
    // What `psql` reaches on the path of the program.
    this.path = new Server(this.server.directory, this.line.port);
    await this.machine.connect(ALL.length);
    this.ids = new Map(await this.server.sql('SELECT label, id FROM connection_account'));
    this.token = (await this.machine.connections('tokens', 'create', 'drill', '--role', 'manage')).trim();
    this.agent = await this.machine.agent('drill', USED);
    this.serve = await this.machine.serve(0);
    await this.isRenewed();
  }

  /** Renames an account. Returns `true` if that was acknowledged. */
  async write(name) {
    this.turn += 1;
    const label = `${name}-${this.turn}`;
    let said;
    try {
      const answer = await fetch(`${this.serve.origin}/api/v1/connections/${this.ids.get(name)}`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ label }),
        signal: AbortSignal.timeout(PATIENCE),
      });
      const body = await answer.json();
      said = answer.status === 200 ? 'done' : body.code;
    } catch {
      said = 'no answer';
    }
    this.told.set(label, said);
    // The server limits the requests of a token.
    if (said !== 'done') await pause(PAUSE);
    return said === 'done';
  }

  /** Calls until the run ends. */
  async repeat(call) {
    while (!this.isEnding) {
      await call();
      await pause(PAUSE);
    }
  }

  load() {
    const live = async () => {
      const answer = await fetch(`${this.serve.origin}/livez`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.status !== 200) this.unlive += 1;
    };
    const used = async (name) => {
      if ((await use(this.serve.origin, this.agent, name)) === 'ok') this.uses += 1;
    };
    return [
      this.repeat(live),
      ...USED.map((name) => this.repeat(() => used(name))),
      ...WRITTEN.map((name) => this.repeat(() => this.write(name))),
    ];
  }

  /** Waits until each account that is only renewed by the schedule was renewed once more. */
  async isRenewed() {
    const number = (name) => this.provider.ledger.get(name).number;
    const before = DUE.map(number);
    await until('due tokens are renewed', () => DUE.every((name, at) => number(name) > before[at]), LONGEST);
  }

  /** Waits until eight writes at once succeed and due tokens were renewed, and measures both. */
  async measure(backAt) {
    const written = async () => {
      const tried = async () => (await Promise.all(TRIED.map((name) => this.write(name)))).every(Boolean);
      await until('eight writes at once', tried, LONGEST);
      this.writes.push(since(backAt));
    };
    const renewed = async () => {
      await this.isRenewed();
      this.refreshes.push(since(backAt));
    };
    await Promise.all([written(), renewed()]);
  }

  /** Loses the database while writes wait in it, and measures from the moment at which `psql` has an answer. */
  async lose(number) {
    const { lose, restore } = LOSSES[this.mode];
    const hold = 'BEGIN; LOCK TABLE connection_account IN EXCLUSIVE MODE; SELECT pg_sleep(5); COMMIT';
    // The session of the lock ends with a server that is killed.
    const held = this.server.sql(hold).catch(() => {});
    await until('writes wait for the lock', async () => Number((await this.server.sql(WAITING))[0][0]) > 3);
    await lose(this);
    await pause(LENGTHS[number % LENGTHS.length] * 1000);
    await restore(this);
    await until('psql has an answer', () => this.path.sql('SELECT 1').then(() => true, () => false));
    await Promise.all([this.measure(Date.now()), held]);
  }

  /** Lets the answers to commits come late for a while, and measures from the end of it. */
  async delay() {
    this.line.lateCommits = LATE;
    await pause(LATE);
    this.line.lateCommits = 0;
    await this.measure(Date.now());
    // The last answer has come.
    await pause(LATE);
  }

  /** Forgets the connections while changes of one account are under way, and measures until it can be changed. */
  async leave() {
    const [name] = LEFT;
    let isOver = false;
    const change = async () => {
      while (!isOver) await this.write(name);
    };
    const changing = [change(), change()];
    await pause(500);
    this.line.forget();
    const forgottenAt = Date.now();
    this.left += Number((await this.server.sql(SILENT))[0][0]);
    isOver = true;
    await until('the account can be changed', () => this.write(name), LONGEST);
    this.writable.push(since(forgottenAt));
    await Promise.all(changing);
    await this.measure(Date.now());
  }

  async work() {
    await this.begin();
    const calls = this.load();
    for (let number = 0; number < this.rounds; number += 1) {
      if (this.mode === 'late') await this.delay();
      else if (this.mode === 'partition') await this.leave();
      else await this.lose(number);
    }
    this.isEnding = true;
    await Promise.all(calls);
    await this.machine.end();
  }

  /** Returns the numbers of the run. */
  async counts() {
    const stored = new Map(await this.server.sql(
      "SELECT body::json->>'label', count(*) FROM connection_event WHERE kind = 'renamed' GROUP BY 1",
    ));
    const outcomes = {};
    for (const said of this.told.values()) outcomes[said] = (outcomes[said] ?? 0) + 1;
    const told = [...this.told];
    const isUntold = ([label, said]) => stored.has(label) && !['done', 'commit_unknown', 'no answer'].includes(said);
    this.isUncertain = outcomes.commit_unknown > 0;
    return {
      rounds: this.rounds,
      changes: Object.entries(outcomes).map(([said, count]) => `${count} ${said}`).join(', '),
      uses: this.uses,
      refreshes: this.provider.counts.refreshes,
      'seconds to eight writes at once': worst(this.writes),
      'seconds to due refreshes': worst(this.refreshes),
      'transactions left in the server': this.mode === 'partition' ? this.left : undefined,
      'seconds to a change of that account': worst(this.writable),
      'acknowledged and lost': told.filter(([label, said]) => said === 'done' && !stored.has(label)).length,
      'stored twice': [...stored.values()].filter((count) => Number(count) > 1).length,
      // The server reads the account once more for its answer, and that can fail.
      'stored and told as failed': told.filter(isUntold).length,
      'spent twice': this.provider.counts.spentTwice,
      '/livez without a 200': this.unlive,
    };
  }

  /** Returns what does not hold. */
  judge(counts) {
    const late = [[this.isUncertain, 'a commit whose answer is late is told as uncertain']];
    const partition = [
      [this.left > 0, 'a transaction was left in the server'],
      [counts['seconds to a change of that account'] <= WRITABLE, `the account can be changed within ${WRITABLE} s`],
    ];
    return failing(
      [counts['seconds to eight writes at once'] <= WRITES, `eight writes at once succeed within ${WRITES} s`],
      [counts['seconds to due refreshes'] <= REFRESHES, `due tokens are renewed within ${REFRESHES} s`],
      [counts['acknowledged and lost'] === 0, 'no change that was acknowledged is lost'],
      [counts['stored twice'] === 0, 'no change is repeated'],
      [counts['spent twice'] === 0, 'no token is spent twice'],
      [counts['/livez without a 200'] === 0, 'an outage is no reason for a restart'],
      ...(this.mode === 'late' ? late : []),
      ...(this.mode === 'partition' ? partition : []),
    );
  }

  async clear() {
    this.isEnding = true;
    await this.server?.kill();
    this.line?.cut();
    this.machine?.clear();
  }
}

// A `psql` on a path on which nothing passes gives up.
process.env.PGCONNECT_TIMEOUT = '2';
await report(positionals.length > 0 ? positionals : MODES, (mode) => new Drill(mode));
