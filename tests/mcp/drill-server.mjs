/**
 * An MCP server of both revisions that accepts the tokens of an authorization server, and asks it about each token.
 */
import http from 'node:http';

const METADATA = '/.well-known/oauth-protected-resource/mcp';
/** The application of `oidc.mjs` that may ask about tokens. */
const ASKS = `Basic ${Buffer.from(['app', 'app-secret/+ =%'].map(encodeURIComponent).join(':')).toString('base64')}`;

const SERVER = { name: 'Drill', version: '1.0.0' };
const CAPABILITIES = { tools: {} };
const TOOL = { name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } };

const RESULTS = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: CAPABILITIES, serverInfo: SERVER }),
  'server/discover': () => ({
    resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES,
    _meta: { 'io.modelcontextprotocol/serverInfo': SERVER },
  }),
  'tools/list': () => ({ resultType: 'complete', tools: [TOOL] }),
  'tools/call': ({ arguments: given }) => ({ resultType: 'complete', content: [{ type: 'text', text: given.text }] }),
};

async function isActive(issuer, token) {
  const body = new URLSearchParams({ token });
  const answer = await fetch(`${issuer}/token/introspection`, { method: 'POST', headers: { authorization: ASKS }, body });
  return (await answer.json()).active === true;
}

function read(request) {
  return new Promise((resolve, reject) => {
    let text = '';
    request.on('data', (data) => (text += data));
    request.on('end', () => resolve(text));
    request.on('error', reject);
  });
}

/**
 * Starts the server on loopback.
 * @param {string} issuer of the authorization server
 * @returns {Promise<{address: string, counts: {refused: number, answered: number}}>}
 */
export async function startServer(issuer) {
  const counts = { refused: 0, answered: 0 };
  let origin;
  const answer = async (request) => {
    if (request.url === METADATA) {
      const scopes = ['openid', 'offline_access', 'profile'];
      return { status: 200, body: { resource: `${origin}/mcp`, authorization_servers: [issuer], scopes_supported: scopes } };
    }
    if (request.url !== '/mcp' || request.method !== 'POST') return { status: 404, body: { error: 'not_found' } };
    const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const message = JSON.parse(await read(request));
    if (!token || !(await isActive(issuer, token))) {
      counts.refused += 1;
      const challenge = { 'www-authenticate': `Bearer resource_metadata="${origin}${METADATA}"` };
      return { status: 401, headers: challenge, body: { error: 'invalid_token' } };
    }
    if (message.id === undefined) return { status: 202 };
    const { jsonrpc, id } = message;
    const result = RESULTS[message.method]?.(message.params);
    if (!result) return { status: 404, body: { jsonrpc, id, error: { code: -32601, message: 'Method not found' } } };
    counts.answered += 1;
    return { status: 200, body: { jsonrpc, id, result } };
  };
  const server = http.createServer((request, response) => {
    answer(request).then(
      ({ status, headers, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(body && JSON.stringify(body));
      },
      (error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  return { address: `${origin}/mcp`, counts };
}
