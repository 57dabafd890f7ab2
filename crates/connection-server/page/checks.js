/**
 * The check of all connections, some at a time. It continues while the person looks at other screens.
 */
import { useEffect, useState } from './vendor/preact-htm.js';
import { api, part } from './api.js';

/** The states in the order in which their connections are checked: first those of which least is known. */
const ORDER = ['unknown', 'offline', 'failing', 'live'];
const AT_ONCE = 4;
const PAGE = 500;
/** The pause after the server asked to send fewer requests. */
const PAUSE = 1000;

const IDLE = { isRunning: false, checked: 0, refused: 0, all: 0, error: null };
const listeners = new Set();
let state = IDLE;

function become(next) {
  state = { ...state, ...next };
  for (const listener of [...listeners]) listener(state);
}

/** Returns how far the check of all connections has come. */
export function useChecks() {
  const [shown, setShown] = useState(state);
  useEffect(() => {
    listeners.add(setShown);
    setShown(state);
    return () => listeners.delete(setShown);
  }, []);
  return shown;
}

/** Ends the check. Requests that were sent are answered. */
export const stopChecks = () => become({ isRunning: false });

/** Returns the time of the last check of each connection, by its id. */
async function lastChecks() {
  const found = new Map();
  for (const wanted of ORDER) {
    let after = null;
    do {
      const page = await api.get('/connections', { state: wanted, limit: PAGE, after });
      page.items.forEach(({ id, checkedAt }) => found.set(id, checkedAt));
      after = page.next;
    } while (after && state.isRunning);
  }
  return [...found];
}

/** Checks one connection. Only a connection whose provider was asked counts as checked. */
async function check([id, before]) {
  for (;;) {
    try {
      const { checkedAt, pausedUntil } = await api.post(`/connections/${part(id)}/verify`, {});
      if (pausedUntil && checkedAt === before) return become({ refused: state.refused + 1 });
      return become({ checked: state.checked + 1 });
    } catch (error) {
      if (error.status === 429) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        if (!state.isRunning) return undefined;
      } else if (error.status === 404 || error.status === 409) {
        return become({ refused: state.refused + 1 });
      } else {
        throw error;
      }
    }
  }
}

/** Checks every connection, unless a check is running. */
export async function checkAll() {
  if (state.isRunning) return;
  become({ ...IDLE, isRunning: true });
  try {
    const left = [...(await lastChecks())];
    become({ all: left.length });
    const work = async () => {
      while (state.isRunning && left.length) await check(left.shift());
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    become({ isRunning: false });
  } catch (error) {
    become({ isRunning: false, error });
  }
}
