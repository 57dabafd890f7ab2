/**
 * Pauses that a signal ends.
 */
import { ConnectionsError } from './errors.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 20_000;

/** Waits for so many milliseconds, or until the signal is aborted. */
export function pause(milliseconds: number, signal?: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end);
  });
}

/**
 * Waits before another attempt: twice as long after each failure, and not as long as other clients do. A server may ask
 * to wait longer.
 */
export function backOff(failures: number, error: unknown, signal?: AbortSignal | undefined): Promise<void> {
  const asked = (error instanceof ConnectionsError && error.retryAfter) || 0;
  const usual = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures, 8));
  return pause(Math.max(asked * 1000, usual * (0.75 + Math.random() / 2)), signal);
}
