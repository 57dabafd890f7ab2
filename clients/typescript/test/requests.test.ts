import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { connect, ConnectionsError, type Connections, type Schemas } from 'connections-client';
import { addAccount, failureOf, Machine } from './support.js';

const machine = new Machine();
let connections: Connections;

before(async () => {
  await machine.start();
  connections = await machine.client('--role', 'manage');
});

after(() => machine.stop());

/** Returns the address of a server as soon as it listens. */
async function listening(other: Server): Promise<string> {
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  return `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
}

test('a list is read page by page and as a whole', async () => {
  for (const [index, name] of ['Ada', 'Grace', 'Mary'].entries()) {
    machine.provider.accounts.set(`key-of-${name}`, { id: 100 + index, name });
    await addAccount(connections, name, `key-of-${name}`);
  }
  const first = await connections.get('/api/v1/connections', { params: { query: { limit: 2 } } });
  assert.deepEqual(
    first.items.map((item) => item.label),
    ['Ada', 'Grace'],
  );
  assert.equal(first.counts?.all, 3);
  const second = await connections.get('/api/v1/connections', {
    params: { query: { limit: 2, ...(first.next ? { after: first.next } : {}) } },
  });
  assert.deepEqual(
    second.items.map((item) => item.label),
    ['Mary'],
  );
  assert.equal(second.next, null);

  const all: Schemas['ListedConnection'][] = [];
  for await (const item of connections.each('/api/v1/connections', { params: { query: { limit: 1 } } })) all.push(item);
  assert.deepEqual(
    all.map((item) => item.account.label),
    ['Ada', 'Grace', 'Mary'],
  );
  const found = connections.each('/api/v1/connections', { params: { query: { search: 'grace' } } });
  assert.equal((await found.next()).value?.label, 'Grace');
  assert.equal((await found.next()).done, true);

  const [event] = (await connections.get('/api/v1/events', { params: { query: { limit: 1 } } })).items;
  assert.equal(event?.event, 'connected');
});

test('a refused request says why and what to do', async () => {
  const id = '00000000-0000-0000-0000-000000000000';
  const asked = connections.get('/api/v1/connections/{id}', { params: { path: { id } } });
  const error = await failureOf(asked);
  assert.ok(error instanceof ConnectionsError);
  assert.equal(error.name, 'ConnectionsError');
  assert.equal(error.status, 404);
  assert.equal(error.code, 'not_found');
  assert.equal(error.message, `no connection with the id ${id}`);
  assert.equal(error.remedy, 'list the connections to see their ids');
  assert.equal(error.isTemporary, false);

  // @ts-expect-error: there is no such state
  const invalid = connections.get('/api/v1/connections', { params: { query: { state: 'asleep' } } });
  await assert.rejects(invalid, { code: 'invalid_body', status: 422, field: 'state' });
  const reader = await machine.client('--role', 'read');
  const refused = reader.post('/api/v1/setups', { body: { kind: 'acme' } });
  await assert.rejects(refused, { code: 'not_allowed', status: 403, remedy: "use a token with the role 'manage'" });
});

test('a change names the state that was read', async () => {
  const { value: item } = await connections.each('/api/v1/connections').next();
  assert.ok(item);
  const params = { path: { id: item.id } };
  const { response } = await connections.api.GET('/api/v1/connections/{id}', { params });
  const headers = { 'If-Match': response.headers.get('ETag') ?? '' };
  const renamed = await connections.patch('/api/v1/connections/{id}', { params, headers, body: { label: 'work' } });
  assert.equal(renamed.label, 'work');
  const again = connections.patch('/api/v1/connections/{id}', { params, headers, body: { label: 'home' } });
  await assert.rejects(again, { code: 'revision_changed', status: 412 });
});

test('an agent is granted a connection after the difference was read', async () => {
  const { value: item } = await connections.each('/api/v1/connections').next();
  assert.ok(item);
  await connections.post('/api/v1/agents', { body: { name: 'deploy' } });
  const params = { path: { name: 'deploy', connection: item.id } };
  const grant = '/api/v1/agents/{name}/grants/{connection}';
  const first = await connections.put(grant, { params, body: {} });
  assert.equal(first.preset, 'ask');
  const rules = {
    budget: { requests: 5, per: '1h' },
    rule: [{ name: 'read', methods: ['GET'], path: '/issues/**', effect: 'allow' }],
  };
  const body = { rules, expires: '8h' };
  const { data, response } = await connections.api.POST(`${grant}/preview`, { params, body });
  assert.equal(data?.widens, true);
  assert.deepEqual(data?.removed, ['is asked about before GET or HEAD']);
  assert.equal(data?.permits.after, 'allow');
  const headers = { 'If-Match': response.headers.get('ETag') ?? '' };
  const second = await connections.put(grant, { params, headers, body });
  assert.deepEqual([second.budget?.requests, second.budget?.per, second.budget?.left], [5, '1h', 5]);
  assert.match(second.budget?.until ?? '', /Z$/);
  await assert.rejects(connections.put(grant, { params, headers, body }), { code: 'revision_changed', status: 412 });
  const unknown = connections.put(grant, { params, body: { rules: 'write' } });
  await assert.rejects(unknown, { code: 'unknown_preset', status: 404, field: 'rules' });

  const path = { name: 'deploy' };
  const issued = await connections.post('/api/v1/agents/{name}/tokens', { params: { path }, body: { audience: 'mcp' } });
  const agent = connect({ baseUrl: machine.serving.url, token: issued.token });
  await assert.rejects(agent.get('/api/v1/me'), { code: 'unauthenticated', status: 401 });
  const shown = await connections.get('/api/v1/agents/{name}', { params: { path } });
  assert.deepEqual([shown.grants.length, shown.tokens[0]?.audience], [1, 'mcp']);
  assert.deepEqual(await connections.delete('/api/v1/agents/{name}', { params: { path } }), {
    name: 'deploy',
    revoked: 1,
    remaining: [],
  });
});

test('the owner is sent with each request', async () => {
  const token = await machine.run('tokens', 'create', 'all', '--role', 'admin', '--every-owner');
  const grace = connect({ baseUrl: machine.serving.url, token, owner: 'grace' });
  assert.deepEqual((await grace.get('/api/v1/connections')).items, []);
  const { id } = await addAccount(grace, 'mine');
  assert.equal((await grace.get('/api/v1/connections/{id}', { params: { path: { id } } })).owner, 'grace');
  await assert.rejects(connections.get('/api/v1/connections/{id}', { params: { path: { id } } }), {
    code: 'not_found',
  });
});

test('a token that was revoked is refused', async () => {
  const other = await machine.client('--role', 'manage');
  const { token: id } = await other.get('/api/v1/me');
  await connections.delete('/api/v1/tokens/{id}', { params: { path: { id } } });
  await assert.rejects(other.get('/api/v1/me'), { code: 'unauthenticated', status: 401 });
  const events = other.live();
  await assert.rejects(events.next(), { code: 'unauthenticated' });
});

test('a server that cannot be reached is named', async () => {
  const closed = createServer();
  const baseUrl = await listening(closed);
  closed.close();
  await once(closed, 'close');
  const error = await failureOf(connect({ baseUrl: `${baseUrl}/`, token: 'cn_other' }).get('/api/v1/me'));
  assert.ok(error instanceof ConnectionsError && error.isTemporary);
  assert.equal(error.code, 'unreachable');
  assert.equal(error.message, `cannot reach ${baseUrl} (ECONNREFUSED)`);
});

test('an answer of another program is not taken for an answer of the server', async () => {
  const other = createServer((request, response) => {
    const status = request.url?.includes('kinds') ? 502 : 200;
    response.writeHead(status, { 'Content-Type': 'text/html' }).end('<p>Sign in</p>');
  });
  const client = connect({ baseUrl: await listening(other), token: 'cn_other' });
  await assert.rejects(client.get('/api/v1/me'), { code: 'not_json', status: 200 });
  await assert.rejects(client.get('/api/v1/kinds'), { code: 'http_502', status: 502 });
  other.close();
});

test('a client that sends too many requests is told when to send again', async () => {
  const seen: number[] = [];
  const other = createServer((_, response) => {
    seen.push(Date.now());
    if (seen.length > 2) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': listening\n\n');
      return;
    }
    const problem = { code: 'too_many_requests', detail: 'this access token sends too many requests' };
    response.writeHead(429, { 'Content-Type': 'application/problem+json', 'Retry-After': '2' });
    response.end(JSON.stringify(problem));
  });
  const client = connect({ baseUrl: await listening(other), token: 'cn_other' });
  const refused = { code: 'too_many_requests', status: 429, isTemporary: true, retryAfter: 2 };
  await assert.rejects(client.get('/api/v1/me'), refused);
  for await (const event of client.live()) {
    assert.deepEqual(event, { type: 'opened' });
    break;
  }
  assert.ok((seen[2] ?? 0) - (seen[1] ?? 0) >= 1900, 'it waits as long as the server says');
  other.closeAllConnections();
  other.close();
});

test('an answer that is interrupted is an error of the client', async () => {
  const other = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 });
    response.write('{', () => response.destroy());
  });
  const client = connect({ baseUrl: await listening(other), token: 'cn_other' });
  await assert.rejects(client.get('/api/v1/me'), { code: 'unreachable', isTemporary: true });
  other.close();
});

test('a signal ends a request with its reason', async () => {
  const reason = new Error('the window was closed');
  const asked = connections.get('/api/v1/me', { signal: AbortSignal.abort(reason) });
  await assert.rejects(asked, reason);
});

test('neither the client nor an error shows the token', async () => {
  const token = 'cn_a-token-that-is-unknown';
  const client = connect({ baseUrl: machine.serving.url, token });
  const error = await failureOf(client.get('/api/v1/me'));
  for (const shown of [client, error]) {
    assert.ok(!inspect(shown, { depth: 20, showHidden: true }).includes(token));
  }
});

test('a malformed address or token is refused and not repeated', () => {
  const options = { baseUrl: machine.serving.page, token: 'cn_other' };
  assert.throws(
    () => connect(options),
    (error: Error) => error instanceof TypeError && !error.message.includes('cn_'),
  );
  assert.throws(() => connect({ ...options, baseUrl: 'the server' }), TypeError);
  for (const token of ['', 'cn_a\nb']) {
    const isSilent = (error: Error) => error instanceof TypeError && !error.message.includes('cn_');
    assert.throws(() => connect({ baseUrl: machine.serving.url, token }), isSilent);
  }
});

test('the compiler refuses what the document does not describe', () => {
  const requests = [
    // @ts-expect-error There is no such path.
    () => connections.get('/api/v1/accounts'),
    // @ts-expect-error There is no such method.
    () => connections.put('/api/v1/connections', {}),
    // @ts-expect-error The parameter is misspelled.
    () => connections.get('/api/v1/connections', { params: { query: { limits: 2 } } }),
    // @ts-expect-error The id is missing.
    () => connections.get('/api/v1/connections/{id}'),
    // @ts-expect-error The body is missing.
    () => connections.post('/api/v1/setups', {}),
    // @ts-expect-error The member is misspelled.
    () => connections.post('/api/v1/setups', { body: { kinds: 'acme' } }),
    // @ts-expect-error This is no list.
    () => connections.each('/api/v1/me'),
    // @ts-expect-error A connection has no such member.
    async () => (await connections.get('/api/v1/connections')).items[0]?.labels,
  ];
  assert.equal(requests.length, 8);
});
