/**
 * A provider with OAuth whose refresh tokens work once. A token that comes twice ends the authorization of its account.
 */
import http from 'node:http';

/** The origin by which `drill.toml` names the provider. */
export const ORIGIN = 'https://api.drill.example';
/** The seconds for which the provider says that its access tokens work, and for which it takes them. */
const LIFE = 2;
const LENIENT = 30;

const unused = () => ({ number: 0, spent: new Set(), isRevoked: false, issuedAt: [Date.now()] });

/**
 * Starts the provider on loopback, with accounts from `a0` on. Its access tokens live for `life` seconds, and its answers
 * with tokens come after `late` milliseconds. `rotated` gets the label of the address that was asked when a token is used up,
 * and `answered` gets it when the answer was sent or is lost.
 */
export async function startProvider(accounts, { life = LIFE, late = 0, rotated = () => {}, answered = () => {} } = {}) {
  const counts = { refreshes: 0, spentTwice: 0, revoked: 0, lost: 0, signIns: 0 };
  /** When each use came that was answered. */
  const arrivals = [];
  const ledger = new Map();
  const issued = (name) => {
    const account = ledger.get(name);
    account.number += 1;
    account.issuedAt.push(Date.now());
    const { number } = account;
    const tokens = { access_token: `${name}-access-${number}`, refresh_token: `${name}-refresh-${number}` };
    return [200, { ...tokens, token_type: 'Bearer', expires_in: life }];
  };
  const signedIn = (code) => {
    const [name] = code.split('-');
    if (!ledger.has(name)) return [400, { error: 'invalid_grant' }];
    counts.signIns += 1;
    ledger.get(name).isRevoked = false;
    return issued(name);
  };
  const renewed = (token) => {
    const [name] = token.split('-');
    const account = ledger.get(name);
    if (!account) return [400, { error: 'invalid_request' }];
    if (account.spent.has(token)) {
      counts.spentTwice += 1;
      if (!account.isRevoked) counts.revoked += 1;
      account.isRevoked = true;
    }
    account.spent.add(token);
    if (account.isRevoked) return [400, { error: 'invalid_grant' }];
    counts.refreshes += 1;
    return issued(name);
  };
  const answer = (request, body) => {
    const [, name, number] = /^Bearer (a\d+)-access-(\d+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const account = ledger.get(name);
    const issuedAt = account?.issuedAt[Number(number)];
    if (!issuedAt || account.isRevoked || Date.now() - issuedAt > LENIENT * 1000) return [401, { error: 'invalid_token' }];
    arrivals.push(Date.now());
    // A use through `mcp proxy` is a message.
    if (body.startsWith('{"jsonrpc"')) return [200, { jsonrpc: '2.0', id: JSON.parse(body).id, result: {} }];
    return [200, { id: name }];
  };
  const exchange = (label, request, response, body) => {
    const form = new URLSearchParams(body);
    if (form.get('grant_type') === 'authorization_code') return send(response, signedIn(form.get('code')));
    const reply = renewed(form.get('refresh_token') ?? '');
    if (reply[0] === 200) {
      rotated(label);
      response.once('close', () => {
        if (!response.writableFinished) counts.lost += 1;
        answered(label);
      });
    }
    setTimeout(() => response.destroyed || send(response, reply), late);
  };
  const authorize = (address, response) => {
    const back = new URL(address.searchParams.get('redirect_uri'));
    back.searchParams.set('code', `a0-code-${counts.signIns}`);
    back.searchParams.set('state', address.searchParams.get('state'));
    response.writeHead(302, { location: back.href }).end();
  };
  /** Opens a further address of the provider, which is asked by whom the label says. */
  const listen = async (label) => {
    const server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (data) => (body += data));
      request.on('end', () => {
        const address = new URL(request.url, ORIGIN);
        if (address.pathname === '/authorize') authorize(address, response);
        else if (address.pathname === '/token') exchange(label, request, response, body);
        else send(response, answer(request, body));
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${server.address().port}`;
  };
  /** Makes every account as it was at the beginning. */
  const renew = () => {
    for (let number = 0; number < accounts; number += 1) ledger.set(`a${number}`, unused());
  };
  renew();
  return { origin: await listen(), counts, ledger, arrivals, listen, renew };
}

function send(response, [status, json]) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}

/** Returns a record as the program writes it: the names and values, each with its length. */
function record(fields) {
  const part = (value) => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  };
  return Buffer.concat([Buffer.from([1]), ...Object.entries(fields).flat().flatMap(part)]);
}

/** Returns the credential of an account as `import` takes it, which is what its kind stores after a setup. */
export function credential(name) {
  const until = new Date(Date.now() + LIFE * 1000).toISOString().replace(/\.\d+/, '');
  const tokens = { version: '1', clientId: 'drill', access: `${name}-access-0`, refresh: `${name}-refresh-0`, until };
  const stored = record({ version: '1', oauth2: record(tokens) });
  return { credential: { base64: stored.toString('base64') }, validUntil: until };
}
