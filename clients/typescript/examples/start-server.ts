/**
 * Starts `connections serve` as a child process, for a program that shows its page or uses its API.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A running server. */
export interface Serving {
  /** The address of the server, for `connect`. */
  url: string;
  /** The address of the page, with a code that is good once and for 60 seconds. */
  page: string;
  /** Stops the server, unless another program started it, and returns when it has ended. */
  stop(): Promise<void>;
}

/** How the server is started. */
export interface StartOptions {
  /** The path of the program. Unless stated, it is `connections` in the search path. */
  program?: string;
  env?: NodeJS.ProcessEnv;
}

// region: start
/** Starts the server and returns when it listens. If one runs already, returns that one. */
export async function startServer({ program = 'connections', env = process.env }: StartOptions = {}): Promise<Serving> {
  const child = spawn(program, ['serve', '--json', '--print-page'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text}`.slice(-4000)));
  const lines = createInterface(child.stdout);
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [unknown];
  if (typeof line !== 'string') throw new Error(`the server did not start: ${said}`);
  const { publicUrl, page } = JSON.parse(line) as { publicUrl: string; page: string };
  return {
    url: publicUrl,
    page,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
// end: start
