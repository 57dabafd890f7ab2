import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connections, LiveEvent } from 'connections-client';
import { addAccount, Machine } from './support.js';

const machine = new Machine();
let connections: Connections;

before(async () => {
  await machine.start();
  connections = await machine.client('--role', 'manage');
});

after(() => machine.stop());

/** Returns the first event that is wanted. */
async function next(events: AsyncGenerator<LiveEvent, void>, isWanted: (event: LiveEvent) => boolean) {
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(!done && value, 'the events ended');
    if (isWanted(value)) return value;
  }
}

const isConnection = (event: LiveEvent) => event.type === 'changed' && event.of === 'connection';

test('a change arrives, also after the server was restarted', { timeout: 60_000 }, async () => {
  const stop = new AbortController();
  const events = connections.live({ signal: stop.signal });
  assert.deepEqual((await events.next()).value, { type: 'opened' });
  const { id } = await addAccount(connections, 'work');
  assert.deepEqual(await next(events, isConnection), { type: 'changed', of: 'connection', id });

  await machine.serving.stop();
  // This change is made while nobody listens.
  await machine.run('rename', 'acme:work', 'home');
  await machine.serve();
  assert.deepEqual(await next(events, ({ type }) => type === 'gap'), { type: 'gap' });
  const [read] = (await connections.get('/api/v1/connections')).items;
  assert.equal(read?.label, 'home');

  await machine.run('rename', 'acme:home', 'office');
  assert.deepEqual(await next(events, isConnection), { type: 'changed', of: 'connection', id });

  const last = events.next();
  stop.abort();
  assert.deepEqual(await last, { value: undefined, done: true });
});

test('a program that stops listening ends the stream', async () => {
  for await (const event of connections.live()) {
    assert.deepEqual(event, { type: 'opened' });
    break;
  }
  const ended = connections.live({ signal: AbortSignal.abort() });
  assert.deepEqual(await ended.next(), { value: undefined, done: true });
});

test('events that begin before the server does begin with the server', { timeout: 60_000 }, async () => {
  await machine.serving.stop();
  const events = connections.live();
  const first = events.next();
  await machine.serve();
  assert.deepEqual((await first).value, { type: 'opened' });
  await events.return();
});
