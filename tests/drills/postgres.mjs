/**
 * A PostgreSQL server and its standby, made with the binaries of this machine, and the lines through which they are reached.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

import { run } from './kit.mjs';

const VERSIONS = '/usr/lib/postgresql';

/** Returns the path of a program of PostgreSQL: in the directory of the newest version, as on Debian, or in the search path. */
function program(name) {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(VERSIONS, version, 'bin')), ...process.env.PATH.split(':')];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (!found) throw new Error(`there is no ${name} on this machine`);
  return found;
}

/** Returns the user as whom the servers run, because they refuse to run as root. */
function user() {
  if (process.getuid() !== 0) return {};
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((one) => one.startsWith('postgres:'));
  if (!line) throw new Error('there is no user postgres on this machine');
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Returns a port that is free now. */
export function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A server with its files in a directory. */
export class Server {
  constructor(directory, port) {
    this.directory = directory;
    this.port = port;
  }

  /** Makes a primary in a new directory, and starts it. */
  static async primary(directory) {
    const server = await Server.in(directory);
    await server.program('initdb', '-D', server.data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync');
    return server.begin();
  }

  /** Makes a standby of the server at a port in a new directory, and starts it. */
  static async standby(directory, port) {
    const server = await Server.in(directory);
    const from = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres'];
    await server.program('pg_basebackup', ...from, '-D', server.data, '-R', '-X', 'stream', '-c', 'fast');
    return server.begin();
  }

  static async in(directory) {
    mkdirSync(directory, { recursive: true });
    const { uid, gid } = user();
    if (uid !== undefined) chownSync(directory, uid, gid);
    return new Server(directory, await freePort());
  }

  get data() {
    return join(this.directory, 'data');
  }

  program(name, ...args) {
    return run(program(name), args, { ...user(), cwd: this.directory });
  }

  /** Starts the server, and waits until it answers. It ends with this process. */
  async begin() {
    const settings = `\nport = ${this.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n`;
    appendFileSync(join(this.data, 'postgresql.conf'), settings);
    if (!this.child) process.once('exit', () => this.child.kill('SIGQUIT'));
    this.child = spawn(program('postgres'), ['-D', this.data], { ...user(), cwd: this.directory, stdio: 'ignore' });
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`the server in ${this.data} does not start`);
      const answer = await this.sql('SELECT 1').catch(() => undefined);
      if (answer) return this;
    }
  }

  promote() {
    return this.program('pg_ctl', '-D', this.data, '-w', 'promote');
  }

  /** Ends the server at once, as a crash does. */
  async kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGQUIT');
    await gone;
  }

  /** Returns the address of a database. */
  address(database) {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}?sslmode=disable`;
  }

  /** Runs a statement, and returns its rows. */
  async sql(text, database = 'postgres') {
    const at = ['-h', '127.0.0.1', '-p', `${this.port}`, '-U', 'postgres', '-d', database];
    const out = await this.program('psql', ...at, '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', text);
    return out.split('\n').filter(Boolean).map((line) => line.split('|'));
  }
}

/**
 * A line to a server: connections to its port lead to a target, which can be changed, and what comes back may be late. It
 * can fall silent, and forget its connections.
 */
export class Line {
  constructor(lag = 0) {
    this.lag = lag;
    this.target = undefined;
    this.open = new Set();
    /** The pairs of sockets on which something passes. */
    this.pairs = new Set();
    this.isHeld = false;
    /** The connections that came while nothing passes. */
    this.waiting = [];
    /** The delay of the answers on a connection after a COMMIT, in milliseconds. */
    this.lateCommits = 0;
    this.server = net.createServer((near) => this.connect(near));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return this;
  }

  connect(near) {
    if (!this.target) {
      near.destroy();
      return;
    }
    if (this.isHeld) {
      near.on('error', () => {});
      this.open.add(near);
      this.waiting.push(near);
      return;
    }
    const far = net.connect(this.target, '127.0.0.1');
    const pair = [near, far];
    this.pairs.add(pair);
    for (const socket of pair) {
      this.open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.open.delete(socket);
        // A server does not learn of the end of a connection that was forgotten.
        if (this.pairs.delete(pair)) for (const other of pair) other.destroy();
      });
    }
    near.on('data', (data) => {
      if (this.lateCommits > 0 && data.includes('COMMIT\0')) this.delay(pair, this.lateCommits);
    });
    near.pipe(far);
    if (this.lag === 0) far.pipe(near);
    else far.on('data', (data) => setTimeout(() => near.destroyed || near.write(data), this.lag));
  }

  /** Keeps back what comes from the server for this time. */
  delay([near, far], time) {
    far.unpipe(near);
    far.pause();
    setTimeout(() => near.destroyed || far.destroyed || far.pipe(near), time);
  }

  /** Lets nothing pass any longer. New connections are accepted, and are silent. */
  hold() {
    this.isHeld = true;
    for (const [near, far] of this.pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  /** Passes on what was held. */
  resume() {
    this.isHeld = false;
    for (const [near, far] of this.pairs) {
      near.pipe(far);
      far.pipe(near);
    }
    for (const near of this.waiting.splice(0)) if (!near.destroyed) this.connect(near);
  }

  /** Forgets the connections: they stay open on both sides, and nothing passes on them. New ones lead to the target. */
  forget() {
    for (const [near, far] of this.pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
    this.pairs.clear();
  }

  /** Loses what is under way, and lets nobody connect. */
  cut() {
    this.target = undefined;
    for (const socket of this.open) socket.destroy();
  }
}
