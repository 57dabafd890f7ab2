/**
 * The real program with a configuration and a database of its own, and a provider on this machine.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect, type Connections } from 'connections-client';
import { startServer, type Serving } from '../examples/start-server.js';

/** The secret that the provider accepts. */
export const KEY = 'the-secret-of-the-provider';
/** The secret that a person types by mistake. */
export const WRONG_KEY = 'the-secret-of-somebody-else';

/** A limit that is never reached, even on a busy machine. */
const PATIENCE = 60_000;

const KIND = `format = 1
id = "acme"
name = "Acme"
mechanism = "api_key"

[[fields]]
name = "apiKey"
label = "API key"
secret = true

[request]
base = ["https://api.acme.example"]
headers = { Authorization = "Bearer \${secret.apiKey}" }

[verify]
path = "/me"

[account]
id = ["/id"]
label = ["/name"]
`;

const OAUTH_KIND = `format = 1
id = "acme-oauth"
name = "Acme (OAuth)"
mechanism = "oauth2"
provider = "acme"

[request]
base = ["https://api.acme.example"]

[verify]
path = "/me"

[account]
id = ["/id"]
label = ["/name"]

[oauth2]
authorize = "https://acme.example/authorize"
token = "https://api.acme.example/token"
`;

/** A request that the provider received. */
export interface Received {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** The provider, which has one account for each key. */
export class Provider {
  readonly received: Received[] = [];
  /** The accounts by key. */
  readonly accounts = new Map([[KEY, { id: 7, name: 'Ada' }]]);
  readonly #server = createServer((request, response) => {
    let body = '';
    request.on('data', (text: Buffer) => (body += text.toString('latin1')));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      this.received.push({ method, path, headers, body });
      const account = this.accounts.get(headers.authorization?.replace('Bearer ', '') ?? '');
      const [status, content] = account ? [200, account] : [401, { error: 'no such key' }];
      if (path === '/token') {
        const token = { access_token: KEY, token_type: 'Bearer', expires_in: 3600 };
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(token));
      } else if (account && path === '/bytes') {
        response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(Buffer.from([0, 255, 128]));
      } else if (account && path === '/nothing') {
        response.writeHead(204).end();
      } else {
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(content));
      }
    });
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** A machine with the program and its server. */
export class Machine {
  readonly provider = new Provider();
  serving!: Serving;
  #home = '';
  readonly #program = program();
  #env: NodeJS.ProcessEnv = {};

  /** Configures the program and starts the server. */
  async start(): Promise<void> {
    const home = (this.#home = await mkdtemp(join(tmpdir(), 'connections-client-')));
    const configuration = join(home, 'configuration');
    await mkdir(join(configuration, 'kinds'), { recursive: true });
    await writeFile(join(configuration, 'kinds', 'acme.toml'), KIND);
    await writeFile(join(configuration, 'kinds', 'acme-oauth.toml'), OAUTH_KIND);
    const endpoints = `"https://api.acme.example" = "${await this.provider.start()}"`;
    const file = join(configuration, 'config.toml');
    await writeFile(file, `[http.endpoints]\n${endpoints}\n`, { mode: 0o600 });
    this.#env = {
      PATH: process.env['PATH'],
      SystemRoot: process.env['SystemRoot'],
      HOME: home,
      CONNECTIONS_CONFIG: file,
      CONNECTIONS_DATA_DIR: join(home, 'data'),
      CONNECTIONS_INBOUND__LISTEN: '127.0.0.1:0',
    };
    await this.serve();
  }

  /** The environment of the program. */
  get env(): NodeJS.ProcessEnv {
    return { ...this.#env };
  }

  /** Starts the program while its server runs. */
  startAgain(env: NodeJS.ProcessEnv = {}): Promise<Serving> {
    return startServer({ program: this.#program, env: { ...this.#env, ...env } });
  }

  /** Stops everything and removes its files. */
  async stop(): Promise<void> {
    await this.serving?.stop();
    this.provider.stop();
    await rm(this.#home, { recursive: true, force: true });
  }

  /** Starts the server, at the first time at any free port. */
  async serve(): Promise<void> {
    this.serving = await startServer({ program: this.#program, env: this.#env });
    // A server that is started again has the same address.
    this.#env['CONNECTIONS_INBOUND__LISTEN'] = new URL(this.serving.url).host;
  }

  /** Runs a command and returns what it printed. */
  async run(...args: string[]): Promise<string> {
    return (await promisify(execFile)(this.#program, args, { env: this.#env })).stdout.trim();
  }

  /** Returns everything that the program has stored. */
  async files(): Promise<string> {
    const entries = await readdir(join(this.#home, 'data'), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
  }

  /** Returns a client with a new token. */
  async client(...options: string[]): Promise<Connections> {
    return connect({ baseUrl: this.serving.url, token: await this.run('tokens', 'create', 'test', ...options) });
  }
}

/** Connects the account of the key. */
export function addAccount(connections: Connections, label: string, key = KEY) {
  return connections.setup({ kind: 'acme', label }, (step) => (step.type === 'prompt' ? { apiKey: key } : undefined));
}

/** Opens an address as a browser does, and lets the provider return at once. */
export async function signIn(address: string): Promise<void> {
  // A browser that does not show the setup is asked first.
  const asked = await visit(new URL(address));
  const action = /action="([^"]+)"/.exec(asked.text)?.[1] ?? '';
  const agreed = { Cookie: asked.cookies, Origin: new URL(address).origin };
  const start = await visit(new URL(action, address), 'POST', agreed);
  const authorize = new URL(start.location);
  assert.equal(authorize.origin, 'https://acme.example');
  const callback = new URL(authorize.searchParams.get('redirect_uri') ?? '');
  callback.search = String(new URLSearchParams({ code: 'code', state: authorize.searchParams.get('state') ?? '' }));
  assert.equal((await fetch(callback, { headers: { Cookie: start.cookies } })).status, 200);
}

interface Visited {
  cookies: string;
  location: string;
  text: string;
}

/** Requests an address as a browser does in a window; `fetch` says that a script asks. */
function visit(address: URL, method = 'GET', headers: Record<string, string> = {}): Promise<Visited> {
  return new Promise((resolve, reject) => {
    const sent = request(address, { method, headers }, (answer) => {
      const cookies = (answer.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0]).join('; ');
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ cookies, location: answer.headers.location ?? '', text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Returns the error of a request that must fail. */
export async function failureOf(request: Promise<unknown>): Promise<unknown> {
  const outcome = await request.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  assert.ok(outcome, 'the request did not fail');
  return outcome.error;
}

/** Asks again until the answer is not `undefined`. */
export async function until<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    assert.ok(Date.now() < deadline, `it does not come to it: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Returns the path of the program under test. */
export function program(): string {
  const path = process.env['CONNECTIONS_BIN'];
  assert.ok(path, 'set CONNECTIONS_BIN to the path of the program "connections"');
  return path;
}
