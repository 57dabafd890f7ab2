#!/usr/bin/env node
/** Fails if the first screen needs more than 150 kB compressed, or a module that `index.html` does not preload. */
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIMIT = 150000;
const document = readFileSync(join(ROOT, 'index.html'), 'utf8');
const listed = [...document.matchAll(/"%ASSETS%\/([^"]+)"/g)].map((found) => found[1]);

/** Returns the modules that a module imports at once, and those that they import. */
function imports(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(ROOT, file), 'utf8');
  for (const [, path] of text.matchAll(/^(?:import|export)\s[^'"]*?from '(\.[^']+)'/gm))
    imports(normalize(join(dirname(file), path)), seen);
  return seen;
}

const needed = imports('main.js');
const missing = [...needed].filter((file) => !listed.includes(file));
const needless = listed.filter((file) => file.endsWith('.js') && !needed.has(file));
let total = gzipSync(document, { level: 9 }).length;
for (const file of listed) {
  const size = file.endsWith('.woff2')
    ? readFileSync(join(ROOT, file)).length
    : gzipSync(readFileSync(join(ROOT, file)), { level: 9 }).length;
  console.log(`${String(size).padStart(7)} ${file}`);
  total += size;
}
console.log(`${String(total).padStart(7)} of ${LIMIT} bytes, compressed with gzip`);
for (const file of missing) console.log(`not preloaded: ${file}`);
for (const file of needless) console.log(`preloaded without need: ${file}`);
process.exit(total > LIMIT || missing.length || needless.length ? 1 : 0);
