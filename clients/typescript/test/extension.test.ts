import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { connect, type Connections, type Extension } from 'connections-client';
import { addAccount, KEY, Machine, until } from './support.js';

const HOST = fileURLToPath(new URL('../examples/extension-host.js', import.meta.url));

const machine = new Machine();
let manager: Connections;
let token: string;
let extension: Extension;
let connection: string;
/** Everything that the server sent to the extension. */
const answered: string[] = [];

before(async () => {
  await machine.start();
  manager = await machine.client('--role', 'manage');
  const manifest = {
    name: 'issues',
    commands: [{ name: 'search' }],
    connection: {
      id: 'default',
      provider: 'acme',
      title: 'The tracker',
      auth: { type: 'apiKey', secretNames: ['apiKey'] },
    },
  };
  await manager.post('/api/v1/extensions', { body: { manifest } });
  ({ id: connection } = await addAccount(manager, 'work'));
  token = await machine.run('tokens', 'create', 'issues', '--extension', 'issues');
  const record = async (request: Request) => {
    const response = await fetch(request);
    answered.push([...response.headers].join('\n'), await response.clone().text());
    return response;
  };
  extension = connect({ baseUrl: machine.serving.url, token, fetch: record }).extension('issues');
});

after(() => machine.stop());

function grant() {
  return manager.post('/api/v1/extensions/{name}/grants', {
    params: { path: { name: 'issues' } },
    body: { connection },
  });
}

function revoke() {
  return manager.delete('/api/v1/extensions/{name}/grants/{connection}', {
    params: { path: { name: 'issues', connection } },
  });
}

test('an extension is handed off, granted and sends, and never sees the secret', async () => {
  const before = machine.provider.received.length;
  await assert.rejects(extension.send('GET', '/user'), { code: 'not_granted', status: 403 });
  assert.equal(machine.provider.received.length, before);

  const begun = await extension.handOff('search');
  assert.equal(begun.command, 'search');
  assert.equal(begun.required?.action, 'grant');
  assert.ok(begun.ticket && begun.page);
  assert.equal(new URL(begun.page).origin, machine.serving.url);
  assert.equal(new URL(begun.page).pathname, '/extensions/issues');
  assert.equal((await fetch(begun.page)).status, 200);
  const first = await extension.retry(begun.ticket);
  assert.deepEqual([first.required?.action, first.setup], ['grant', null]);
  // The same state again, and then the answer waits for the person.
  assert.equal((await extension.retry(begun.ticket, { after: 'an earlier state' })).cursor, first.cursor);
  const [retried] = await Promise.all([extension.retry(begun.ticket, { after: first.cursor }), grant()]);
  assert.notEqual(retried.cursor, first.cursor);
  assert.deepEqual([retried.required, retried.page, retried.command], [null, null, 'search']);
  const resolved = await extension.resolve();
  assert.deepEqual([resolved.status, resolved.provider], ['connected', 'acme']);

  const headers = { 'X-Test': '1', 'Content-Type': 'application/octet-stream' };
  const answer = await extension.send('post', '/issues?open=1', { headers, body: Uint8Array.of(0, 255) });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('Content-Type') ?? '', /json/);
  const content = await answer.text();
  assert.deepEqual(JSON.parse(content), { id: 7, name: 'Ada' });
  const received = machine.provider.received.at(-1);
  assert.deepEqual([received?.method, received?.path, received?.body], ['POST', '/issues?open=1', '\u0000\u00ff']);
  assert.deepEqual([received?.headers['x-test'], received?.headers.authorization], ['1', `Bearer ${KEY}`]);

  assert.ok(answered.length >= 12);
  assert.ok(!answered.join('\n').includes(KEY));
  assert.ok(!inspect(extension, { depth: 20, showHidden: true }).includes(KEY));
  assert.ok(!(await machine.files()).includes(KEY));
});

test('an answer may be bytes or nothing', async () => {
  await grant();
  const bytes = await extension.send('GET', '/bytes');
  assert.deepEqual([...new Uint8Array(await bytes.arrayBuffer())], [0, 255, 128]);
  const nothing = await extension.send('DELETE', '/nothing');
  assert.deepEqual([nothing.status, await nothing.text()], [204, '']);
});

test('a request that cannot be sent is refused', async () => {
  await grant();
  await assert.rejects(extension.send('GET', 'user'), { code: 'invalid_body', field: 'path' });
  await assert.rejects(extension.send('GET', '/user', { requirement: 'other' }), { code: 'undeclared', status: 404 });
  const other = connect({ baseUrl: machine.serving.url, token }).extension('others');
  await assert.rejects(other.resolve(), { code: 'not_allowed' });
  await assert.rejects(extension.retry('unknown'), { code: 'unknown_ticket', remedy: 'begin the hand-off again' });
});

test('a grant that was revoked ends what the extension may send', async () => {
  await grant();
  assert.equal((await extension.send('GET', '/user')).status, 200);
  await revoke();
  const before = machine.provider.received.length;
  await assert.rejects(extension.send('GET', '/user'), { code: 'not_granted' });
  assert.equal(machine.provider.received.length, before);
});

test('the token of an extension reads, answers and changes nothing else', async () => {
  const own = connect({ baseUrl: machine.serving.url, token });
  const refused = { code: 'not_allowed', status: 403 };
  await assert.rejects(own.get('/api/v1/connections'), refused);
  await assert.rejects(own.post('/api/v1/setups', { body: { extension: 'issues' } }), refused);
  await assert.rejects(own.get('/api/v1/usage'), refused);
});

test('an extension listens to what concerns it', async () => {
  const own = connect({ baseUrl: machine.serving.url, token });
  const leaves = new AbortController();
  const events = own.live({ signal: leaves.signal });
  assert.deepEqual(await events.next(), { done: false, value: { type: 'opened' } });
  await grant();
  assert.deepEqual(await events.next(), { done: false, value: { type: 'changed', of: 'grant', id: 'issues' } });
  leaves.abort();
  assert.equal((await events.next()).done, true);
});

test('the example of a host hands a person off and sends', async () => {
  await revoke();
  const host = spawn(process.execPath, [HOST, machine.serving.url, 'issues', '/user'], {
    env: { PATH: process.env['PATH'], TOKEN: token },
  });
  let said = '';
  host.stdout.on('data', (text: Buffer) => (said += text));
  host.stderr.on('data', (text: Buffer) => (said += text));
  const asked = (times: number) => (said.split('press Enter').length > times ? true : undefined);
  await until('the host asks the person', () => asked(1));
  // The person returns before anything was granted, and is asked again.
  host.stdin.write('\n');
  await until('the host asks again', () => asked(2));
  await grant();
  host.stdin.write('\n');
  const [code] = (await once(host, 'close')) as [number];
  assert.equal(code, 0, said);
  assert.match(said, /200 \{"id":7,"name":"Ada"\}/);
  assert.ok(!said.includes(KEY));
});
