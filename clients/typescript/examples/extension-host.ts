/**
 * A host of an extension: it lists the person's repositories without holding the secret of the provider.
 *
 * The person connects and grants the account on the page of Connections. Start it with the address of the server, the
 * name of the extension and a path of the provider, and with a token in the variable `TOKEN`, which
 * `connections tokens create NAME --extension NAME` prints.
 */
import { createInterface } from 'node:readline/promises';
import { connect, ConnectionsError, type Extension } from 'connections-client';

const [baseUrl = 'http://127.0.0.1:8745', name = 'issues', path = '/user/repos'] = process.argv.slice(2);

async function main(): Promise<void> {
  // region: extension
  const extension = connect({ baseUrl, token: process.env['TOKEN'] ?? '' }).extension(name);

  const { status, error } = await extension.resolve();
  console.log(`The connection is ${status}.${error ? ` ${error.message}` : ''}`);

  const answer = await sendOrHandOff(extension, 'GET', path);
  console.log(answer.status, await answer.text());
  // end: extension
}

// region: hand-off
/** Sends a request. If a person has to connect or grant the account first, it opens the page and sends it again. */
async function sendOrHandOff(extension: Extension, method: string, path: string): Promise<Response> {
  try {
    return await extension.send(method, path);
  } catch (error) {
    const needsPerson = ['connection_missing', 'connection_failed', 'not_granted'];
    if (!(error instanceof ConnectionsError) || !needsPerson.includes(error.code)) throw error;
  }
  const { page, ticket } = await extension.handOff();
  if (page && ticket) {
    let handOff;
    do {
      await personReturnsFrom(page);
      handOff = await extension.retry(ticket);
    } while (handOff.required);
  }
  return extension.send(method, path);
}
// end: hand-off

/** A launcher opens the page in a web view or a browser, and continues when its window is in front again. */
async function personReturnsFrom(page: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  await terminal.question(`Open ${page} and press Enter when you are done. `);
  terminal.close();
}

main().catch((error: unknown) => {
  const remedy = error instanceof ConnectionsError && error.remedy ? ` ${error.remedy}` : '';
  console.error(`${error instanceof Error ? error.message : String(error)}${remedy}`);
  process.exitCode = 1;
});
