/**
 * The error of this client: a refusal by the server, an answer that is missing, or a setup that failed.
 */
import type { components } from './schema.js';

/** The problem with one field of a request or of a setup's step. It never holds the answer. */
export type FieldProblem = components['schemas']['FieldProblem'];

/** The parts of a `ConnectionsError`. */
export interface Failure {
  code: string;
  detail: string;
  remedy?: string | null | undefined;
  status?: number | undefined;
  field?: string | null | undefined;
  problems?: readonly FieldProblem[] | undefined;
  retryAfter?: number | null | undefined;
}

/**
 * An error with a stable code.
 *
 * It never holds the request: neither the token nor anything that a person typed.
 */
export class ConnectionsError extends Error {
  override readonly name = 'ConnectionsError';
  /** The stable code for programs, such as `not_found`. */
  readonly code: string;
  /** What happened, for people. It is also the message of the error. */
  readonly detail: string;
  /** A sentence that says what to do, if something can be done. */
  readonly remedy: string | null;
  /** The HTTP status; 0 if there was no answer, or if a setup failed. */
  readonly status: number;
  /** The field with the problem, if one has it. */
  readonly field: string | null;
  /** The problem of each field, if the answers to a step were refused. */
  readonly problems: readonly FieldProblem[];
  /** The number of seconds after which the request may be sent again, if the server says so. */
  readonly retryAfter: number | null;

  constructor({ code, detail, remedy, status, field, problems, retryAfter }: Failure) {
    super(detail);
    this.code = code;
    this.detail = detail;
    this.remedy = remedy ?? null;
    this.status = status ?? 0;
    this.field = field ?? null;
    this.problems = problems ?? [];
    this.retryAfter = retryAfter ?? null;
  }

  /** `true` if the same request may succeed later: there was no answer, or the server cannot answer now. */
  get isTemporary(): boolean {
    return this.code === 'unreachable' || [408, 429, 502, 503, 504].includes(this.status);
  }
}

/** Returns the error for an answer whose status is not a success. */
export async function refusal(response: Response): Promise<ConnectionsError> {
  const { status } = response;
  const retryAfter = Number(response.headers.get('Retry-After')) || null;
  const problem = asProblem(await response.text().catch(() => ''));
  if (problem) return new ConnectionsError({ ...problem, status, retryAfter });
  // A proxy answered in place of the server.
  return new ConnectionsError({
    code: `http_${status}`,
    detail: `the server answered with the status ${status}`,
    status,
    retryAfter,
  });
}

function asProblem(text: string): Failure | null {
  try {
    const read: unknown = JSON.parse(text);
    const isProblem = typeof read === 'object' && read !== null && 'code' in read && 'detail' in read;
    return isProblem ? (read as Failure) : null;
  } catch {
    return null;
  }
}
