/**
 * An extension, which uses a connection without holding a secret of its provider.
 */
import type { Requests } from './requests.js';
import type { components } from './schema.js';

type Schemas = components['schemas'];

/** The connection that an extension would use, without any secret. */
export type ResolvedConnection = Schemas['ResolvedConnection'];

/** The state of a hand-off. */
export type HandOff = Schemas['HandOff'] & {
  /** The address of the page on which a person provides what is required; `null` if nothing is required. */
  page: string | null;
};

/** The state of a hand-off that its extension follows. */
export type FollowedHandOff = HandOff & Schemas['FollowedHandOff'];

/** How the state of a hand-off is read. */
export interface RetryOptions {
  /** The `cursor` of a state. The answer then waits for another state, for 25 seconds at most. */
  after?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A request to a provider, besides its method and path. */
export interface SendOptions {
  headers?: Headers | Record<string, string> | [name: string, value: string][] | undefined;
  body?: string | Uint8Array | undefined;
  /** The id of the requirement in the manifest. The usual one is `default`. */
  requirement?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** An extension that was added to the server. */
export interface Extension {
  /** Returns the connection that the extension would use. No provider is asked. */
  resolve(): Promise<ResolvedConnection>;
  /** Begins the hand-off of a person to the page. Nothing is required if the connection exists and is granted. */
  handOff(command?: string): Promise<HandOff>;
  /**
   * Returns the state of a hand-off, and of the setup that a person has begun for the extension. Nothing is required as
   * soon as the extension can continue.
   */
  retry(ticket: string, options?: RetryOptions): Promise<FollowedHandOff>;
  /**
   * Sends a request to the provider with the credential of the connection that was granted to the extension.
   *
   * @param path the path below the base address of the connection, beginning with `/`
   * @returns the provider's answer, whatever its status is
   * @throws {ConnectionsError} if the server refuses: `connection_missing`, `connection_failed` or `not_granted` until a
   * person provides what is required
   */
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
}

/** Returns the extension with this name. */
export function extensionOf(requests: Requests, baseUrl: string, name: string): Extension {
  const params = { path: { name } };
  const shown = <Read extends Schemas['HandOff']>(read: Read): Read & { page: string | null } => {
    const way = read.required?.way;
    return { ...read, page: way ? `${baseUrl}${way}` : null };
  };
  return {
    resolve: () => requests.get('/api/v1/extensions/{name}/resolved', { params }),
    handOff: async (command) =>
      shown(await requests.post('/api/v1/extensions/{name}/hand-off', { params, body: { command: command ?? null } })),
    retry: async (ticket, { after, signal } = {}) =>
      shown(
        await requests.get('/api/v1/extensions/{name}/hand-off/{ticket}', {
          params: { path: { name, ticket }, query: after === undefined ? {} : { after } },
          signal: signal ?? null,
        }),
      ),
    async send(method, path, { headers, body, requirement = 'default', signal } = {}) {
      const answer = await requests.post('/api/v1/extensions/{name}/connections/{requirement}/send', {
        params: { path: { name, requirement } },
        body: {
          method: method.toUpperCase(),
          path,
          headers: [...new Headers(headers)].map(([name, value]) => ({ name, value })),
          ...encoded(body),
        },
        signal: signal ?? null,
      });
      return responseOf(answer);
    },
  };
}

function encoded(body: string | Uint8Array | undefined): { body?: string; encoding?: Schemas['Encoding'] } {
  if (body === undefined) return {};
  return typeof body === 'string' ? { body, encoding: 'utf8' } : { body: btoa(binary(body)), encoding: 'base64' };
}

function responseOf({ status, headers, encoding, body }: Schemas['Answer']): Response {
  const answered = new Headers();
  // A header holds bytes: a character of several bytes is one character for each of them.
  for (const { name, value } of headers) answered.append(name, binary(new TextEncoder().encode(value)));
  const hasNoBody = [204, 205, 304].includes(status);
  const bytes = encoding === 'base64' ? Uint8Array.from(atob(body), (char) => char.charCodeAt(0)) : body;
  return new Response(hasNoBody ? null : bytes, { status, headers: answered });
}

/** Returns bytes as a text with one character for each byte. */
function binary(bytes: Uint8Array): string {
  const CHUNK = 0x8000;
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}
