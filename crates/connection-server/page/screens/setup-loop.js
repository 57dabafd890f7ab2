/**
 * Following a setup: reads where it stands, waits for changes, and sends answers.
 */
import { useCallback, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';

const ENDS = ['done', 'failed', 'cancelled'];

/** Returns `true` if a setup has ended. */
export const hasEnded = (setup) => ENDS.includes(setup?.type);

/** Adds the purpose of a setup to its state, because the server keeps the purpose only until the setup ends. */
const withPurpose = (setup, was) => ({
  ...setup,
  reauthorizes: setup.reauthorizes ?? was?.reauthorizes ?? null,
  extension: setup.extension ?? was?.extension ?? null,
});

/**
 * Keeps a request open while the page is shown. A page that the person has left may stay in memory for the back button,
 * where the request would keep one of the few connections that a browser opens to a server.
 * @param {(signal: AbortSignal) => void} begin
 * @returns {() => void} ends it
 */
function whileShown(begin) {
  let running = new AbortController();
  const hide = () => running.abort();
  const show = ({ persisted }) => {
    if (!persisted) return;
    running = new AbortController();
    begin(running.signal);
  };
  window.addEventListener('pagehide', hide);
  window.addEventListener('pageshow', show);
  begin(running.signal);
  return () => {
    window.removeEventListener('pagehide', hide);
    window.removeEventListener('pageshow', show);
    running.abort();
  };
}

/**
 * Follows a setup until it ends.
 * @param {string} id
 */
export function useSetup(id) {
  const [state, setState] = useState({ setup: null, error: null, isOffline: false, isOtherTab: false });
  const [action, setAction] = useState({ isBusy: false, error: null });
  const path = `/setups/${part(id)}`;
  const latest = useRef(null);
  const own = useRef(false);

  const show = useCallback((now) => {
    const was = latest.current;
    const setup = withPurpose(now, was);
    const isMoved = was?.type === 'prompt' && setup.step !== was.step && !own.current;
    latest.current = setup;
    setState({ setup, error: null, isOffline: false, isOtherTab: isMoved && !hasEnded(setup) });
  }, []);

  useEffect(() => {
    latest.current = null;
    return whileShown((signal) => void follow(path, signal, latest, show, setState));
  }, [path]);

  const send = useCallback(
    async (method, suffix, body) => {
      own.current = true;
      setAction({ isBusy: true, error: null });
      const before = latest.current;
      // The wait for changes may bring a newer state, such as the end, before this request is answered.
      const showIfNewest = (setup) => latest.current === before && show(setup);
      try {
        const setup = method === 'DELETE' ? await api.delete(path) : await api.post(`${path}${suffix}`, body);
        setAction({ isBusy: false, error: null });
        showIfNewest(setup ?? (await api.get(path)));
      } catch (error) {
        setAction({ isBusy: false, error });
        if (['setup_wrong_step', 'setup_ended', 'setup_no_prompt'].includes(error.code)) {
          setAction({ isBusy: false, error: null });
          const setup = await api.get(path).catch(() => null);
          if (setup) {
            show(setup);
            setState((was) => ({ ...was, isOtherTab: !hasEnded(setup) }));
          }
        }
      } finally {
        own.current = false;
      }
    },
    [path],
  );

  return {
    ...state,
    ...action,
    actionError: action.error,
    error: state.error,
    answer: (answers) => send('POST', '/answers', { step: latest.current.step, answers }),
    confirm: () => send('POST', '/confirm', { step: latest.current.step }),
    resume: () => send('POST', '/resume', {}),
    cancel: () => send('DELETE'),
  };
}

async function follow(path, signal, latest, show, setState) {
  let pause = 1000;
  let isOffline = false;
  while (!signal.aborted) {
    try {
      const was = latest.current;
      const query = was && !isOffline ? { after: was.cursor } : {};
      const setup = await api.get(path, query, signal);
      if (signal.aborted) return;
      if (setup.cursor !== latest.current?.cursor) show(setup);
      else setState((now) => (now.isOffline ? { ...now, isOffline: false } : now));
      if (hasEnded(setup)) return;
      pause = 1000;
      isOffline = false;
      if (was) await sleep(100, signal);
    } catch (error) {
      if (signal.aborted || error.name === 'AbortError') return;
      const isPassing = error.status === 0 || error.status === 429 || error.status >= 500;
      if (!isPassing) {
        setState((now) => ({ ...now, error }));
        return;
      }
      isOffline = true;
      setState((now) => ({ ...now, isOffline: true, error: now.setup ? null : error }));
      await sleep(pause, signal);
      pause = Math.min(pause * 2, 10000);
    }
  }
}

function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
