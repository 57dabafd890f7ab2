/** Handlers of the mock server that are longer than a line, and what they share. */
import { advance, problemsOf, shape } from './setups.mjs';
import { DAY, sorted, time } from './world.mjs';

/** A problem document. */
export const problem = (status, code, detail, remedy = null, more = {}) => [
  status,
  { type: 'about:blank', title: code, status, detail, code, remedy, field: null, problems: [], made: null, ...more },
];
export const missing = (code = 'not_found', what = 'connection') => problem(404, code, `There is no such ${what}.`);

export const page = (items, query, more = {}) => {
  const limit = Number(query.get('limit') ?? 50);
  const from = Number(query.get('after') ?? 0);
  const next = from + limit < items.length ? String(from + limit) : null;
  return { items: items.slice(from, from + limit), next, ...more };
};
export const changed = (world, name, id) => world.listeners.forEach((listener) => listener(name, id));
export const connectionOf = (world, { id }) => world.connections.find((each) => each.id === id);
export const extensionOf = (world, { name }) => world.extensions.find((each) => each.name === name);
export const setupOf = (world, { id }) => world.setups.get(id);
export const grantsOf = (world, of) =>
  world.extensions.flatMap((each) => each.grants.filter((grant) => grant.connection === of.id));

/** The shapes of a connection: alone, in a list, and with everything that is known of it. */
export function connectionShape(of) {
  const { kindTitle, providerTitle, needsAttention, remedyAction, usedBy, ...listed } = of;
  const { createdAt, previousUntil, rotates, ...connection } = listed;
  return connection;
}
export const listedShape = ({ createdAt, previousUntil, rotates, ...listed }) => listed;
export const detail = (world, of) => ({
  ...of,
  updatedAt: of.createdAt,
  reach: ['https://api.example'],
  uses: grantsOf(world, of),
});

/** Wraps a handler so that it gets the thing that its path names. */
export const withConnection = (handle) => (context) => {
  const of = connectionOf(context.world, context.params);
  return of ? handle({ ...context, of }) : missing();
};
export const withExtension = (handle) => (context) => {
  const of = extensionOf(context.world, context.params);
  return of ? handle({ ...context, of }) : missing('unknown_extension', 'extension');
};
export const withSetup = (handle) => (context) => {
  const of = setupOf(context.world, context.params);
  return of ? handle({ ...context, of }) : missing('setup_not_found', 'setup');
};

export function listConnections({ world, query }) {
  const get = (name) => (query.get(name) ?? '').toLowerCase();
  const found = world.connections.filter((each) => {
    const tags = Object.entries(each.tags).map(([name, value]) => `${name}=${value}`);
    const text = `${each.label} ${each.account.label} ${each.kindTitle} ${each.provider} ${tags.join(' ')}`.toLowerCase();
    const states = {
      attention: each.needsAttention,
      live: each.liveness === 'live',
      offline: each.liveness === 'offline',
      failing: each.liveness === 'failing',
      unknown: each.liveness === 'unknown',
    };
    return (
      text.includes(get('search')) &&
      (!get('state') || states[get('state')]) &&
      (!get('kind') || each.kind === get('kind')) &&
      (!get('provider') || each.provider === get('provider')) &&
      (!get('extension') || each.usedBy.includes(get('extension'))) &&
      (!query.get('tag') || tags.includes(query.get('tag')))
    );
  });
  const count = (test) => world.connections.filter(test).length;
  const counts = { all: world.connections.length, attention: count((each) => each.needsAttention), limit: 10000 };
  for (const state of ['live', 'offline', 'failing', 'unknown']) counts[state] = count((each) => each.liveness === state);
  return page(found.map(listedShape), query, { counts: query.get('after') ? null : counts });
}

export async function verify({ world, of }) {
  await new Promise((resolve) => setTimeout(resolve, 500));
  of.checkedAt = time(0);
  if (of.reason?.code === 'suspended')
    Object.assign(of, { liveness: 'live', reason: null, needsAttention: false, remedyAction: null });
  sorted(world.connections);
  changed(world, 'connection', of.id);
  return connectionShape(of);
}

export function health({ of, world }) {
  if (world.name === 'many') return { days: [] };
  const days = Array.from({ length: 30 }, (_, index) => {
    const day = time((index - 29) * DAY).slice(0, 10);
    if (index < 2) return { day, live: 0, offline: 0, failing: 0 };
    const offline = index === 17 ? 3600 : index === 22 ? 30000 : 0;
    const failing = of.liveness === 'failing' && index >= 28 ? 40000 : 0;
    return { day, live: 86400 - offline - failing, offline, failing };
  });
  return { days };
}

export async function waitFor({ world, of, query, request }) {
  const now = shape(of);
  if (query.get('after') === now.cursor && !of.ended) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 25000);
      of.waiters.add(() => {
        clearTimeout(timer);
        resolve();
      });
      request.on('close', resolve);
    });
  }
  return shape(of);
}

export function answer({ world, of, body }) {
  if (of.ended) return problem(410, 'setup_ended', 'The setup has ended.');
  if (body.step !== shape(of).step) return problem(409, 'setup_wrong_step', 'The setup is at another step.');
  const problems = problemsOf(of, body.answers);
  if (problems.length) return problem(422, 'answers_invalid', 'Answers are missing or malformed.', null, { problems });
  of.problem = Object.values(body.answers).includes('wrong') ? 'The provider refuses this key.' : null;
  if (!of.problem) advance(world, of);
  return [202, shape(of)];
}

export function grant({ world, of, body }) {
  const to = world.connections.find((each) => each.id === body.connection);
  const made = {
    extension: of.name,
    connection: to.id,
    kind: to.kind,
    label: to.label,
    secretNames: body.secretNames ?? [],
    words: null,
    createdAt: time(0),
    revokedAt: null,
  };
  of.grants = [...of.grants.filter((each) => each.connection !== to.id), made];
  of.granted ||= of.connection === to.id;
  if (!of.connection) Object.assign(of, { connection: to.id, granted: true, status: 'connected' });
  to.usedBy = [...new Set([...to.usedBy, of.name])];
  changed(world, 'grant', to.id);
  changed(world, 'extension', of.name);
  return [201, made];
}

export function listEvents({ world, query }) {
  const names = (query.get('event') ?? '').split(',').filter(Boolean);
  const of = query.get('connection');
  const items = world.events.filter(
    (each) => (!of || each.connection === of) && (!names.length || names.includes(each.event)),
  );
  return page(items, query, { chain: query.get('check') || of ? 'whole' : null, brokenAt: null });
}

export function history({ world, query, params }) {
  const days = Number(query.get('days') ?? 7);
  const series = world.usage
    .filter((each) => each.connection === params.id)
    .flatMap((each, row) =>
      each.snapshot.metrics.map((metric, column) => {
        const end = metric.utilization ?? (metric.spentUsd ?? metric.used / 40000) / 1000;
        const points = Array.from({ length: 120 }, (_, index) => {
          const share = index / 119;
          const wave = Math.abs(Math.sin(share * 7 + row + column * 2)) * 0.8;
          const value = metric.kind === 'time_window' ? Math.min(1, wave * (0.4 + share * 0.6)) : share * end * 1000;
          return [
            Math.round((Date.now() - (1 - share) * days * DAY) / 1000),
            index === 119 && metric.kind === 'time_window' ? end : value,
          ];
        });
        return { metric: metric.id, points };
      }),
    );
  return { series };
}
