/**
 * The main process of an Electron program that shows the page of Connections in a window.
 *
 * A window needs Electron and a desktop, so the tests run this file in Node with the stand-in `test/electron.ts`, and the
 * compiler checks it against the declarations in `electron.d.ts`.
 */
import { app, BrowserWindow, dialog, shell } from 'electron';
import { startServer, type Serving } from './start-server.js';

// region: electron
let serving: Serving | undefined;

/** Opens an address in the person's browser, where the person is signed in and sees the address. */
function openOutside(address: string): void {
  if (['http:', 'https:'].includes(new URL(address).protocol)) void shell.openExternal(address);
}

async function openPage(): Promise<void> {
  serving = await startServer();
  const { url, page } = serving;
  const window = new BrowserWindow({
    width: 1100,
    height: 800,
    webPreferences: { contextIsolation: true, nodeIntegration: false, sandbox: true },
  });
  // The window shows nothing but the page. Providers refuse to sign in a person inside another program.
  window.webContents.setWindowOpenHandler((details) => {
    openOutside(details.url);
    return { action: 'deny' };
  });
  window.webContents.on('will-navigate', (event) => {
    if (new URL(event.url).origin === new URL(url).origin) return;
    event.preventDefault();
    openOutside(event.url);
  });
  await window.loadURL(page);
}

app.on('window-all-closed', () => app.quit());
app.on('will-quit', (event) => {
  if (!serving) return;
  // The program ends after the server has finished what is under way.
  event.preventDefault();
  const { stop } = serving;
  serving = undefined;
  void stop().finally(() => app.quit());
});

app
  .whenReady()
  .then(openPage)
  .catch((error: unknown) => {
    dialog.showErrorBox('Connections did not start', String(error));
    app.quit();
  });
// end: electron
