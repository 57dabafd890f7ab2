/**
 * The code that the guides show. The tests run it.
 */
// region: import
import { connect, ConnectionsError } from 'connections-client';
// end: import
import type { Answers, Connections, SetupStep } from 'connections-client';

/** Lists the connections that need attention. */
export async function listAttention(baseUrl: string, token: string): Promise<string[]> {
  const lines: string[] = [];
  // region: list
  const connections = connect({ baseUrl, token });
  const query = { state: 'attention' } as const;
  for await (const { label, account, reason } of connections.each('/api/v1/connections', { params: { query } })) {
    lines.push(`${label} (${account.label}): ${reason?.message ?? 'it ends soon'}`);
  }
  // end: list
  return lines;
}

/** Makes a connection the default of its provider, and returns what a person reads. */
export async function makeDefault(connections: Connections, id: string): Promise<string> {
  // region: refusal
  try {
    const { label } = await connections.post('/api/v1/connections/{id}/default', {
      params: { path: { id } },
      body: { default: true },
    });
    return `${label} is the default.`;
  } catch (error) {
    if (!(error instanceof ConnectionsError)) throw error;
    return `${error.detail} [${error.code}]. ${error.remedy ?? ''}`;
  }
  // end: refusal
}

/** Changes the label of a connection, unless somebody else changed the connection since it was read. */
export async function rename(connections: Connections, id: string, label: string): Promise<void> {
  // region: match
  const params = { path: { id } };
  const { data, response } = await connections.api.GET('/api/v1/connections/{id}', { params });
  if (data?.label === label) return;
  const headers = { 'If-Match': response.headers.get('ETag') };
  await connections.patch('/api/v1/connections/{id}', { params, headers, body: { label } });
  // end: match
}

// region: person
/** What your program shows a person. */
export interface Person {
  /** Shows a form with the fields of the prompt. Returns `undefined` when the signal is aborted. */
  fillsIn(prompt: Extract<SetupStep, { type: 'prompt' }>, signal: AbortSignal): Promise<Answers | undefined>;
  /** Asks a question. */
  agrees(question: string): Promise<boolean>;
  /** Shows a link. */
  opens(address: string): void;
  /** Shows a sentence, and a code to type at the provider if there is one. */
  reads(message: string, code: string | null): void;
}
// end: person

/** Connects an account of a kind. */
export function addAccount(connections: Connections, kind: string, person: Person) {
  // region: setup
  return connections.setup({ kind }, async (step, signal) => {
    if ('open' in step && step.open) person.opens(step.open);
    for (const notice of 'beside' in step ? step.beside : []) {
      if (notice.open) person.opens(notice.open);
      person.reads(notice.message, notice.userCode);
    }
    switch (step.type) {
      case 'prompt':
        return person.fillsIn(step, signal);
      case 'confirm':
        return (await person.agrees(step.title)) ? 'confirm' : 'cancel';
      case 'notice':
        if (!step.resumable) return undefined;
        return (await person.agrees('Try again?')) ? 'resume' : 'cancel';
      default:
        // The browser or the server continues by itself.
        return undefined;
    }
  });
  // end: setup
}

/** Shows the connections until the signal is aborted. */
export async function watch(connections: Connections, show: (labels: string[]) => void, signal: AbortSignal) {
  // region: live
  for await (const event of connections.live({ signal })) {
    if (event.type === 'changed' && event.of !== 'connection') continue;
    const { items } = await connections.get('/api/v1/connections');
    show(items.map((item) => item.label));
  }
  // end: live
}
