/**
 * Live events: hints that something changed, after which a program reads again.
 */
import { ConnectionsError } from './errors.js';
import type { Server } from './request.js';
import { backOff } from './wait.js';

/** A stream without the server's sign of life for this time is dead. The server sends one each 15 seconds. */
const SILENCE = 45_000;

/** A live event. */
export type LiveEvent =
  /** The program listens from now on: what it reads after this cannot change without an event. */
  | { type: 'opened' }
  /** The program listens again, after it may have missed events: it reads again everything that it shows. */
  | { type: 'gap' }
  /** Something changed. `of` is `connection`, `extension`, `grant`, `setup`, `usage`, or a word of a later version. */
  | { type: 'changed'; of: string; id: string | null };

/** How live events are read. */
export interface LiveOptions {
  /** Ends the events. The iterator then ends without an error. */
  signal?: AbortSignal | undefined;
}

/**
 * Reads live events until the signal ends them.
 *
 * It connects again after each interruption.
 *
 * @throws {ConnectionsError} if the server refuses, for example because the token was revoked
 */
export async function* readLive(server: Server, { signal }: LiveOptions = {}): AsyncGenerator<LiveEvent, void> {
  let type: 'opened' | 'gap' = 'opened';
  let failures = 0;
  let failure: unknown = null;
  while (!signal?.aborted) {
    const attempt = new AbortController();
    const end = () => attempt.abort();
    signal?.addEventListener('abort', end);
    try {
      const reader = await alive(attempt, open(server, attempt.signal));
      failures = 0;
      failure = null;
      yield { type };
      type = 'gap';
      const decoder = new TextDecoder();
      let rest = '';
      for (;;) {
        const { done, value } = await alive(attempt, reader.read());
        if (done) break;
        const blocks = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = parse(block);
          if (event) yield event;
        }
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof ConnectionsError && !error.isTemporary) throw error;
      failures += 1;
      failure = error;
    } finally {
      signal?.removeEventListener('abort', end);
      end();
    }
    await backOff(failures, failure, signal);
  }
}

async function open({ baseUrl, headers, query, send }: Server, signal: AbortSignal) {
  const search = query({});
  const address = `${baseUrl}/api/v1/live${search && `?${search}`}`;
  const { body } = await send(
    new Request(address, { headers: { ...headers, Accept: 'text/event-stream' }, redirect: 'error', signal }),
  );
  if (!body) throw new ConnectionsError({ code: 'unreachable', detail: `${baseUrl} sent no events` });
  return body.getReader();
}

/** Ends an attempt if nothing comes in time. The time that the caller needs for an event does not count. */
async function alive<T>(attempt: AbortController, next: Promise<T>): Promise<T> {
  const timer = setTimeout(() => attempt.abort(), SILENCE);
  try {
    return await next;
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the event of a block of lines; `null` for a comment. */
function parse(block: string): LiveEvent | null {
  let of = 'message';
  let data = '';
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith('event:')) of = line.slice(6).trim();
    if (line.startsWith('data:')) data += line.slice(5).trim();
  }
  if (!data) return null;
  try {
    const { id } = JSON.parse(data) as { id?: unknown };
    return { type: 'changed', of, id: typeof id === 'string' ? id : null };
  } catch {
    return { type: 'gap' };
  }
}
