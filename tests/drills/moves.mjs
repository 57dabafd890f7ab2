/**
 * A database in a file is moved to a PostgreSQL server, and the command is killed at random moments.
 *
 *     CONNECTIONS_BIN=… node moves.mjs [kills|size]… [--rounds N] [--accounts N] [--size N] [--seed N]
 *
 * - `kills`: in each round, the command is killed. Then the same command is run again, or `--undo`, which are killed too, or
 *   both databases are used at once. At the end, the server has every row of the file, and the file opens no more. The provider
 *   ends an authorization if one of its tokens comes twice, which would happen if both databases renewed it.
 * - `size`: a large database is moved once, and the seconds are printed. Then it is killed as the others, in fewer rounds.
 *
 * The first kills of all rounds are spread over the time of a move. The drill fails if one of these sentences does not
 * hold.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Machine, exited, failing, random, report, run } from './kit.mjs';
import { Server } from './postgres.mjs';
import { startProvider } from './provider.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    accounts: { type: 'string', default: '40' },
    size: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '56' },
  },
});
/** The tables that a move does not copy, and the rows that only the server has. */
const OWN = ['connection_migrations', 'connection_move', 'connection_presence'];
const OF_SERVER = { connection_kv: "WHERE namespace <> '/server'" };
const WAYS = ['again', 'undone', 'both used'];
/** The rounds, unless others are asked for. */
const ROUNDS = { kills: 30, size: 6 };
/** What a database says that does not open. */
const REFUSALS = /^(store_moved|move_unfinished|copy_incomplete)$/;

/** Prints the state of a file of SQLite, and the number of rows of each of its tables. */
const READ = `
import sqlite3, sys
file = sqlite3.connect(sys.argv[1])
print(*[state for (state,) in file.execute('SELECT state FROM connection_move')])
for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
    print(name, file.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
`;

class Drill {
  constructor(name) {
    this.name = name;
    this.accounts = Number(name === 'size' ? options.size : options.accounts);
    this.random = random(Number(options.seed));
    this.wrong = new Map();
    this.rounds = Number(options.rounds ?? ROUNDS[name]);
    this.numbers = { rounds: this.rounds, kills: 0, completed: 0, undone: 0 };
    /** The states that kills have left, by what the file and the server said. */
    this.states = new Map();
  }

  async begin() {
    this.provider = await startProvider(this.accounts);
    this.machine = new Machine(this.provider);
    this.server = await Server.primary(join(this.machine.home, 'server'));
    this.data = join(this.machine.home, 'data');
    this.original = join(this.machine.home, 'original');
    const begun = Date.now();
    await this.machine.connect(this.accounts);
    this.numbers['seconds to make the file'] = (Date.now() - begun) / 1000;
    const few = Array.from({ length: Math.min(this.accounts, 10) }, (_, number) => `a${number}`);
    for (const name of ['first', 'second']) await this.machine.agent(name, few);
    await this.machine.connections('freeze', '--connection', 'drill:a9');
    for (let number = 0; number < 3; number += 1) await this.setUp();
    this.listed = await this.list(this.machine.env);
    cpSync(this.data, this.original, { recursive: true });
  }

