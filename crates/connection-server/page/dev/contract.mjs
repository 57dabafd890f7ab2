#!/usr/bin/env node
/**
 * Compares every answer of the mock with the OpenAPI document of the server: `node dev/contract.mjs [DOCUMENT]`.
 *
 * It sends a request to every route of the mock as each kind of visitor, and conducts a setup of every kind to its end.
 * It fails if the server has no such route or status, if an answer lacks a member that the server always sends, has one
 * that the server never sends, or has a value of another type.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startMock } from './mock.mjs';
import { ROUTES } from './routes.mjs';

const DOCUMENT = new URL('../../../../clients/typescript/openapi.json', import.meta.url);
const VISITORS = ['admin', 'read', 'empty', 'link-acme', 'link-repair', 'demo'];
/** The longest setup of the mock, in states. */
const MOST_STATES = 400;
/** The number of things of which each route is compared; a list has all of them. */
const MOST_SAMPLES = 8;

const document = JSON.parse(await readFile(process.argv[2] ?? fileURLToPath(DOCUMENT), 'utf8'));
const problems = new Set();

/** Returns the object to which a `$ref` leads. */
function resolved(of) {
  if (!of?.$ref) return of;
  return resolved(
    of.$ref
      .slice(2)
      .split('/')
      .reduce((at, name) => at[name], document),
  );
}

const typeOf = (value) => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
};

function hasType(value, type) {
  return type === 'integer' ? Number.isInteger(value) : typeOf(value) === type;
}

/** Returns the variant of a `oneOf` that fits a value best: by its `type`, or else the one with the fewest differences. */
function variantFor(variants, value, at) {
  const named = variants.filter((variant) => resolved(variant).properties?.type?.enum?.includes(value?.type));
  const candidates = named.length ? named : variants;
  const all = candidates.map((variant) => ({ variant, found: differences(variant, value, at, true) }));
  return all.reduce((best, each) => (each.found.length < best.found.length ? each : best));
}

/** Returns all members that a schema declares for an object. */
function membersOf(schema, value) {
  const { properties, allOf, oneOf, anyOf } = resolved(schema);
  const variants = oneOf ?? anyOf;
  return {
    ...properties,
    ...Object.assign({}, ...(allOf ?? []).map((part) => membersOf(part, value))),
    ...(variants ? membersOf(variantFor(variants, value, '').variant, value) : {}),
  };
}

/**
 * Returns how a value differs from a schema.
 * @param {object} schema
 * @param {any} value
 * @param {string} at the place of the value, for people
 * @param {boolean} [isPart] if the schema is a part of another one, which knows the other members
 */
function differences(schema, value, at, isPart = false) {
  const { type, enum: words, items, required, properties, additionalProperties, allOf, oneOf, anyOf } = resolved(schema);
  const variants = oneOf ?? anyOf;
  const found = [];
  if (variants) found.push(...variantFor(variants, value, at).found);
  for (const part of allOf ?? []) found.push(...differences(part, value, at, true));
  if (type && ![type].flat().some((each) => hasType(value, each))) return [`${at} is ${typeOf(value)}, not ${type}`];
  if (words && !words.includes(value)) found.push(`${at} is '${value}', which is not one of ${words.join(', ')}`);
  if (Array.isArray(value) && items) value.forEach((each) => found.push(...differences(items, each, `${at}[]`)));
  if (typeOf(value) !== 'object') return found;
  for (const name of required ?? []) if (!(name in value)) found.push(`${at}.${name} is missing`);
  for (const [name, of] of Object.entries(properties ?? {}))
    if (value[name] !== undefined) found.push(...differences(of, value[name], `${at}.${name}`));
  if (additionalProperties)
    for (const [name, each] of Object.entries(value))
      if (!properties?.[name] && typeof additionalProperties === 'object')
        found.push(...differences(additionalProperties, each, `${at}.*`));
  const isClosed = !isPart && (properties || allOf || variants) && !additionalProperties;
  if (isClosed && Object.keys(value).length) {
    const known = membersOf(schema, value);
    for (const name of Object.keys(value)) if (!known[name]) found.push(`${at}.${name} is not sent by the server`);
  }
  return found;
}

/** Returns the operation of the document for a route of the mock. The names of parameters may differ. */
function operationOf(method, pattern) {
  const wanted = `/api/v1${pattern.replace(/:\w+/g, '{}')}`;
  const path = Object.keys(document.paths).find((each) => each.replace(/\{[^}]+\}/g, '{}') === wanted);
  return document.paths[path]?.[method.toLowerCase()];
}

function compare(method, pattern, status, body) {
  const route = `${method} ${pattern}`;
  if (status >= 500) return problems.add(`${route} fails: ${body?.detail}`);
  const operation = operationOf(method, pattern);
  if (!operation) return problems.add(`${route} is no route of the server`);
  const response = resolved(operation.responses[status]);
  if (!response) return problems.add(`${route} is never answered with ${status} by the server`);
  const schema = Object.values(response.content ?? {})[0]?.schema;
  if (!schema) return body === null || problems.add(`${route} has no body in the server`);
  differences(schema, body, 'the answer').forEach((each) => problems.add(`${route} ${status}: ${each}`));
  return undefined;
}

