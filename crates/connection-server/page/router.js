/**
 * Routes through the History API, below the path at which the page is served.
 */
import { useEffect, useState } from './vendor/preact-htm.js';
import { BASE } from './session.js';

const listeners = new Set();

/** Returns the current route: the path below the base, and its query. */
export function route() {
  const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : location.pathname;
  return { path: path.replace(/\/+$/, '') || '/', query: new URLSearchParams(location.search) };
}

/**
 * Returns the address of a path of this page.
 * @param {string} path such as `/connect`
 */
export const href = (path) => `${BASE}${path}` || '/';

/**
 * Goes to a path of this page.
 * @param {string} path
 * @param {{replace?: boolean, quiet?: boolean}} [options] `replace` makes no entry in the history; `quiet` changes the
 *   address only
 */
export function navigate(path, { replace = false, quiet = false } = {}) {
  if (replace) history.replaceState(history.state, '', href(path));
  else {
    history.replaceState({ ...history.state, scroll: window.scrollY }, '');
    history.pushState({ scroll: 0 }, '', href(path));
  }
  if (!quiet) tell(!replace);
}

/** Returns the scroll position that belongs to the current entry of the history. */
export const savedScroll = () => history.state?.scroll ?? 0;

function tell(isNew) {
  for (const listener of [...listeners]) listener(isNew);
}

/** Returns the current route and renders again when it changes. */
export function useRoute() {
  const [current, setCurrent] = useState(route);
  useEffect(() => {
    const changed = () => setCurrent(route());
    listeners.add(changed);
    return () => listeners.delete(changed);
  }, []);
  return current;
}

/**
 * Finds the pattern that matches a path.
 * @param {string} path
 * @param {[string, any][]} patterns such as `/connections/:id`
 * @returns {{value: any, params: Record<string, string>} | null}
 */
export function match(path, patterns) {
  const parts = path.split('/');
  for (const [pattern, value] of patterns) {
    const names = pattern.split('/');
    if (names.length !== parts.length) continue;
    const params = {};
    const fits = names.every((name, index) => {
      if (!name.startsWith(':')) return name === parts[index];
      params[name.slice(1)] = safeDecode(parts[index]);
      return parts[index] !== '';
    });
    if (fits) return { value, params };
  }
  return null;
}

function safeDecode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Makes links of this page navigate without loading it again, and follows the browser's back and forward. */
export function startRouter() {
  history.scrollRestoration = 'manual';
  window.addEventListener('popstate', () => tell(false));
  let timer = 0;
  const save = () => history.replaceState({ ...history.state, scroll: window.scrollY }, '');
  window.addEventListener(
    'scroll',
    () => {
      clearTimeout(timer);
      timer = setTimeout(save, 150);
    },
    { passive: true },
  );
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.('a[href]');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    const path = link.pathname;
    if (link.hash || (BASE && path !== BASE && !path.startsWith(`${BASE}/`))) return;
    event.preventDefault();
    navigate(path.slice(BASE.length) + link.search || '/');
  });
}
