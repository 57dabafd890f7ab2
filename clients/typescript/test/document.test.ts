import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Machine } from './support.js';

const PACKAGE = new URL('../../', import.meta.url);
const GUIDES = [new URL('README.md', PACKAGE), new URL('../../docs/guide/typescript.md', PACKAGE)];

const machine = new Machine();
before(() => machine.start());
after(() => machine.stop());

test('the document is that of the server', async () => {
  const committed: unknown = JSON.parse(await readFile(new URL('openapi.json', PACKAGE), 'utf8'));
  const served: unknown = await (await fetch(`${machine.serving.url}/api/v1/openapi.json`)).json();
  assert.deepEqual(committed, served, 'run "npm run document", then "npm run generate"');
});

/** Code of a guide, with the file and the region that it is from. */
const CODE = /<!-- code: (\S+)#(\S+) -->\n```ts\n([^]*?)```/g;

for (const guide of GUIDES) {
  test(`the code of ${fileURLToPath(guide).split(/[/\\]/).at(-1)} is code that is compiled and run`, async () => {
    const text = await readFile(guide, 'utf8');
    const shown = [...text.matchAll(CODE)];
    assert.equal(shown.length, text.split('```ts\n').length - 1, 'each block names its file and region');
    for (const [, file = '', region = '', code] of shown) {
      assert.equal(code, regionOf(await readFile(new URL(file, PACKAGE), 'utf8'), region), `${file}#${region}`);
    }
  });
}

/** Returns the lines of a region, without the indentation that all of them share. */
function regionOf(source: string, name: string): string {
  const lines = source.split('\n');
  const marks = [`// region: ${name}`, `// end: ${name}`].map((mark) =>
    lines.findIndex((line) => line.trim() === mark),
  );
  const [start = -1, end = -1] = marks;
  assert.ok(start >= 0 && end > start, `there is no region ${name}`);
  const found = lines.slice(start + 1, end);
  const indents = found.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length);
  return found.map((line) => `${line.slice(Math.min(...indents))}\n`).join('');
}
