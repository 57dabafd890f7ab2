/**
 * The official clients of MCP of both generations, which sign in at the door for models by its address alone.
 *
 *     node sign-in.mjs
 *
 * The first line on standard output is `ready`. Each line on standard input is JSON with the `generation` of a client, its
 * `name` and the `url` of a door. The first line that answers has the address to `open` in a browser, and the second one,
 * after the browser has returned here, has the answer of `list_connections` as `listed`, and as `renewed` after the tokens
 * were renewed. Either may be `error`. A line with a `tool` and its `arguments` is a call by the client that signed in last;
 * the answer has its `text`, and whether it `failed`.
 */
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as FirstHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as SecondClient, StreamableHTTPClientTransport as SecondHttp } from '@modelcontextprotocol/client';

const GENERATIONS = {
  1: [FirstClient, FirstHttp, {}],
  2: [SecondClient, SecondHttp, { versionNegotiation: { mode: 'auto' } }],
};

/** Keeps what a client keeps in its files. */
class Kept {
  constructor(name, redirectUrl) {
    this.redirectUrl = redirectUrl;
    this.clientMetadata = {
      client_name: name,
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  state = () => 'state of the client';
  clientInformation = () => this.information;
  saveClientInformation = (information) => void (this.information = information);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  codeVerifier = () => this.verifier;
  redirectToAuthorization = (url) => void (this.url = url.href);
}

/** Waits for the browser at a port of this machine, and returns its address and the parameters that it brings. */
async function callback() {
  let arrive;
  const arrived = new Promise((resolve) => (arrive = resolve));
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1');
    response.end('You can close this window.');
    if (url.pathname === '/callback') arrive(url.searchParams);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/callback`, arrived, close: () => server.close() };
}

/** Returns a connected client of the program that signed in last. */
let signedIn;

async function* call({ tool, arguments: given }) {
  const client = await signedIn();
  const result = await client.callTool({ name: tool, arguments: given });
  await client.close();
  yield { text: result.content.map((part) => part.text).join('\n'), failed: result.isError ?? false };
}

async function* signIn({ generation, name, url }) {
  const [Client, Http, options] = GENERATIONS[generation];
  const { url: redirectUrl, arrived, close } = await callback();
  const kept = new Kept(name, redirectUrl);
  const transport = () => new Http(new URL(url), { authProvider: kept });
  const connect = async () => {
    const client = new Client({ name, version: '1.0.0' }, options);
    await client.connect(transport());
    return client;
  };
  const list = async () => {
    const client = await connect();
    const result = await client.callTool({ name: 'list_connections', arguments: {} });
    await client.close();
    return result.content[0].text;
  };
  const refused = await list().then(() => new Error('it was let in'), (error) => error);
  if (!kept.url) throw refused;
  yield { open: kept.url };
  const parameters = await arrived;
  close();
  if (!parameters.has('code')) {
    yield { error: parameters.get('error') };
    return;
  }
  // The second generation checks the issuer in the answer (RFC 9207).
  await transport().finishAuth(generation === 2 ? parameters : parameters.get('code'));
  const listed = await list();
  const before = kept.kept.refresh_token;
  // A token that has ended is refused, and the client renews it by itself.
  kept.kept = { ...kept.kept, access_token: 'cn_ended' };
  const renewed = await list();
  signedIn = connect;
  yield { listed, renewed, rotated: kept.kept.refresh_token !== before };
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const request = JSON.parse(line);
    for await (const got of request.tool ? call(request) : signIn(request)) console.log(JSON.stringify(got));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
