/**
 * The part of Electron's types that `electron-main.ts` uses. A program that has the package `electron` needs no such
 * file.
 */
declare module 'electron' {
  interface Cancellable {
    preventDefault(): void;
  }

  interface WebContents {
    setWindowOpenHandler(handler: (details: { url: string }) => { action: 'allow' | 'deny' }): void;
    on(event: 'will-navigate', listener: (event: Cancellable & { url: string }) => void): this;
  }

  interface WindowOptions {
    width?: number;
    height?: number;
    webPreferences?: { contextIsolation?: boolean; nodeIntegration?: boolean; sandbox?: boolean };
  }

  export class BrowserWindow {
    constructor(options?: WindowOptions);
    readonly webContents: WebContents;
    loadURL(url: string): Promise<void>;
  }

  export const app: {
    on(event: 'window-all-closed', listener: () => void): void;
    on(event: 'will-quit', listener: (event: Cancellable) => void): void;
    quit(): void;
    whenReady(): Promise<void>;
  };

  export const dialog: { showErrorBox(title: string, content: string): void };
  export const shell: { openExternal(url: string): Promise<void> };
}
