/**
 * Setups: the steps by which a person connects an account.
 */
import { ConnectionsError, type FieldProblem } from './errors.js';
import type { Requests } from './requests.js';
import type { components } from './schema.js';
import { backOff, pause } from './wait.js';

type Schemas = components['schemas'];

/** A part of a guide: a sentence, or the name of an address to open. */
export type Guide = Schemas['Guide'];

/** A field to answer. */
export type Field = Schemas['SetupField'];

/** A notice that stays visible during the step. */
export type Notice = Schemas['SetupNotice'];

type State = Schemas['Setup'];

type End = { type: 'done' | 'failed' | 'cancelled' };

/** The content of a step, which says what a person does next. */
export type SetupContent = Exclude<Schemas['SetupState'], End>;

/** The content of a step that asks for answers. */
export type Prompt = Extract<SetupContent, { type: 'prompt' }>;

/** What every state of a setup has. */
export type SetupInfo = Omit<State, 'type'>;

/** A step of a setup. */
export type SetupStep = Exclude<State, End> & {
  /** The problems with the answers that were just sent: they are malformed, and the step is still the same. */
  problems: readonly FieldProblem[];
};

/** The answers to a step, by the name of the field. A field without a value is not answered. */
export type Answers = Record<string, string | number | boolean | string[] | undefined>;

/**
 * The reply to a step: answers to a `prompt`, `confirm` to a `confirm`, `resume` to a resumable `notice`, `cancel` to
 * any. Without a reply, the setup continues as soon as it is at another step.
 */
export type SetupReply = Answers | 'confirm' | 'resume' | 'cancel' | undefined | void;

/**
 * The function that shows a step to a person.
 *
 * It is called again for the same step if the answers are malformed. The signal is aborted when the setup is past the
 * step, for example because the person continued in a browser. If the function throws, the setup is kept, and can be
 * continued with its id.
 */
export type OnStep = (step: SetupStep, signal: AbortSignal) => SetupReply | Promise<SetupReply>;

/** The setup to begin, or the id of one that was begun before. */
export type SetupStart = Schemas['BeginSetup'] | { id: string };

/** How a setup is followed. */
export interface SetupOptions {
  /** Stops following. The setup is kept, and can be continued with its id. */
  signal?: AbortSignal | undefined;
}

/** Codes of a refusal that says that the setup is at another step. */
const MOVED = ['setup_wrong_step', 'setup_ended', 'setup_no_prompt'];
/** The least time between two requests for the state of a setup. */
const LEAST_PAUSE = 100;

/**
 * Begins or continues a setup and follows it to its end.
 *
 * While the server cannot be reached, it tries again.
 *
 * @returns the connection
 * @throws {ConnectionsError} if the server refuses, or if the setup failed or was cancelled
 */
export async function runSetup(
  requests: Requests,
  start: SetupStart,
  onStep: OnStep,
  { signal }: SetupOptions = {},
): Promise<Schemas['ShownConnection']> {
  let state = 'id' in start ? await read(requests, start.id, null, signal) : await begin(requests, start, signal);
  let problems: readonly FieldProblem[] = [];
  for (;;) {
    if (state.type === 'done') return connection(requests, state.connection ?? '', signal);
    if (state.type === 'failed') {
      const { code, message, remedy } = state.reason;
      throw new ConnectionsError({ code, detail: message, remedy });
    }
    if (state.type === 'cancelled') {
      throw new ConnectionsError({ code: 'setup_cancelled', detail: 'the setup was cancelled' });
    }
    const here = new AbortController();
    const both = signal ? AbortSignal.any([signal, here.signal]) : here.signal;
    try {
      const shown = Promise.resolve(onStep({ ...state, problems }, both));
      const reply = shown.then((reply) => (reply === undefined ? never : { reply }));
      const moved = follow(requests, state, both).then((state) => ({ state }));
      const first: { reply: Exclude<SetupReply, void> } | { state: State } = await Promise.race([reply, moved]);
      problems = [];
      state = 'state' in first ? first.state : await send(requests, state, first.reply, signal);
    } catch (error) {
      if (!(error instanceof ConnectionsError) || error.code !== 'answers_invalid') throw error;
      problems = error.problems;
    } finally {
      here.abort();
    }
  }
}

const never = new Promise<never>(() => {});

function begin(requests: Requests, body: Schemas['BeginSetup'], signal: AbortSignal | undefined): Promise<State> {
  return requests.post('/api/v1/setups', { body, signal: signal ?? null });
}

/** Returns the state of a setup; with a cursor, as soon as the state is another one, or after 25 seconds. */
async function read(
  requests: Requests,
  id: string,
  after: string | null,
  signal: AbortSignal | undefined,
): Promise<State> {
  const params = { path: { id }, query: after === null ? {} : { after } };
  return retrying(signal, () => requests.get('/api/v1/setups/{id}', { params, signal: signal ?? null }));
}

async function follow(requests: Requests, { id, cursor }: State, signal: AbortSignal): Promise<State> {
  for (;;) {
    const state = await read(requests, id, cursor, signal);
    if (state.cursor !== cursor) return state;
    await pause(LEAST_PAUSE, signal);
  }
}

function connection(requests: Requests, id: string, signal: AbortSignal | undefined) {
  const ask = () => requests.get('/api/v1/connections/{id}', { params: { path: { id } }, signal: signal ?? null });
  return retrying(signal, ask);
}

/** Sends a reply. A reply to a step is safe to repeat, because it names the step. */
async function send(
  requests: Requests,
  { id, step: number }: State,
  reply: Answers | 'confirm' | 'resume' | 'cancel',
  signal: AbortSignal | undefined,
): Promise<State> {
  const step = number ?? 0;
  const common = { params: { path: { id } }, signal: signal ?? null };
  try {
    return await retrying(signal, async () => {
      switch (reply) {
        case 'cancel':
          await requests.delete('/api/v1/setups/{id}', common);
          return read(requests, id, null, signal);
        case 'confirm':
          return requests.post('/api/v1/setups/{id}/confirm', { ...common, body: { step } });
        case 'resume':
          return requests.post('/api/v1/setups/{id}/resume', { ...common, body: {} });
        default: {
          // JSON leaves out a field without a value.
          const answers = reply as Record<string, Schemas['Answered']>;
          return requests.post('/api/v1/setups/{id}/answers', { ...common, body: { step, answers } });
        }
      }
    });
  } catch (error) {
    if (error instanceof ConnectionsError && MOVED.includes(error.code)) return read(requests, id, null, signal);
    throw error;
  }
}

async function retrying<T>(signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ConnectionsError) || !error.isTemporary) throw error;
      await backOff(failures, error, signal);
    }
    signal?.throwIfAborted();
  }
}
