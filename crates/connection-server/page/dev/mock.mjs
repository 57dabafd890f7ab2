#!/usr/bin/env node
/**
 * A mock of the server, for work on the page: `node dev/mock.mjs [--port 8746] [--base /prefix]`.
 *
 * The data depends on the code in the address: `#code=demo`, `read`, `admin`, `empty`, `many` (10,000 connections),
 * `slow` and `broken`; `#link=acme` opens a setup link. The codes `used`, `expired` and `unknown` are refused.
 */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { extname, join, normalize } from 'node:path';
import { problem } from './handlers.mjs';
import { APPEARANCE, ROUTES } from './routes.mjs';
import { makeWorld, time } from './world.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
/** The policy with which the server sends the page. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const COMPILED = ROUTES.map(([method, pattern, handle]) => {
  const names = [...pattern.matchAll(/:(\w+)/g)].map((found) => found[1]);
  return { method, names, handle, regex: new RegExp(`^${pattern.replace(/:\w+/g, '([^/]+)')}$`) };
});

async function file(response, base, path) {
  const isAsset = path.startsWith('/assets/') || path === '/icon.svg';
  const name = isAsset ? normalize(path.replace(/^\/assets\/(dev-version\/)?/, '')) : 'index.html';
  if (name.startsWith('..')) return send(response, 404, null);
  try {
    let content = await readFile(join(ROOT, name));
    if (name === 'index.html') content = content.toString().replaceAll('%ASSETS%', `${base}/assets/dev-version`);
    response.writeHead(200, {
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
      'Content-Security-Policy': POLICY,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    });
    return response.end(content);
  } catch {
    return send(response, 404, null);
  }
}

function send(response, status, body) {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  response.writeHead(status, body === null ? {} : { 'Content-Type': type });
  response.end(body === null ? undefined : JSON.stringify(body));
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

function pageToken({ code: full }) {
  const [code] = full.split('.');
  if (code === 'used') return problem(403, 'code_used', 'This code was used before.');
  if (code === 'expired') return problem(403, 'code_expired', 'This code has expired.');
  if (code === 'unknown') return problem(403, 'code_unknown', 'There is no such code.');
  return [201, { token: `token-${full}`, expiresAt: time(1e9), host: null }];
}

function live(request, response, world) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const listener = (name, id) => response.write(`event: ${name}\ndata: ${JSON.stringify({ id })}\n\n`);
  const timer = setInterval(() => response.write(': keep-alive\n\n'), 15000);
  response.write(': open\n\n');
  world.listeners.add(listener);
  request.on('close', () => {
    clearInterval(timer);
    world.listeners.delete(listener);
  });
}

async function answer(request, response, worlds, path, query) {
  if (path === '/page-tokens') return send(response, ...pageToken(await bodyOf(request)));
  if (path === '/appearance') return send(response, 200, APPEARANCE);
  const name = /^Bearer token-(.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (!name) return send(response, ...problem(401, 'unauthenticated', 'The token is not valid.'));
  if (!worlds.has(name)) worlds.set(name, makeWorld(name));
  const world = worlds.get(name);
  const [form] = name.split('.');
  if (form === 'broken' && path !== '/me')
    return send(
      response,
      ...problem(
        503,
        'store_failed',
        'The database cannot be reached.',
        'Start the database; the server continues by itself.',
      ),
    );
  if (path === '/live') return live(request, response, world);
  if (form === 'slow') await new Promise((resolve) => setTimeout(resolve, 60000));
  for (const { method, regex, names, handle } of COMPILED) {
    const found = method === request.method && regex.exec(path);
    if (!found) continue;
    const params = Object.fromEntries(names.map((each, index) => [each, decodeURIComponent(found[index + 1])]));
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? await bodyOf(request) : null;
    const result = await handle({ world, params, query, body, request });
    const [status, content] = Array.isArray(result) && typeof result[0] === 'number' ? result : [200, result];
    return send(response, status, content);
  }
  return send(response, ...problem(404, 'not_found', `There is no route ${request.method} ${path}.`));
}

/**
 * Starts the mock.
 * @param {{port?: number, base?: string, worlds?: Map}} options a port of 0 is any free port; `worlds` are those of a
 *   mock that was stopped
 */
export function startMock({ port = 8746, base = '', worlds = new Map() } = {}) {
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://mock');
    if (!url.pathname.startsWith(base)) return send(response, 404, null);
    const path = url.pathname.slice(base.length) || '/';
    const done = path.startsWith('/api/v1')
      ? answer(request, response, worlds, path.slice(7), url.searchParams)
      : file(response, base, path);
    return done.catch((error) => send(response, ...problem(500, 'crashed', String(error.stack))));
  });
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () =>
      resolve({ server, worlds, address: `http://127.0.0.1:${server.address().port}${base}` }),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
  const { address } = await startMock({ port: Number(option('--port') ?? 8746), base: option('--base') ?? '' });
  for (const code of ['demo', 'read', 'admin', 'empty', 'many', 'broken']) console.log(`${address}/#code=${code}`);
  console.log(`${address}/link#link=link-acme`);
  console.log(`${address}/link#link=link-repair`);
}
