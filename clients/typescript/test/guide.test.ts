import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connections } from 'connections-client';
import { addAccount, listAttention, makeDefault, rename, watch, type Person } from '../examples/guide.js';
import { startServer } from '../examples/start-server.js';
import { addAccount as add, KEY, Machine, signIn } from './support.js';

const machine = new Machine();
let connections: Connections;

before(async () => {
  await machine.start();
  connections = await machine.client('--role', 'manage');
});

after(() => machine.stop());

test('the example of a setup connects an account', async () => {
  const read: string[] = [];
  const opened: Promise<void>[] = [];
  const person: Person = {
    fillsIn: async ({ open }) => (open ? undefined : { clientId: 'id', clientSecret: 'secret' }),
    agrees: async (question) => question.includes('Ada'),
    opens: (address) => opened.push(signIn(address)),
    reads: (message) => read.push(message),
  };
  const { kind, id } = await addAccount(connections, 'acme-oauth', person);
  await Promise.all(opened);
  assert.deepEqual([kind, opened.length], ['acme-oauth', 1]);
  assert.match(read.join('\n'), /redirect/i);
  await connections.delete('/api/v1/connections/{id}', { params: { path: { id } } });

  const refusing: Person = { ...person, agrees: async () => false };
  await assert.rejects(addAccount(connections, 'acme-oauth', refusing), { code: 'setup_cancelled' });
});

test('the examples of requests list and change connections', async () => {
  const { id } = await add(connections, 'work');
  assert.equal(await makeDefault(connections, id), 'work is the default.');
  const unknown = '00000000-0000-0000-0000-000000000000';
  assert.match(await makeDefault(connections, unknown), /^no connection with the id .* \[not_found\]\. list the/);
  await rename(connections, id, 'home');
  assert.equal((await connections.get('/api/v1/connections/{id}', { params: { path: { id } } })).label, 'home');

  const token = await machine.run('tokens', 'create', 'report');
  assert.deepEqual(await listAttention(machine.serving.url, token), []);
  machine.provider.accounts.delete(KEY);
  await connections.post('/api/v1/connections/{id}/verify', { params: { path: { id } }, body: {} });
  const [line, ...others] = await listAttention(machine.serving.url, token);
  assert.match(line ?? '', /^home \(Ada\): ./);
  assert.deepEqual(others, []);
});

test('the example of live events shows a change', { timeout: 60_000 }, async () => {
  const stop = new AbortController();
  const shown: string[][] = [];
  await watch(
    connections,
    (labels) => {
      shown.push(labels);
      if (labels.includes('office')) stop.abort();
      else void machine.run('rename', 'acme:home', 'office');
    },
    stop.signal,
  );
  assert.deepEqual(shown, [['home'], ['office']]);
});

test('a second start finds the server that runs, and leaves it running', async () => {
  const second = await machine.startAgain();
  assert.equal(second.url, machine.serving.url);
  assert.notEqual(second.page, machine.serving.page);
  await second.stop();
  assert.equal((await connections.get('/api/v1/me')).role, 'manage');
  await assert.rejects(startServer({ program: 'connections-that-is-not-installed' }), { code: 'ENOENT' });
  const misconfigured = machine.startAgain({ CONNECTIONS_INBOUND__LISTEN: 'nowhere' });
  await assert.rejects(misconfigured, /the server did not start: .*inbound\.listen/s);
});
