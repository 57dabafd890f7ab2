/**
 * Following a setup: reads where it stands, waits for changes, and sends answers.
 */
import { useCallback, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { sleep } from '../live.js';
import { token } from '../session.js';

const ENDS = ['done', 'failed', 'cancelled'];

/** Returns `true` if a setup ended because access was refused at the provider. A kind may put its name before the code. */
const isRefused = (setup) => setup.type === 'failed' && /(^|_)access_denied$/.test(setup.reason.code);

/**
 * What was typed into setups of a kind, in the memory of the page, until one of them ends in another way than by a
 * refusal at the provider. A setup that is begun again after a refusal does not ask for it again.
 * @type {Map<string, {id: string, names: string, answers: object}[]>}
 */
const typed = new Map();
/** The kind, for the visitor who has this token. */
const keyOf = (setup) => `${setup.kind} ${token()}`;
const namesOf = ({ fields }) => fields.map((field) => field.name).join(' ');

function keepTyped(setup, answers) {
  // An address of the browser belongs to one sign-in.
  if (setup.open) return;
  forgetTyped(setup);
  typed.set(keyOf(setup), [...(typed.get(keyOf(setup)) ?? []), { id: setup.id, names: namesOf(setup), answers }]);
}

/** Forgets what was typed into a step, such as answers that were refused. */
function forgetTyped(setup) {
  const others = (typed.get(keyOf(setup)) ?? []).filter(({ names }) => names !== namesOf(setup));
  typed.set(keyOf(setup), others);
}

/** Returns what was typed into this step of an earlier setup, or `undefined`. */
function typedBefore(setup) {
  if (setup?.type !== 'prompt' || setup.open || setup.problem) return undefined;
  const kept = typed.get(keyOf(setup)) ?? [];
  return kept.find(({ id, names }) => id !== setup.id && names === namesOf(setup))?.answers;
}

/**
 * Answers to the first question of setups, by the id of the setup, until it ends.
 * @type {Map<string, {answers: object, isSent: boolean}>}
 */
const given = new Map();

/** Answers the first question of a setup as soon as its screen shows it. */
export const answerFirst = (id, answers) => given.set(id, { answers, isSent: false });

/** Returns the answers that a setup was begun with. They fill the form in which a refused one is corrected. */
export const firstAnswers = (id) => given.get(id)?.answers;

function givenBefore(setup) {
  const first = setup?.type === 'prompt' ? given.get(setup.id) : undefined;
  if (!first || first.isSent) return undefined;
  first.isSent = true;
  return first.answers;
}

/** Returns `true` if an error ends when the server is reached again or has recovered. */
const isPassing = (error) => error !== null && (error.status === 0 || error.status === 429 || error.status >= 500);

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
    // The answer to a step with an address may come from the browser that opened it, and is not one of another tab.
    const isMoved = was?.type === 'prompt' && !was.open && setup.step !== was.step && !own.current;
    latest.current = setup;
    if (hasEnded(setup)) given.delete(setup.id);
    if (hasEnded(setup) && !isRefused(setup)) typed.delete(keyOf(setup));
    setState({ setup, error: null, isOffline: false, isOtherTab: isMoved && !hasEnded(setup) });
  }, []);

  useEffect(() => {
    latest.current = null;
    const answered = () => setAction((was) => (isPassing(was.error) ? { ...was, error: null } : was));
    return whileShown((signal) => void follow(path, signal, { latest, show, setState, answered }));
  }, [path]);

  const send = useCallback(
    async (method, suffix, body) => {
      own.current = true;
      setAction({ isBusy: true, error: null });
      const before = latest.current;
      // The wait for changes may bring a newer state, such as the end, before this request is answered.
      const showIfNewest = (setup) => latest.current === before && show(setup);
      let isAccepted = false;
      try {
        const setup = method === 'DELETE' ? await api.delete(path) : await api.post(`${path}${suffix}`, body);
        isAccepted = true;
        setAction({ isBusy: false, error: null });
        showIfNewest(setup ?? (await api.get(path)));
      } catch (error) {
        setAction({ isBusy: false, error });
        if (['setup_wrong_step', 'setup_ended', 'setup_no_prompt'].includes(error.code)) {
          setAction({ isBusy: false, error: null });
          const setup = await api.get(path).catch(() => null);
          if (setup) {
            show(setup);
            setState((was) => ({ ...was, isOtherTab: !before?.open && !hasEnded(setup) }));
          }
        }
      } finally {
        own.current = false;
      }
      return isAccepted;
    },
    [path],
  );

  const answer = async (answers) => {
    const asked = latest.current;
    keepTyped(asked, answers);
    if (!(await send('POST', '/answers', { step: asked.step, answers }))) forgetTyped(asked);
  };
  useEffect(() => {
    const answers = givenBefore(state.setup) ?? typedBefore(state.setup);
    if (answers) void answer(answers);
  }, [state.setup]);

  return {
    ...state,
    ...action,
    actionError: action.error,
    error: state.error,
    // The error of the person's own request says the same, and what to do.
    isOffline: state.isOffline && !isPassing(action.error),
    answer,
    confirm: () => send('POST', '/confirm', { step: latest.current.step }),
    resume: () => send('POST', '/resume', {}),
    cancel: () => send('DELETE'),
  };
}

/** Reads a setup until it ends. `answered` is called after each answer of the server. */
async function follow(path, signal, { latest, show, setState, answered }) {
  let pause = 1000;
  let isOffline = false;
  while (!signal.aborted) {
    try {
      const was = latest.current;
      const query = was && !isOffline ? { after: was.cursor } : {};
      const setup = await api.get(path, query, signal);
      if (signal.aborted) return;
      answered();
      if (setup.cursor !== latest.current?.cursor) show(setup);
      else setState((now) => (now.isOffline ? { ...now, isOffline: false } : now));
      if (hasEnded(setup)) return;
      pause = 1000;
      isOffline = false;
      if (was) await sleep(100, signal);
    } catch (error) {
      if (signal.aborted || error.name === 'AbortError') return;
      if (!isPassing(error)) {
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
