/**
 * Reading from the API in components: what is shown while it loads, when it failed, and when a hint says that it
 * changed.
 */
import { useCallback, useEffect, useRef, useState } from './vendor/preact-htm.js';
import { api } from './api.js';
import { listen, readAgainLater } from './live.js';

/** Hints that arrive within this time cause one request. */
const GATHER = 300;
/** The number of rows of a page of a list unless a query names another one, and the maximum. */
const LIMIT = 50;
const MAX_LIMIT = 500;

/**
 * Reads a resource, and reads it again after a hint. `stop` ends the reading that is under way.
 * @param {string | null} path `null` reads nothing
 * @param {{query?: object, hints?: string[], id?: string}} [options] `hints` are the names of live events; with `id`,
 *   only hints with this id count
 */
export function useResource(path, { query, hints = [], id } = {}) {
  const key = path === null ? null : JSON.stringify([path, query ?? null]);
  const [state, setState] = useState({ key, data: null, error: null });
  const reading = useRef(null);
  const stop = useCallback(() => reading.current?.abort(), []);

  const load = useCallback(async () => {
    if (key === null) return;
    stop();
    reading.current = new AbortController();
    const { signal } = reading.current;
    try {
      const data = await api.get(path, query, signal);
      if (!signal.aborted) setState({ key, data, error: null });
    } catch (error) {
      if (!signal.aborted) setState((was) => ({ key, data: was.key === key ? was.data : null, error }));
    }
  }, [key]);

  useEffect(() => {
    void load();
    return stop;
  }, [load]);

  useHints(hints, id, load);
  useReadAgain(state.error, hints, load);
  const isOwn = state.key === key;
  const setData = useCallback(
    (data) => {
      stop();
      setState({ key, data, error: null });
    },
    [key],
  );
  return { data: isOwn ? state.data : null, error: isOwn ? state.error : null, reload: load, setData, stop };
}

/**
 * Calls back after live events, gathered.
 * @param {string[]} names
 * @param {string | undefined} id
 * @param {(ids: (string | null)[]) => void} callback gets the ids, `null` for a gap
 */
export function useHints(names, id, callback) {
  const latest = useRef(callback);
  latest.current = callback;
  const wanted = names.join(' ');
  useEffect(() => {
    if (!wanted) return undefined;
    let timer = 0;
    let ids = [];
    const end = listen((hint) => {
      const isGap = hint.name === 'any';
      if (!isGap && !(wanted.split(' ').includes(hint.name) && (!id || hint.id === id))) return;
      ids.push(isGap ? null : hint.id);
      clearTimeout(timer);
      timer = setTimeout(() => {
        const gathered = ids;
        ids = [];
        latest.current(gathered);
      }, GATHER);
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [wanted, id]);
}

/**
 * Reads again after a pause while the server is not reached or has a problem.
 * @param {import('./api.js').ApiError | null} error that of the last reading
 * @param {string[]} hints the names of live events after which it is read again anyway
 * @param {() => void} [read] what is done without such names
 */
export function useReadAgain(error, hints, read) {
  const isPassing = error && (error.status === 0 || error.status >= 500);
  useHints(isPassing && !hints.length ? ['any'] : [], undefined, read);
  useEffect(() => {
    if (isPassing) readAgainLater();
  }, [error]);
}

/**
 * Runs an action once at a time and keeps its error.
 * @template T
 * @param {(...values: any[]) => Promise<T>} action
 */
export function useAction(action) {
  const [state, setState] = useState({ isBusy: false, error: null });
  const latest = useRef(action);
  latest.current = action;
  const busy = useRef(false);
  const run = useCallback(async (...values) => {
    if (busy.current) return undefined;
    busy.current = true;
    setState({ isBusy: true, error: null });
    try {
      const result = await latest.current(...values);
      setState({ isBusy: false, error: null });
      return result;
    } catch (error) {
      setState({ isBusy: false, error });
      return undefined;
    } finally {
      busy.current = false;
    }
  }, []);
  const clear = useCallback(() => setState((was) => ({ ...was, error: null })), []);
  return { run, clear, ...state };
}

/**
 * Reads a list page by page. After a hint, the rows that are shown are read again at once, as far as one page holds them.
 * @param {string} path
 * @param {object} query
 * @param {string[]} hints
 */
export function usePages(path, query, hints = []) {
  const key = JSON.stringify([path, query]);
  const [state, setState] = useState({ key: null, items: [], next: null, first: null, error: null, isLoading: true });
  const count = useRef(0);
  const shown = useRef(0);

  const load = useCallback(
    async (after, before) => {
      const own = (count.current += 1);
      // A problem is shown until it is over.
      setState((was) => ({ ...was, isLoading: true, error: was.key === key ? was.error : null }));
      try {
        const limit = Math.min(Math.max(query.limit ?? LIMIT, before ? 0 : shown.current), MAX_LIMIT);
        const page = await api.get(path, { ...query, limit, after });
        if (own !== count.current) return;
        const items = before ? [...before, ...page.items] : page.items;
        shown.current = items.length;
        setState((was) => ({
          key,
          items,
          next: page.next,
          first: before ? was.first : page,
          error: null,
          isLoading: false,
        }));
      } catch (error) {
        if (own === count.current) setState((was) => ({ ...was, key, error, isLoading: false }));
      }
    },
    [key],
  );

  useEffect(() => {
    shown.current = 0;
    void load(null, null);
    return () => {
      count.current += 1;
    };
  }, [load]);
  const reload = () => void load(null, null);
  useHints(hints, undefined, reload);
  useReadAgain(state.error, hints, reload);

  const isOwn = state.key === key;
  const more = () => isOwn && state.next && !state.isLoading && void load(state.next, state.items);
  const empty = { items: [], next: null, first: null, error: null, isLoading: true };
  return { ...(isOwn ? state : empty), more, reload };
}
