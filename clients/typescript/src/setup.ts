/**
 * Setups: the steps by which a person connects an account.
 */
import { ConnectionsError, type FieldProblem } from './errors.js';
import type { Requests } from './requests.js';
import type { components } from './schema.js';
import { backOff, pause } from './wait.js';

type Schemas = components['schemas'];

/** A part of a guide: a sentence, or the name of an address to open. */
export interface Guide {
  text: string;
  open: string | null;
}

/** A field to answer. */
export interface Field {
  /** The name of the field, which is the key of the answer. */
  name: string;
  label: string;
  /** `bool`, `choice`, `directory`, `number`, `secret`, `text` or `url`. */
  input: string;
  /** `true` if an empty answer is refused. */
  required: boolean;
  /** `true` if the answer may be an array. */
  many: boolean;
  help: string | null;
  placeholder: string | null;
  /** The value that is used if the field is not answered. */
  default: string | null;
  /** A regular expression that must match the whole answer. */
  pattern: string | null;
  /** The values of a `choice`. */
  choices: { value: string; label: string }[];
}

/** A notice that stays visible during the step. */
export interface Notice {
  message: string;
  /** An address for the person to open. */
  open: string | null;
  /** The code that the person types there. */
  userCode: string | null;
  /** The reason why the provider cannot be reached now. */
  reason: Schemas['Reason'] | null;
}

/** The content of a step that asks for answers. */
export interface Prompt {
  type: 'prompt';
  title: string;
  /** The provider's reason for refusing the previous answers. */
  problem: string | null;
  guide: Guide[];
  fields: Field[];
  /** An address to open, as another way to continue. */
  open: string | null;
  beside: Notice[];
}

/** The content of a step, which says what a person does next. */
export type SetupContent =
  | Prompt
  /** The person says whether the account in the title is the right one. */
  | { type: 'confirm'; title: string }
  /** The person opens an address in a browser, which returns to the server by itself. */
  | { type: 'redirect'; open: string; beside: Notice[] }
  /** There is nothing to answer. If it is resumable, the setup waits until it is resumed. */
  | { type: 'notice'; beside: Notice[]; resumable: boolean }
  /** The server asks the provider. */
  | { type: 'working' };

/** What every state of a setup has. */
export interface SetupInfo {
  /** The id of the setup, with which it can be resumed. */
  id: string;
  kind: string;
  kindTitle: string;
  provider: string | null;
  /** The id of the connection that is authorized again. */
  reauthorizes: string | null;
  expiresAt: string | null;
}

/** A step of a setup. */
export type SetupStep = SetupInfo &
  SetupContent & {
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

type Ended =
  { type: 'done'; connection: string | null } | { type: 'failed'; reason: Schemas['Reason'] } | { type: 'cancelled' };

type State = SetupInfo & { step: number | null; cursor: string } & (Ended | SetupContent);

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
    if (state.type === 'done') return connection(requests, state, signal);
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
      const shown = Promise.resolve(onStep(stepOf(state, problems), both));
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

async function begin(requests: Requests, body: Schemas['BeginSetup'], signal: AbortSignal | undefined): Promise<State> {
  return (await requests.post('/api/v1/setups', { body, signal: signal ?? null })) as State;
}

/** Returns the state of a setup; with a cursor, as soon as the state is another one, or after 25 seconds. */
async function read(
  requests: Requests,
  id: string,
  after: string | null,
  signal: AbortSignal | undefined,
): Promise<State> {
  const params = { path: { id }, query: after === null ? {} : { after } };
  return retrying(signal, async () => {
    return (await requests.get('/api/v1/setups/{id}', { params, signal: signal ?? null })) as State;
  });
}

async function follow(requests: Requests, { id, cursor }: State, signal: AbortSignal): Promise<State> {
  for (;;) {
    const state = await read(requests, id, cursor, signal);
    if (state.cursor !== cursor) return state;
    await pause(LEAST_PAUSE, signal);
  }
}

function connection(requests: Requests, state: State & Ended, signal: AbortSignal | undefined) {
  const id = (state.type === 'done' && state.connection) || '';
  const ask = () => requests.get('/api/v1/connections/{id}', { params: { path: { id } }, signal: signal ?? null });
  return retrying(signal, ask);
}

/** Returns the step as the caller sees it: a prompt for nothing asks whether the account is the right one. */
function stepOf(state: SetupInfo & SetupContent, problems: readonly FieldProblem[]): SetupStep {
  if (state.type === 'prompt' && state.fields.length === 0 && state.open === null) {
    return { ...state, type: 'confirm', problems };
  }
  return { ...state, problems };
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
          return (await requests.post('/api/v1/setups/{id}/confirm', { ...common, body: { step } })) as State;
        case 'resume':
          return (await requests.post('/api/v1/setups/{id}/resume', { ...common, body: {} })) as State;
        default:
          return (await requests.post('/api/v1/setups/{id}/answers', {
            ...common,
            body: { step, answers: reply },
          })) as State;
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
