/**
 * The client of the HTTP API of Connections.
 *
 * `connect` returns it. The requests are typed by the server's OpenAPI document; this layer adds errors with codes,
 * live events, the loop of a setup, and requests through the grant of an extension.
 */
import { extensionOf, type Extension } from './extension.js';
import { readLive, type LiveEvent, type LiveOptions } from './live.js';
import { server, type ConnectOptions } from './request.js';
import { requestsTo, type Requests } from './requests.js';
import type { components } from './schema.js';
import { runSetup, type OnStep, type SetupOptions, type SetupStart } from './setup.js';

export { ConnectionsError, type FieldProblem } from './errors.js';
export type {
  Extension,
  FollowedHandOff,
  HandOff,
  ResolvedConnection,
  RetryOptions,
  SendOptions,
} from './extension.js';
export type { LiveEvent, LiveOptions } from './live.js';
export type { ConnectOptions } from './request.js';
export type { Answered, Item, ListPath, Method, Parameters, PathWith, Requests, RequestWith } from './requests.js';
export type { paths } from './schema.js';
export type {
  Answers,
  Field,
  Guide,
  Notice,
  OnStep,
  Prompt,
  SetupContent,
  SetupInfo,
  SetupOptions,
  SetupReply,
  SetupStart,
  SetupStep,
} from './setup.js';

/** The shapes of the API by name, such as `Schemas['ShownConnection']`. */
export type Schemas = components['schemas'];

/** The client of one server. */
export interface Connections extends Requests {
  /** The address of the server, without a slash at its end. */
  readonly baseUrl: string;
  /**
   * Reads live events until the signal or the end of the loop ends them.
   *
   * It connects again after each interruption, and then reports a gap.
   *
   * @throws {ConnectionsError} if the server refuses, for example because the token was revoked
   */
  live(options?: LiveOptions): AsyncGenerator<LiveEvent, void>;
  /**
   * Begins or continues a setup and follows it to its end.
   *
   * While the server cannot be reached, it tries again until the signal ends it.
   *
   * @returns the connection
   * @throws {ConnectionsError} if the server refuses, or if the setup failed or was cancelled
   */
  setup(start: SetupStart, onStep: OnStep, options?: SetupOptions): Promise<Schemas['ShownConnection']>;
  /** Returns the extension with this name. Nothing is requested. */
  extension(name: string): Extension;
}

/** Returns the client of a server. Nothing is requested. */
export function connect(options: ConnectOptions): Connections {
  const to = server(options);
  const requests = requestsTo(to);
  return {
    ...requests,
    baseUrl: to.baseUrl,
    live: (options) => readLive(to, options),
    setup: (start, onStep, options) => runSetup(requests, start, onStep, options),
    extension: (name) => extensionOf(requests, to.baseUrl, name),
  };
}
