/**
 * A standby is promoted while two processes of `serve` renew tokens that work once, under load.
 *
 *     CONNECTIONS_BIN=… node failover.mjs [synchronous|asynchronous|control]… [--accounts N] [--seconds S] [--lag MILLISECONDS]
 *
 * The provider ends an authorization if one of its tokens comes twice. In each run, the primary is killed, its standby is
 * promoted, the processes reach it at the address of the primary, and a person runs the command that the guide for operators
 * names:
 *
 * - `synchronous`: the primary waited for the standby with each commit. With `connections failover --synchronous`, nothing is
 *   lost, no token is spent twice, and no request fails after the gap.
 * - `asynchronous`: the standby was late by the lag, so commits are lost. The processes work on the promoted server for some
 *   seconds before the person runs `connections failover`. No token is spent twice, and each request that fails after the gap
 *   says why.
 * - `control`: as `asynchronous`, but the person says that the standby had everything. Tokens are spent twice.
 *
 * Without a name, all three run. The drill fails if one of these sentences does not hold.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Machine, failing, pause, report, use } from './kit.mjs';
import { Line, Server } from './postgres.mjs';
import { startProvider } from './provider.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    accounts: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '10' },
    lag: { type: 'string', default: '1500' },
  },
});
const accounts = Number(options.accounts);
const seconds = Number(options.seconds);
/** The pause of a caller between two requests, in milliseconds. */
const PAUSE = 100;
/** How long the processes work on the promoted server before a person runs the command, in milliseconds. */
const UNATTENDED = 4000;
/** The processes of `serve`. */
const PROCESSES = 2;

/** A run of the drill: two servers, the processes, the provider, and the callers. */
class Drill {
  constructor(mode) {
    this.mode = mode;
    this.processes = [];
    this.requests = [];
    this.isEnding = false;
  }

  get isSynchronous() {
    return this.mode === 'synchronous';
  }

  async begin() {
    const provider = (this.provider = await startProvider(accounts));
    this.address = await new Line().start();
    this.machine = new Machine(provider, {
      CONNECTIONS_DATABASE_URL: `postgres://postgres@127.0.0.1:${this.address.port}/postgres?sslmode=disable`,
    });
    const { home } = this.machine;
    this.primary = await Server.primary(join(home, 'primary'));
    this.following = await new Line(this.isSynchronous ? 0 : Number(options.lag)).start();
    this.following.target = this.primary.port;
    this.standby = await Server.standby(join(home, 'standby'), this.primary.port);
    // The primary is reached through a line that is late. The setting was not copied, so that the promoted server waits for
    // nobody.
    await this.standby.sql(`ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=${this.following.port} user=postgres'`);
    await this.standby.sql('SELECT pg_reload_conf()');
    if (this.isSynchronous) {
      await this.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
      await this.primary.sql('SELECT pg_reload_conf()');
    }
    const state = this.isSynchronous ? 'sync' : 'async';
    const follows = `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = '${state}'`;
    while ((await this.primary.sql(follows))[0][0] !== '1') await pause(100);

    this.address.target = this.primary.port;
    await this.machine.connect(accounts);
    this.token = await this.machine.agent('drill', Array.from({ length: accounts }, (_, number) => `a${number}`));
    for (let number = 0; number < PROCESSES; number += 1) this.processes.push(await this.machine.serve(number));
  }

  /** Sends requests for one account, to one process after the other, until the run ends. */
  async call(number) {
    for (let turn = number; !this.isEnding; turn += 1) {
      const to = turn % PROCESSES;
      const begun = Date.now();
      const outcome = await use(this.processes[to].origin, this.token, `a${number}`);
      this.requests.push({ begun, ended: Date.now(), to, outcome });
      await pause(PAUSE);
    }
  }

  /** Kills the primary, promotes the standby, and does what the guide says. */
  async failOver() {
    this.lostAt = Date.now();
    this.following.cut();
    this.address.cut();
    await this.primary.kill();
    await this.standby.promote();
    this.promotedAt = Date.now();
    this.address.target = this.standby.port;
    if (!this.isSynchronous) await pause(UNATTENDED);
    const said = await this.machine.connections('failover', '--json', ...(this.mode === 'asynchronous' ? [] : ['--synchronous']));
    this.marked = JSON.parse(said).connections.length;
    this.toldAt = Date.now();
  }

  async work() {
    await this.begin();
    const calls = Array.from({ length: accounts }, (_, number) => this.call(number));
    await pause(seconds * 1000);
    await this.failOver();
    await pause(seconds * 1000);
    this.isEnding = true;
    await Promise.all(calls);
    await this.machine.end();
  }

  /** Returns the numbers of the run. */
  async counts() {
    const rotations = new Map(await this.standby.sql(
      'SELECT a.label, count(e.seq) FROM connection_account AS a LEFT JOIN connection_event AS e '
        + "ON e.connection_id = a.id AND e.kind = 'credential_rotated' GROUP BY a.label",
    ));
    let lost = 0;
    for (const [name, { number }] of this.provider.ledger) lost += Math.max(0, number - Number(rotations.get(name) ?? 0));
    // The gap ends with the command, and for each process with its first answer after the promotion.
    const ends = Array.from({ length: PROCESSES }, (_, to) => {
      const isBack = (request) => request.to === to && request.begun >= this.promotedAt && !/^5|^fetch/.test(request.outcome);
      return this.requests.find(isBack)?.ended ?? Number.POSITIVE_INFINITY;
    });
    const until = Math.max(this.toldAt, ...ends);
    const failed = this.requests.filter(({ outcome }) => outcome !== 'ok');
    const after = failed.filter(({ begun }) => begun > until);
    const unsaid = after.filter(({ outcome }) => !/failed over/.test(outcome));
    return {
      requests: this.requests.length,
      refreshes: this.provider.counts.refreshes,
      'lost commits': lost,
      'spent twice': this.provider.counts.spentTwice,
      marked: this.marked,
      'failed in the gap': failed.length - after.length,
      'failed after': after.length,
      'without a reason': unsaid.length,
      'gap in seconds': (until - this.lostAt) / 1000,
      example: (unsaid[0] ?? after[0])?.outcome.slice(0, 300),
    };
  }

  /** Returns what does not hold. */
  judge(counts) {
    const lasting = this.isSynchronous
      ? [
          [counts['lost commits'] === 0, 'nothing is lost'],
          [counts['failed after'] === 0, 'no request fails after the gap'],
        ]
      : [[counts['lost commits'] > 0, 'commits are lost']];
    const asynchronous = [
      [counts.marked === accounts, 'each account is marked'],
      [counts['without a reason'] === 0, 'each request that fails after the gap says why'],
    ];
    return failing(
      [counts.refreshes > accounts, 'tokens are renewed'],
      [Number.isFinite(counts['gap in seconds']), 'each process answers after the promotion'],
      ...lasting,
      ...(this.mode === 'asynchronous' ? asynchronous : []),
      this.mode === 'control'
        ? [counts['spent twice'] > 0, 'tokens are spent twice']
        : [counts['spent twice'] === 0, 'no token is spent twice'],
    );
  }

  async clear() {
    this.isEnding = true;
    for (const server of [this.primary, this.standby]) await server?.kill();
    this.following?.cut();
    this.address?.cut();
    this.machine?.clear();
  }
}

await report(positionals.length > 0 ? positionals : ['synchronous', 'asynchronous', 'control'], (mode) => new Drill(mode));
