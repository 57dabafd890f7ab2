import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from 'connections-client';
import { close, done, loaded } from './electron.js';
import { Machine, program } from './support.js';

const machine = new Machine();
let directory: string;

before(async () => {
  await machine.start();
  await machine.serving.stop();
  // The module `electron` of the example is the stand-in.
  const module = fileURLToPath(new URL('../node_modules/electron', import.meta.url));
  await mkdir(module, { recursive: true });
  await writeFile(join(module, 'package.json'), JSON.stringify({ type: 'module', main: 'index.js' }));
  await writeFile(join(module, 'index.js'), "export * from '../../test/electron.js';\n");
  // The example starts the program `connections` in the search path.
  directory = await mkdtemp(join(tmpdir(), 'connections-electron-'));
  await symlink(program(), join(directory, 'connections'));
  const { PATH, ...env } = machine.env;
  Object.assign(process.env, env, { PATH: `${directory}${delimiter}${PATH}` });
});

after(async () => {
  await machine.stop();
  await rm(directory, { recursive: true, force: true });
});

test('the Electron program shows the page of a server that it starts and stops', { timeout: 60_000 }, async () => {
  const shown = loaded();
  await import('../examples/electron-main.js');
  await shown;
  assert.deepEqual([done.errors, done.windows.length], [[], 1]);
  const [window] = done.windows;
  assert.ok(window);
  const { contextIsolation, nodeIntegration, sandbox } = window.options.webPreferences ?? {};
  assert.deepEqual([contextIsolation, nodeIntegration, sandbox], [true, false, true]);
  const baseUrl = machine.serving.url;
  const connections = connect({ baseUrl, token: window.token });
  assert.equal((await connections.get('/api/v1/me')).role, 'manage');

  const { webContents } = window;
  assert.equal(webContents.opens('https://github.com/settings/tokens'), 'deny');
  assert.equal(webContents.opens('file:///etc/passwd'), 'deny');
  assert.equal(webContents.leads(`${baseUrl}/connect`), true);
  assert.equal(webContents.leads('https://acme.example/authorize'), false);
  assert.deepEqual(done.opened, ['https://github.com/settings/tokens', 'https://acme.example/authorize']);

  assert.equal(done.hasEnded, false);
  await close();
  await assert.rejects(fetch(baseUrl), 'the server has ended before the program');
});
