/**
 * Requests to one server: its address, the token in the header, the owner, and failures as errors.
 */
import { createQuerySerializer } from 'openapi-fetch';
import { ConnectionsError, refusal } from './errors.js';

/** The server, and how to reach it. */
export interface ConnectOptions {
  /** The address of the server, such as `http://127.0.0.1:8745`. */
  baseUrl: string;
  /** The token of the program, which `connections tokens create` prints. */
  token: string;
  /** The owner to act for, if the token is for every owner. */
  owner?: string | undefined;
  /** The function that sends requests, in place of the global one. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
}

/** One server, with the token of the caller. */
export interface Server {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Returns the query of an address, with the owner. */
  query(query: Record<string, unknown>): string;
  /** Sends a request. An answer is returned only if it is a success. */
  send(request: Request): Promise<Response>;
}

/** Checks the options and returns the server that they name. */
export function server({ baseUrl, token, owner, fetch = globalThis.fetch }: ConnectOptions): Server {
  const base = checked(baseUrl);
  // The error of a header with other characters would repeat the token.
  if (!/^[!-~]+$/.test(token)) throw new TypeError('the token is empty or has a character that no token has');
  const serialize = createQuerySerializer<unknown>();
  return {
    baseUrl: base,
    headers: { Authorization: `Bearer ${token}` },
    query: (query) => serialize(owner === undefined ? query : { ...query, owner }),
    async send(request) {
      try {
        const response = await fetch(request);
        if (!response.ok) throw await refusal(response);
        if (response.status === 204 || hasType(response, 'text/event-stream')) return response;
        if (!hasType(response, 'application/json')) throw notOurs(base, response);
        // The body is read here, so that an interruption is an error like any other.
        return new Response(await response.arrayBuffer(), response);
      } catch (error) {
        if (error instanceof ConnectionsError) throw error;
        if (request.signal.aborted) throw request.signal.reason;
        throw unreachable(base, error);
      }
    },
  };
}

/** Returns the address without a slash at its end. The error does not repeat it, because it may hold a code. */
function checked(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new TypeError('the base URL is not an http or https address');
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError('the base URL must not have a user name, a query or a fragment');
  }
  return url.href.replace(/\/+$/, '');
}

/** Returns the error for a request without an answer. The cause is named by its code, because it may hold the request. */
function unreachable(base: string, error: unknown): ConnectionsError {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  const code = typeof cause === 'object' && cause && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new ConnectionsError({
    code: 'unreachable',
    detail: `cannot reach ${base}${code}`,
    remedy: 'check that the server runs and listens at this address',
  });
}

function hasType({ headers }: Response, type: string): boolean {
  return headers.get('Content-Type')?.startsWith(type) ?? false;
}

function notOurs(base: string, { status }: Response): ConnectionsError {
  return new ConnectionsError({
    code: 'not_json',
    detail: `${base} answered with something else than JSON`,
    remedy: 'check that the base URL is the address of a Connections server',
    status,
  });
}
