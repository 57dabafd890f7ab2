import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { ConnectionsError, type Connections, type SetupStep } from 'connections-client';
import { failureOf, KEY, Machine, signIn, until, WRONG_KEY } from './support.js';

const machine = new Machine();
let connections: Connections;

before(async () => {
  await machine.start();
  connections = await machine.client('--role', 'manage');
});

after(() => machine.stop());

test('a person answers wrongly, and then rightly', async () => {
  const steps: SetupStep[] = [];
  const answers = [{}, { apiKey: WRONG_KEY }, { apiKey: KEY }];
  const connection = await connections.setup({ kind: 'acme', label: 'work' }, (step) => {
    if (step.type !== 'working') steps.push(step);
    return step.type === 'prompt' ? answers.shift() : undefined;
  });
  assert.equal(connection.label, 'work');
  assert.deepEqual(connection.account, { id: '7', label: 'Ada' });
  assert.equal(connection.liveness, 'live');

  const [first, malformed, refused] = steps;
  assert.equal(steps.length, 3);
  assert.ok(first?.type === 'prompt' && malformed?.type === 'prompt' && refused?.type === 'prompt');
  assert.deepEqual(
    first.fields.map(({ name, input }) => [name, input]),
    [['apiKey', 'secret']],
  );
  assert.equal(first.kindTitle, 'Acme');
  assert.deepEqual([first.problem, first.problems], [null, []]);
  // An answer that is missing is a problem of its field.
  assert.deepEqual(
    malformed.problems.map(({ field }) => field),
    ['apiKey'],
  );
  // An answer that the provider refuses is a problem of the next step.
  assert.match(refused.problem ?? '', /./);
  assert.deepEqual(refused.problems, []);
  assert.ok(!JSON.stringify(steps).includes(WRONG_KEY));
});

test('a person signs in with a browser and confirms the account', async () => {
  const types: string[] = [];
  const connection = await connections.setup({ kind: 'acme-oauth', label: 'browser' }, async (step) => {
    types.push(step.type);
    if (step.type === 'confirm') {
      assert.match(step.title, /Ada/);
      return 'confirm';
    }
    if (step.type !== 'prompt') return undefined;
    if (!step.open) return { clientId: 'id', clientSecret: 'secret' };
    // The person continues in the browser, and leaves the form for the address empty.
    await signIn(step.open);
    return undefined;
  });
  assert.deepEqual([connection.kind, connection.account.label], ['acme-oauth', 'Ada']);
  assert.deepEqual(
    types.filter((type) => type === 'prompt' || type === 'confirm'),
    ['prompt', 'prompt', 'confirm'],
  );
});

test('a setup that failed throws the reason, without what was typed', async () => {
  // The account of this key is connected already.
  const failed = connections.setup({ kind: 'acme', label: 'twice' }, (step) => {
    return step.type === 'prompt' ? { apiKey: KEY } : undefined;
  });
  const error = await failureOf(failed);
  assert.ok(error instanceof ConnectionsError);
  assert.equal(error.code, 'account_connected');
  assert.match(error.remedy ?? '', /./);
  assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes(KEY));
});

test('a setup that is cancelled throws', async () => {
  await assert.rejects(
    connections.setup({ kind: 'acme' }, () => 'cancel'),
    { code: 'setup_cancelled' },
  );
  await assert.rejects(
    connections.setup({ kind: 'nobody-knows' }, () => 'cancel'),
    { code: 'unknown_kind' },
  );
});

test('an error of the caller leaves the setup, which is continued with its id', async () => {
  machine.provider.accounts.set('key-of-grace', { id: 8, name: 'Grace' });
  let id = '';
  const first = connections.setup({ kind: 'acme', label: 'grace' }, (step) => {
    id = step.id;
    throw new Error('the window was closed');
  });
  await assert.rejects(first, { message: 'the window was closed' });
  const connection = await connections.setup({ id }, (step) => {
    return step.type === 'prompt' ? { apiKey: 'key-of-grace' } : undefined;
  });
  assert.equal(connection.label, 'grace');
});

test('a step that another window answers is withdrawn', async () => {
  machine.provider.accounts.set('key-of-mary', { id: 9, name: 'Mary' });
  let shown: { step: SetupStep; signal: AbortSignal } | undefined;
  const connection = connections.setup({ kind: 'acme', label: 'mary' }, (step, signal) => {
    // The person leaves the form of the first window open.
    if (step.type === 'prompt') shown = { step, signal };
  });
  const { step, signal } = await until('the form is shown', () => shown);
  assert.equal(signal.aborted, false);
  await connections.setup({ id: step.id }, (step) => {
    return step.type === 'prompt' ? { apiKey: 'key-of-mary' } : undefined;
  });
  assert.equal((await connection).label, 'mary');
  assert.equal(signal.aborted, true);
});

test('a signal ends the loop, and the setup is kept', async () => {
  const stop = new AbortController();
  const reason = new Error('the person left');
  let id = '';
  const followed = connections.setup(
    { kind: 'acme' },
    (step) => {
      id = step.id;
      stop.abort(reason);
    },
    { signal: stop.signal },
  );
  await assert.rejects(followed, reason);
  const open = (await connections.get('/api/v1/setups')).items;
  assert.ok(open.some((setup) => setup.id === id));
});

test('a setup continues after the server was restarted', async () => {
  machine.provider.accounts.set('key-of-joan', { id: 10, name: 'Joan' });
  const connection = await connections.setup({ kind: 'acme', label: 'joan' }, async (step) => {
    if (step.type !== 'prompt') return undefined;
    await machine.serving.stop();
    await machine.serve();
    return { apiKey: 'key-of-joan' };
  });
  assert.equal(connection.label, 'joan');
});
