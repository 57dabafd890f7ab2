/**
 * Requests to the API below `/api/v1`.
 */
import { moment } from './format.js';
import { BASE, forgetToken, isLink, owner, token } from './session.js';
import { texts } from './texts.js';

const words = texts.errors.unreachable;

/** A request that the server refused, or that did not reach it. */
export class ApiError extends Error {
  /** @param {{status: number, code: string, detail?: string, remedy?: string | null, problems?: object[]}} content */
  constructor({ status, code, title, detail, providerText, remedy, field, problems }) {
    super(detail || title || texts.errors.unknown);
    this.status = status;
    this.code = code;
    this.providerText = providerText ?? null;
    this.remedy = remedy ?? null;
    /** The problems with single fields: `{field, message}`. */
    this.problems = problems?.length || !field ? (problems ?? []) : [{ field, message: this.message }];
  }
}

let onSignedOut = (_wasLink) => {};
let isForAllOwners = false;

/** Whether the last request reached the server, and the time of its last sign of life, or `null` before the first. */
let reach = { isReached: true, at: null };
const reachListeners = new Set();

/** Returns whether the last request reached the server, and the time of its last sign of life. */
export const reached = () => reach;

/**
 * Keeps that the server was reached now, or that it was not.
 * @param {boolean} isReached
 */
export function setReached(isReached) {
  const wasReached = reach.isReached;
  reach = { isReached, at: isReached ? Date.now() : reach.at };
  if (wasReached !== isReached) for (const listener of [...reachListeners]) listener(isReached);
}

/**
 * Calls back when the server can no longer be reached, and when it can be reached again.
 * @param {(isReached: boolean) => void} listener
 * @returns {() => void} ends it
 */
export function onReach(listener) {
  reachListeners.add(listener);
  return () => reachListeners.delete(listener);
}

/**
 * Sets what happens after the server refused the token.
 * @param {(wasLink: boolean) => void} callback gets whether the token was that of a setup link
 */
export function setOnSignedOut(callback) {
  onSignedOut = callback;
}

/** Forgets the token that the server refused, and says so. */
export function signOut() {
  const wasLink = isLink();
  forgetToken();
  onSignedOut(wasLink);
}

/**
 * Says whether the token has no owner, so that each request names one.
 * @param {boolean} value
 */
export function setForAllOwners(value) {
  isForAllOwners = value;
}

/**
 * Builds the address of a route.
 * @param {string} path such as `/connections`
 * @param {Record<string, string | number | null | undefined>} [query] members without a value are left out
 */
export function address(path, query = {}) {
  const entries = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  if (isForAllOwners) entries.push(['owner', owner()]);
  const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  return `${BASE}/api/v1${path}${text ? `?${text}` : ''}`;
}

/**
 * Returns the headers of a request by this page.
 * @param {Record<string, string>} [more]
 */
export function headers(more = {}) {
  const bearer = token();
  return bearer ? { Authorization: `Bearer ${bearer}`, ...more } : more;
}

/**
 * Sends a request and returns the JSON of its answer, or `null` for an answer without a body.
 * @param {string} path
 * @param {{method?: string, query?: object, body?: object, signal?: AbortSignal, anonymous?: boolean,
 *   creates?: boolean, ifMatch?: string, withTag?: boolean}} [options] `creates` sends a key, so that a repeated request
 *   creates nothing twice; `ifMatch` is the tag of what may be replaced; with `withTag`, the tag is returned beside the body
 * @throws {ApiError}
 */
export async function request(path, options = {}) {
  const { method = 'GET', query, body, signal, anonymous = false, creates = false, ifMatch } = options;
  const sent = { method, signal, cache: 'no-store', headers: anonymous ? {} : headers() };
  if (method !== 'GET' && method !== 'DELETE') {
    sent.headers['Content-Type'] = 'application/json';
    sent.body = JSON.stringify(body ?? {});
  }
  if (creates) sent.headers['Idempotency-Key'] = randomKey();
  if (ifMatch) sent.headers['If-Match'] = ifMatch;
  let answer;
  try {
    answer = await fetch(address(path, query), sent);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    setReached(false);
    throw new ApiError({ status: 0, code: 'unreachable', detail: words.detail, remedy: unreachableRemedy(method) });
  }
  if (answer.ok) {
    setReached(true);
    if (options.withTag) return { body: await parse(answer), tag: answer.headers.get('ETag') };
    return answer.status === 204 ? null : parse(answer);
  }
  const content = (await parse(answer).catch(() => null)) ?? {};
  // A program in front of the server answers for it without a code.
  setReached(answer.status < 500 || content.code !== undefined);
  if (answer.status === 401 && !anonymous) signOut();
  const code = content.code ?? `http_${answer.status}`;
  const seconds = Number(answer.headers.get('Retry-After'));
  const remedy = content.remedy ?? (answer.status === 429 && seconds ? texts.errors.tryAgainIn(seconds) : null);
  throw new ApiError({ detail: texts.errors.status(answer.status), ...content, remedy, code, status: answer.status });
}

/** Returns what to do about a server that is not reached. Only reading is repeated by the page itself. */
function unreachableRemedy(method) {
  const parts = [method === 'GET' ? words.reading : words.changing];
  if (reach.at !== null) parts.push(words.last(moment(reach.at)));
  return parts.join(' ');
}

async function parse(answer) {
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/** Returns a random key. `crypto.randomUUID` exists only in secure contexts, which a private network may lack. */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Short forms for the methods. */
export const api = {
  get: (path, query, signal) => request(path, { query, signal }),
  post: (path, body, options) => request(path, { method: 'POST', body, ...options }),
  put: (path, body, options) => request(path, { method: 'PUT', body, ...options }),
  patch: (path, body) => request(path, { method: 'PATCH', body }),
  delete: (path) => request(path, { method: 'DELETE' }),
};

/**
 * Escapes a part of a path.
 * @param {string} text
 */
export const part = (text) => encodeURIComponent(text);
