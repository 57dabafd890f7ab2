/**
 * The token of this page: where it is kept, and how a code or a setup link is exchanged for one.
 */

/** The path below which the page and the API are served, without a slash at the end. */
export const BASE = new URL(import.meta.url).pathname.replace(/\/assets\/.*$/, '');

const TOKEN = 'connections.token';
const OWNER = 'connections.owner';

/** Reads a value of a storage that the browser may refuse to open. */
function read(storage, name) {
  try {
    return window[storage].getItem(name);
  } catch {
    return null;
  }
}

function write(storage, name, value) {
  try {
    if (value === null) window[storage].removeItem(name);
    else window[storage].setItem(name, value);
  } catch {
    memory.set(name, value);
  }
}

const memory = new Map();

/** Returns `true` if this tab was opened with a setup link. */
export function isLink() {
  return read('sessionStorage', TOKEN) !== null || memory.get('link') === true;
}

/** Returns the token for requests, or `null` for a visitor without one. */
export function token() {
  return read('sessionStorage', TOKEN) ?? read('localStorage', TOKEN) ?? memory.get(TOKEN) ?? null;
}

/** Forgets the token of this tab, for example because the server refused it. */
export function forgetToken() {
  const storage = isLink() ? 'sessionStorage' : 'localStorage';
  write(storage, TOKEN, null);
  memory.clear();
}

/** Returns the owner for whom an administrator without an owner acts. */
export function owner() {
  return read('localStorage', OWNER) ?? 'local';
}

/**
 * Changes the owner for whom an administrator without an owner acts.
 * @param {string} name
 */
export function setOwner(name) {
  write('localStorage', OWNER, name);
}

/**
 * Takes the code out of the fragment of the address, and removes it from the address at once.
 * @returns {{code: string, isLink: boolean} | null}
 */
export function takeCode() {
  const found = /^#(code|link)=(.+)$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  return { code: decode(found[2]), isLink: found[1] === 'link' };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Exchanges a code for a token and keeps it: that of a setup link for this tab, any other for this browser.
 * @param {{code: string, isLink: boolean}} taken
 * @param {(path: string, options: object) => Promise<any>} request sends a request without a token
 */
export async function exchange({ code, isLink: link }, request) {
  // The server refuses a code of the other kind, so that an address with the code of a link in place of that of a page
  // never replaces the token of this browser.
  const body = await request('/page-tokens', { method: 'POST', body: { code, link }, anonymous: true });
  if (link) {
    memory.set('link', true);
    write('sessionStorage', TOKEN, body.token);
  } else {
    write('sessionStorage', TOKEN, null);
    memory.delete('link');
    write('localStorage', TOKEN, body.token);
  }
  if (token() !== body.token) memory.set(TOKEN, body.token);
}

/**
 * Calls back if another tab signs in or out.
 * @param {() => void} changed
 */
export function onTokenChange(changed) {
  window.addEventListener('storage', (event) => {
    if (event.key === TOKEN) changed();
  });
}
