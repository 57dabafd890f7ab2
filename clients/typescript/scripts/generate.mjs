/**
 * Writes `src/schema.ts`, the types of `openapi.json`. Each build does this first; the file is not in the repository.
 */
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const document = JSON.parse(await readFile(new URL('../openapi.json', import.meta.url), 'utf8'));

// The client finds an operation by its path, so that a second type for each of them would be of no use.
for (const item of Object.values(document.paths)) {
  for (const operation of Object.values(item)) delete operation.operationId;
}

// `emptyObjectsUnknown`: an object without declared members may have any members, such as the answers of a setup.
const types = astToString(await openapiTS(document, { emptyObjectsUnknown: true }));
await writeFile(new URL('../src/schema.ts', import.meta.url), types);
