/**
 * A stand-in for the part of Electron that `examples/electron-main.ts` uses. It has no window: a page that is loaded is
 * requested, and its code exchanged, as the page does in a browser.
 */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';

/** Everything that the program has done. */
export const done = {
  opened: [] as string[],
  errors: [] as string[],
  windows: [] as BrowserWindow[],
  hasEnded: false,
};

const events = new EventEmitter();

class Cancellable {
  isCancelled = false;

  preventDefault(): void {
    this.isCancelled = true;
  }
}

class Navigation extends Cancellable {
  constructor(readonly url: string) {
    super();
  }
}

class WebContents extends EventEmitter {
  #handler: ((details: { url: string }) => { action: 'allow' | 'deny' }) | undefined;

  setWindowOpenHandler(handler: (details: { url: string }) => { action: 'allow' | 'deny' }): void {
    this.#handler = handler;
  }

  /** Acts as a page that opens an address in a new window, and returns whether it may. */
  opens(url: string): 'allow' | 'deny' | undefined {
    return this.#handler?.({ url }).action;
  }

  /** Acts as a page that leads to another address, and returns `true` if it may. */
  leads(url: string): boolean {
    const navigation = new Navigation(url);
    this.emit('will-navigate', navigation);
    return !navigation.isCancelled;
  }
}

export class BrowserWindow {
  readonly webContents = new WebContents();
  /** The token of the page that was loaded. */
  token = '';

  constructor(readonly options: { webPreferences?: Record<string, boolean> } = {}) {
    done.windows.push(this);
  }

  async loadURL(url: string): Promise<void> {
    const { origin, hash } = new URL(url);
    const document = await fetch(url);
    assert.match(await document.text(), /<!doctype html>/i);
    const response = await fetch(`${origin}/api/v1/page-tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: origin },
      body: JSON.stringify({ code: hash.replace('#code=', '') }),
    });
    assert.equal(response.status, 201);
    this.token = ((await response.json()) as { token: string }).token;
    events.emit('loaded');
  }
}

export const app = {
  on: (name: string, listener: (event: Cancellable) => void) => events.on(name, listener),
  whenReady: () => Promise.resolve(),
  /** Asks the program whether it may end, and ends it unless it has more to do. */
  quit(): void {
    const event = new Cancellable();
    events.emit('will-quit', event);
    if (event.isCancelled) return;
    done.hasEnded = true;
    events.emit('ended');
  },
};

export const dialog = { showErrorBox: (title: string, content: string) => done.errors.push(`${title}: ${content}`) };
export const shell = { openExternal: async (url: string) => void done.opened.push(url) };

/** Waits until a page is loaded, or the program has ended. */
export const loaded = () => Promise.race([once(events, 'loaded'), once(events, 'ended')]);

/** Closes all windows, as a person does, and waits for the end of the program. */
export async function close(): Promise<void> {
  const ended = once(events, 'ended');
  events.emit('window-all-closed', new Cancellable());
  await ended;
}
