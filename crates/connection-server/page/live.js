/**
 * Live events: hints that something changed, after which a screen reads again.
 *
 * One stream serves the whole page. It is read with `fetch`, because the token is a header. While the stream cannot be
 * opened, a timer gives the hint that anything may have changed.
 */
import { address, headers, setReached, signOut } from './api.js';

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 20000;
const POLL_INTERVAL = 15000;
/** A stream without the server's sign of life for this time is dead. */
const SILENCE = 45000;
/** A hidden page keeps its stream this long, because a browser opens only few connections to a server. */
const HIDDEN = 30000;

const listeners = new Set();
let state = 'off';
let failures = 0;
/** The first attempt to open a stream, before which a screen has missed nothing. */
let isFirst = true;
let stop = null;

/**
 * Listens for hints.
 * @param {(hint: {name: string, id: string | null}) => void} listener gets the name `any` after a gap
 * @returns {() => void} ends it
 */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Returns `live`, `polling` or `off`. */
export const liveState = () => state;

function tell(hint) {
  for (const listener of [...listeners]) listener(hint);
}

function become(next) {
  if (state === next) return;
  state = next;
  tell({ name: 'state', id: null });
}

/** Starts reading events, once. */
export function startLive() {
  if (stop) return;
  let running = null;
  let hiddenTimer = 0;
  const start = () => {
    running ??= new AbortController();
    void loop(running.signal);
  };
  const pause = () => {
    running?.abort();
    running = null;
  };
  const onVisibility = () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(pause, HIDDEN);
    else if (!running) start();
  };
  // A page that the person has left may stay in memory for the back button, where its stream would keep one of the few
  // connections.
  const onShow = ({ persisted }) => persisted && !running && start();
  document.addEventListener('visibilitychange', onVisibility);
  window.addEventListener('pagehide', pause);
  window.addEventListener('pageshow', onShow);
  stop = () => {
    document.removeEventListener('visibilitychange', onVisibility);
    window.removeEventListener('pagehide', pause);
    window.removeEventListener('pageshow', onShow);
    clearTimeout(hiddenTimer);
    pause();
    stop = null;
    become('off');
  };
  start();
}

/** Stops reading events, for example because the token ended. */
export function stopLive() {
  stop?.();
}

async function loop(signal) {
  while (!signal.aborted) {
    const startedAt = Date.now();
    try {
      await read(signal, () => {
        failures = 0;
        become('live');
        if (!isFirst) tell({ name: 'any', id: null });
        isFirst = false;
      });
    } catch {
      failures += 1;
      isFirst = false;
    }
    if (signal.aborted) return;
    if (failures >= 2) {
      become('polling');
      poll();
    }
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures, 5)) * (0.75 + Math.random() / 2);
    await sleep(Math.max(0, pause - (Date.now() - startedAt)), signal);
  }
}

/** Gives the hint that anything may have changed, at most once in the interval. */
let polledAt = 0;
function poll() {
  if (Date.now() - polledAt < POLL_INTERVAL) return;
  polledAt = Date.now();
  tell({ name: 'any', id: null });
}

let againTimer = 0;
/** Gives the hint that anything may have changed after a pause, because something could not be read. */
export function readAgainLater() {
  againTimer ||= setTimeout(() => {
    againTimer = 0;
    poll();
  }, POLL_INTERVAL);
}

async function read(signal, opened) {
  const own = new AbortController();
  const abort = () => own.abort();
  signal.addEventListener('abort', abort);
  let watchdog = setTimeout(abort, SILENCE);
  try {
    const answer = await fetch(address('/live'), {
      headers: headers({ Accept: 'text/event-stream' }),
      signal: own.signal,
    });
    if (answer.status === 401) {
      stopLive();
      signOut();
    }
    if (!answer.ok || !answer.body) throw new Error('no stream');
    setReached(true);
    opened();
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      setReached(true);
      clearTimeout(watchdog);
      watchdog = setTimeout(abort, SILENCE);
      const parts = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      rest = parts.pop();
      parts.forEach(dispatch);
    }
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', abort);
  }
}

function dispatch(block) {
  let name = 'message';
  let data = '';
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith('event:')) name = line.slice(6).trim();
    if (line.startsWith('data:')) data += line.slice(5).trim();
  }
  if (!data) return;
  let id = null;
  try {
    id = JSON.parse(data).id ?? null;
  } catch {
    name = 'any';
  }
  tell({ name, id });
}

/**
 * Waits for a time, or until a signal ends the wait.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
export function sleep(milliseconds, signal) {
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
