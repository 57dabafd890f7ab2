/**
 * The cost of a courier: a refresh with one and a refresh without one, in alternating pairs.
 *
 *     CONNECTIONS_BIN=… node costs.mjs [file|passphrase]… [--pairs N]
 *
 * Each refresh is a process of `connections refresh`, whose time counts from its start to its end. The key of the database is
 * in a file, or it is derived from a passphrase. The drill prints the medians, and fails if the median of the differences
 * of the pairs is above 40 milliseconds. If other programs use more than a fifth of the machine before or after the
 * pairs, it prints the numbers and says that they are not judged.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Machine, failing, pause, report, run } from './kit.mjs';
import { startProvider } from './provider.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string', default: '40' } },
});
const NAME = 'drill:a0';
/** The lifetime of the tokens in seconds, in which no token ends. */
const LIFE = 3600;
/** The milliseconds that a courier may cost. */
const MAX_COST = 40;
/** The part of the machine that is idle if nothing else runs on it. */
const IDLE = 0.8;
/** The time for which the machine is watched, in milliseconds. */
const WATCHED = 2000;
const WAYS = ['on', 'off'];

class Drill {
  constructor(key) {
    this.key = key;
    this.pairs = Number(options.pairs);
    this.times = { on: [], off: [] };
  }

  async begin() {
    this.provider = await startProvider(1, { life: LIFE });
    this.machine = new Machine(this.provider);
    if (this.key === 'passphrase') {
      const file = join(this.machine.home, 'passphrase');
      writeFileSync(file, 'correct horse battery staple', { mode: 0o600 });
      Object.assign(this.machine.env, { CONNECTIONS_KEY__SOURCE: 'passphrase', CONNECTIONS_KEY__PASSPHRASE_FILE: file });
    }
    await this.machine.connect(1);
    await this.machine.connections('verify', NAME);
    // The first refreshes read the program from the disk.
    for (const couriers of WAYS) await this.refresh(couriers);
    this.made = this.provider.counts.refreshes;
  }

  /** Refreshes the credential, and returns the milliseconds that this took. */
  async refresh(couriers) {
    const env = { ...this.machine.env, CONNECTIONS_COURIERS: couriers };
    const begun = performance.now();
    await run(process.env.CONNECTIONS_BIN, ['refresh', NAME], { env });
    return performance.now() - begun;
  }

  async work() {
    await this.begin();
    const before = await idle();
    for (let number = 0; number < this.pairs; number += 1) {
      // Each of them is the first one in every other pair.
      for (const couriers of number % 2 === 0 ? WAYS : [...WAYS].reverse()) {
        this.times[couriers].push(await this.refresh(couriers));
      }
    }
    this.idle = Math.min(before, await idle());
  }

  counts() {
    const { on, off } = this.times;
    const { refreshes, spentTwice } = this.provider.counts;
    this.cost = median(on.map((time, number) => time - off[number]));
    const rounded = (milliseconds) => milliseconds.toFixed(1);
    return {
      pairs: this.pairs,
      refreshes: refreshes - this.made,
      'tokens spent twice': spentTwice,
      'median with a courier in milliseconds': rounded(median(on)),
      'median without a courier in milliseconds': rounded(median(off)),
      'median difference of a pair in milliseconds': rounded(this.cost),
      'idle part of the machine in percent': Math.round(100 * this.idle),
      'not judged': this.idle < IDLE ? 'other programs use the machine' : undefined,
    };
  }

  judge(counts) {
    return failing(
      [counts.refreshes === 2 * this.pairs, 'each command renews the token once'],
      [counts['tokens spent twice'] === 0, 'no token is spent twice'],
      [this.cost <= MAX_COST || this.idle < IDLE, `a courier costs at most ${MAX_COST} milliseconds`],
    );
  }

  clear() {
    this.machine?.clear();
  }
}

/** Returns the part of the machine that nothing uses for a while. */
async function idle() {
  const used = () => {
    const times = cpus().map((cpu) => cpu.times);
    const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);
    return { idle: sum(times.map((time) => time.idle)), all: sum(times.flatMap((time) => Object.values(time))) };
  };
  const before = used();
  await pause(WATCHED);
  const after = used();
  return (after.idle - before.idle) / (after.all - before.all);
}

function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

await report(positionals.length > 0 ? positionals : ['file', 'passphrase'], (key) => new Drill(key));
