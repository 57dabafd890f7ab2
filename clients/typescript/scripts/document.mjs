/**
 * Writes `openapi.json`, which a server of the program in the variable `CONNECTIONS_BIN` describes itself with.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = process.env.CONNECTIONS_BIN ?? 'connections';
const home = await mkdtemp(join(tmpdir(), 'connections-client-'));
const { PATH, SystemRoot } = process.env;
const env = { PATH, SystemRoot, HOME: home, CONNECTIONS_INBOUND__LISTEN: '127.0.0.1:0' };
const child = spawn(program, ['--data-dir', join(home, 'data'), 'serve', '--json'], {
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(child, 'close');
try {
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  if (typeof line !== 'string') throw new Error('the server did not start');
  const answer = await fetch(`${JSON.parse(line).publicUrl}/api/v1/openapi.json`);
  if (!answer.ok) throw new Error(`the server answered with the status ${answer.status}`);
  const document = `${JSON.stringify(await answer.json(), null, 2)}\n`;
  await writeFile(new URL('../openapi.json', import.meta.url), document);
} finally {
  child.kill('SIGTERM');
  await ended;
  await rm(home, { recursive: true, force: true });
}
