/**
 * The requests that wait for the visitor: their number, and notifications of new ones.
 */
import { useEffect, useState } from './vendor/preact-htm.js';
import { api } from './api.js';
import { useHints } from './resource.js';
import { navigate } from './router.js';
import { texts } from './texts.js';
import { setWaiting } from './title.js';

/** Returns `true` if the browser can notify and the visitor was not asked yet. */
export const canAsk = () => 'Notification' in window && Notification.permission === 'default';

/** Asks the visitor for the permission to notify. */
export const askToNotify = () => Notification.requestPermission();

function notify(of) {
  if (!('Notification' in window) || Notification.permission !== 'granted' || !document.hidden) return;
  try {
    // The text names no content of the request: the screen of a locked device may show it.
    const shown = new Notification(texts.approvals.notification(of.agent), { tag: of.id });
    shown.onclick = () => {
      window.focus();
      navigate(`/approvals/${encodeURIComponent(of.id)}`);
    };
  } catch {
    // Some browsers notify only from a service worker, and this page has none.
  }
}

/**
 * Returns the number of requests that wait, and notifies of new ones.
 * @param {boolean} isOn
 */
export function useWaiting(isOn) {
  const [items, setItems] = useState(null);
  const read = () =>
    api.get('/approvals', { state: 'waiting' }).then(
      (page) => {
        setItems((was) => {
          const known = new Set(was?.map(({ id }) => id));
          if (was) page.items.filter(({ id }) => !known.has(id)).forEach(notify);
          return page.items;
        });
      },
      () => {},
    );
  useEffect(() => {
    if (isOn) void read();
  }, [isOn]);
  useHints(isOn ? ['connection'] : [], undefined, read);
  const waiting = isOn ? (items?.length ?? 0) : 0;
  useEffect(() => setWaiting(waiting), [waiting]);
  return waiting;
}