  /** Begins a setup, and leaves it when it waits for the person. */
  async setUp() {
    const child = this.machine.start(['add', 'drill', '--no-browser', '--yes'], {}, ['ignore', 'ignore', 'pipe']);
    await new Promise((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (data) => {
        said += data;
        if (/^Open \S+$/m.test(said)) resolve();
      });
      child.once('exit', () => reject(new Error(`add: ${said}`)));
    });
    await exited(child, 'SIGKILL');
  }

  /** Returns what a person sees of a database, or the code with which it does not open. */
  async list(env) {
    const seen = [];
    for (const args of [['list', '--json'], ['agents', '--json'], ['setup', 'list', '--json'], ['freeze', '--list', '--json']]) {
      const { code, out, err } = await this.machine.tried(args, { env });
      if (code !== 0) return refusal(out, err);
      seen.push(out);
    }
    return seen.join('');
  }

  /** Returns the environment with the database on the server. */
  get there() {
    return { ...this.machine.env, CONNECTIONS_DATABASE_URL: this.address };
  }

  /** Runs the move, or takes it back. With a time, it is killed after it. */
  async move(undo, after) {
    let timer;
    const started = (child) => {
      if (after !== undefined) timer = setTimeout(() => child.kill('SIGKILL'), after);
    };
    const args = ['move', this.address, '--json', ...(undo ? ['--undo'] : [])];
    const { code, signal, out, err } = await this.machine.tried(args, { started });
    clearTimeout(timer);
    if (signal) this.numbers.kills += 1;
    return { signal, code, said: code === 0 ? JSON.parse(out) : refusal(out, err) };
  }

  check(holds, text, ...details) {
    if (!holds) this.wrong.set(text, [...(this.wrong.get(text) ?? []), details.join(' ').slice(0, 300)]);
  }

  /** Makes the file as it was at the beginning, and an empty database on the server. */
  async fresh(number) {
    await this.server.sql(`CREATE DATABASE round${number}`);
    this.database = `round${number}`;
    this.address = this.server.address(this.database);
    rmSync(this.data, { recursive: true });
    cpSync(this.original, this.data, { recursive: true });
    this.provider.renew();
  }

  /** Reads the file, whose state comes first. */
  async read() {
    return (await run('python3', ['-c', READ, join(this.data, 'store', 'connections.db')])).trimEnd().split('\n');
  }

  /** Notes the state in which a kill has left both databases. Returns `true` if the server has the tables. */
  async noted() {
    const [file] = await this.read();
    const [table] = await this.server.sql("SELECT 1 FROM pg_class WHERE relname = 'connection_move'", this.database);
    const rows = table ? await this.server.sql('SELECT state FROM connection_move', this.database) : [];
    const state = `${file || 'as before'}/${rows.flat()[0] ?? 'empty'}`;
    this.states.set(state, (this.states.get(state) ?? 0) + 1);
    return Boolean(table);
  }

  /** Compares the numbers of rows in the file and on the server, and every row with those of the first move. */
  async compare() {
    const [, ...lines] = await this.read();
    const before = new Map(lines.map((line) => line.split(' ')));
    const tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    const names = (await this.server.sql(tables, this.database)).flat();
    const after = new Map();
    let digests = '';
    for (const name of names.filter((one) => !OWN.includes(one)).sort()) {
      const digest = "md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), ''))";
      const query = `SELECT count(*), ${digest} FROM ${name} AS t ${OF_SERVER[name] ?? ''}`;
      const [[count, found]] = await this.server.sql(query, this.database);
      after.set(name, count);
      digests += `${name} ${found}\n`;
    }
    for (const name of OWN) before.delete(name);
    const differ = [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
    this.tables ??= after.size;
    this.digests ??= digests;
    const rows = differ.map((name) => `${name} ${before.get(name)} ${after.get(name)}`);
    this.check(rows.length === 0, 'every table has as many rows', ...rows);
    this.check(digests === this.digests, 'every row is the same');
  }

  /** Uses an account in both databases at once. Returns `true` for each in which that worked. */
  async used(account, isCopied = true) {
    const send = async (env) => {
      const { code, out, err } = await this.machine.tried(['send', `drill:${account}`, 'GET', '/me', '--json'], { env });
      this.check(code === 0 || REFUSALS.test(refusal(out, err)), 'a database that does not open says why', out, err);
      return code === 0;
    };
    // The program would make the tables of an empty database.
    return Promise.all([send(this.machine.env), isCopied && send(this.there)]);
  }

  async round(number, took) {
    await this.fresh(number);
    const latest = took * 1.1;
    const moment = () => this.random() * latest;
    const way = WAYS[number % WAYS.length];
    const first = await this.move(false, ((number - 1 + this.random()) / this.rounds) * latest);
    const isCopied = await this.noted();
    if (way === 'undone') {
      await this.undo(moment, first);
    } else if (way === 'both used') {
      const [file, server] = await this.used('a1', isCopied);
      this.check(!(file && server), 'never do both databases open');
      this.isUsed = file || server;
      if (server) return this.ended(number);
    }
    if (way === 'again' && this.random() < 0.5) await this.move(false, moment());
    const last = await this.move(false);
    this.check(last.code === 0, 'the same command completes the move', number, way, last.said);
    this.numbers.completed += 1;
    if (!this.isUsed) await this.compare();
    await this.ended(number);
  }

  /** Takes a move back that was killed, or was not. */
  async undo(moment, { signal }) {
    let undone = await this.move(true, moment());
    const isKilled = signal || undone.signal;
    if (undone.signal) undone = await this.move(true);
    this.numbers.undone += 1;
    // Nothing is left to take back if the kill was before the first step of the move, or after the last one of the undoing.
    const isFine = undone.code === 0 || (isKilled && undone.said === 'not_moved');
    this.check(isFine, 'a move that is not opened is taken back', undone.said);
    const listed = await this.list(this.machine.env);
    this.check(listed === this.listed, 'what is taken back is as before', listed.slice(0, 200));
  }

  /** Checks that the server has everything, and that only it renews. */
  async ended(number) {
    const [file, server] = await this.used('a2');
    this.check(!file && server, 'the server alone is used at the end', number, file, server);
    this.check((await this.list(this.machine.env)) === 'store_moved', 'the file says where its database is');
    const listed = await this.list(this.there);
    const names = (text) => [...text.matchAll(/"label": ?"(a\d+)"/g)].map(([, name]) => name).sort().join();
    this.check(names(listed) === names(this.listed), 'every connection is there once');
    this.isUsed = false;
  }

  async work() {
    await this.begin();
    await this.fresh(0);
    const begun = Date.now();
    const { said, code } = await this.move(false);
    const took = Date.now() - begun;
    if (code !== 0) throw new Error(`move: ${JSON.stringify(said)}`);
    this.numbers['rows of a move'] = said.rows;
    this.numbers['seconds of a move'] = took / 1000;
    await this.compare();
    await this.ended(0);
    for (let number = 1; number <= this.rounds; number += 1) await this.round(number, took);
  }

  counts() {
    const { refreshes, spentTwice } = this.provider.counts;
    const counts = { seed: options.seed, connections: this.accounts, tables: this.tables, ...this.numbers };
    return {
      ...counts,
      refreshes,
      'tokens spent twice': spentTwice,
      'states after kills (file/server)': [...this.states].map(([state, count]) => `${count} ${state}`).join(', '),
    };
  }

  judge(counts) {
    const wrong = [...this.wrong].map(([text, details]) => `${text} (${details.length} times: ${details[0]})`);
    return [
      ...wrong,
      ...failing(
        [counts['tokens spent twice'] === 0, 'no token is spent twice'],
        [counts.refreshes > 0, 'tokens are renewed'],
        [counts.kills >= this.rounds / 4, 'moves are killed'],
      ),
    ];
  }

  async clear() {
    await this.server?.kill();
    this.machine?.clear();
  }
}

/** Returns the code of a refusal. */
function refusal(out, err) {
  try {
    return JSON.parse(err.trim() || out.trim()).error.code;
  } catch {
    return `${out}${err}`;
  }
}

await report(positionals.length > 0 ? positionals : ['kills'], (name) => new Drill(name));