/** What each route that changes something is sent. */
const BODIES = {
  'POST /tokens': { name: 'a program', role: 'read', days: 30 },
  'POST /setup-links': { owner: 'ada', kinds: ['github'] },
  'PATCH /connections/:id': { label: 'another name' },
  'POST /connections/:id/default': { default: true },
  'POST /setups': { kind: 'github' },
  'POST /extensions': { manifest: { name: 'mine' } },
  'PUT /extensions/:name/choice': { connection: null },
  'PUT /extensions/:name/preferences': { values: {} },
  'POST /extensions/:name/hand-off': { command: null },
  'POST /profiles': { kind: 'claude', label: 'new' },
  'PATCH /profiles/:id': { label: 'renamed' },
};
/** Routes of a setup, which are compared while setups are conducted. */
const OF_SETUP = /^\/setups\/:id/;
const ORDER = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE'];

class Visitor {
  constructor(address, code) {
    this.address = address;
    this.headers = { Authorization: `Bearer token-${code}`, 'Content-Type': 'application/json' };
  }

  async send(method, pattern, path, body) {
    const hasBody = !['GET', 'DELETE'].includes(method);
    const sent = { method, headers: this.headers, body: hasBody ? JSON.stringify(body ?? {}) : undefined };
    const answer = await fetch(`${this.address}/api/v1${path}`, sent);
    const text = await answer.text();
    const content = text ? JSON.parse(text) : null;
    compare(method, pattern, answer.status, content);
    return content;
  }

  async itemsOf(path) {
    const content = await this.send('GET', path, path);
    return content?.items ?? [];
  }

  /** Returns the values for the parameters of a pattern. */
  async samples(pattern) {
    const [, area] = pattern.split('/');
    const items = await this.itemsOf(`/${area}`);
    return items.map((item) => item.id ?? item.name ?? item.kind);
  }

  async conduct(kind) {
    let setup = await this.send('POST', '/setups', '/setups', { kind });
    for (let count = 0; count < MOST_STATES; count += 1) {
      const path = `/setups/${setup.id}`;
      const { step } = setup;
      if (['done', 'failed', 'cancelled'].includes(setup.type)) return;
      if (setup.type === 'prompt') {
        const answers = Object.fromEntries(setup.fields.map(({ name, choices }) => [name, choices[0]?.value ?? 'x']));
        setup = await this.send('POST', '/setups/:id/answers', `${path}/answers`, { step, answers });
        // A pattern refused the answer.
        if (!setup.id) return;
      } else if (setup.type === 'confirm') {
        setup = await this.send('POST', '/setups/:id/confirm', `${path}/confirm`, { step });
      } else if (setup.resumable) {
        setup = await this.send('POST', '/setups/:id/resume', `${path}/resume`, {});
      } else if (setup.type === 'notice') {
        await this.send('DELETE', '/setups/:id', path);
        return;
      } else {
        await new Promise((resolve) => setTimeout(resolve, 100));
        setup = await this.send('GET', '/setups/:id', path);
      }
    }
    problems.add(`a setup of ${kind} does not end`);
  }
}

const { server, address } = await startMock({ port: 0 });
async function visit(code) {
  const visitor = new Visitor(address, code);
  const routes = ROUTES.filter(([, pattern]) => !OF_SETUP.test(pattern));
  routes.sort(([one], [other]) => ORDER.indexOf(one) - ORDER.indexOf(other));
  for (const [method, pattern] of routes) {
    const body = BODIES[`${method} ${pattern}`];
    if (!pattern.includes(':')) {
      await visitor.send(method, pattern, pattern, body);
      continue;
    }
    // What a removal removes is needed by those that follow.
    const samples = (await visitor.samples(pattern)).slice(0, method === 'DELETE' ? 1 : MOST_SAMPLES);
    const [connection] = await visitor.samples('/connections/:id');
    for (const sample of pattern.endsWith('/grants') && !connection ? [] : samples) {
      const path = pattern.replace(/:\w+/, encodeURIComponent(sample)).replace(/:\w+/, connection);
      const grant = pattern.endsWith('/grants') ? { connection, secretNames: [] } : undefined;
      await visitor.send(method, pattern, path, body ?? grant);
    }
  }
}
const visitor = new Visitor(address, 'demo.setups');
const kinds = await visitor.itemsOf('/kinds');
await Promise.all([...VISITORS.map(visit), ...kinds.map(({ kind }) => visitor.conduct(kind))]);
server.closeAllConnections();
server.close();
for (const problem of problems) console.error(problem);
if (problems.size) process.exitCode = 1;
else console.log('The mock sends what the server sends.');
