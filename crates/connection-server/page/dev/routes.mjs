/** The routes of the mock server: `[method, pattern, handler]`. A handler returns a body, or `[status, body]`. */
import {
  answer,
  changed,
  connectionOf,
  connectionShape,
  detail,
  grant,
  health,
  history,
  listConnections,
  listEvents,
  missing,
  page,
  problem,
  verify,
  waitFor,
  withConnection,
  withExtension,
  withSetup,
} from './handlers.mjs';
import { kindDetail } from './kinds.mjs';
import { advance, begin, cancel, shape } from './setups.mjs';
import { DAY, profile, sorted, time, uuid } from './world.mjs';

const SVG = [
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M16 2l14 28H2z" fill="#7a1fa2"/>',
  '<circle cx="16" cy="21" r="4" fill="#fff"/></svg>',
];
const LOGO = `data:image/svg+xml,${encodeURIComponent(SVG.join(''))}`;

/** The kind of this world whose entered credential can be revoked. */
const REVOCABLE = 'figma';

/** Returns what a new extension has in common with the others. */
const extensionFor = ({ extensions }) =>
  extensions[0] ?? {
    provider: 'github',
    title: 'GitHub',
    secretNames: [],
    commands: [],
    chosen: false,
    missingScopes: [],
    askableScopes: [],
    error: null,
    declared: [],
    values: {},
    set: [],
  };

const extensionShape = ({ declared, values, set, ...of }) => of;

const REVISIONS = { extensionConfig: 1, commandConfig: 1, connectionConfig: 1, credential: 1 };

const resolvedOf = (of) => ({
  connectionId: 'default',
  extensionName: of.name,
  provider: of.provider,
  publicConfig: {},
  missingSecretNames: [],
  status: of.status,
});

export const APPEARANCE = { name: 'Acme Flow', logo: LOGO, accent: '#7a1fa2' };

/** All routes. */
export const ROUTES = [
  [
    'GET',
    '/me',
    ({ world }) => ({
      role: world.role,
      owner: world.role === 'admin' ? null : world.role === 'link' ? 'customer-17' : 'local',
      ownerName: world.role === 'link' ? 'Ada Lovelace' : null,
      expiresAt: time(30 * DAY),
      setup: world.setup,
      extension: null,
      areas: ['extensions', 'profiles', 'usage', 'activity', 'system', 'doctor', 'health', 'setupLinks'],
      token: world.tokens[0]?.id ?? '00000000-0000-7000-8000-000000000000',
      kinds: world.role !== 'link' ? null : world.repairs ? [world.repairs.kind] : ['github', 'notion', 'gmail'],
      repairs: world.repairs,
      host:
        world.role === 'link'
          ? { ...APPEARANCE, returnTo: 'https://flow.acme.example/done' }
          : { name: null, logo: null, accent: null, returnTo: null },
    }),
  ],
  ['GET', '/appearance', () => APPEARANCE],
  ['GET', '/tokens', ({ world }) => ({ items: world.tokens, next: null })],
  [
    'POST',
    '/tokens',
    ({ world, body }) => {
      if (body.role === 'admin' && world.role !== 'admin')
        return problem(403, 'not_allowed', 'Only an administrator makes such a token.', 'Choose another role.');
      const made = {
        id: uuid(),
        name: body.name,
        role: body.role,
        owner: body.owner ?? 'local',
        extension: body.extension ?? null,
        createdAt: time(0),
        expiresAt: time(body.days * DAY),
        lastUsedAt: null,
        revokedAt: null,
        page: false,
      };
      world.tokens.push(made);
      return [201, { ...made, token: 'cn_9f3b7c21e8d04a5f9f3b7c21e8d04a5f' }];
    },
  ],
  [
    'DELETE',
    '/tokens/:id',
    ({ world, params }) => {
      world.tokens.find((each) => each.id === params.id).revokedAt = time(0);
      return [204, null];
    },
  ],
  [
    'POST',
    '/setup-links',
    () => [201, { id: uuid(), address: 'http://127.0.0.1:8745/link#link=4b1c9d', expiresAt: time(30 * 60000) }],
  ],
  ['GET', '/connections', listConnections],
  ['GET', '/connections/:id', withConnection(({ world, of }) => detail(world, of))],
  [
    'PATCH',
    '/connections/:id',
    withConnection(({ world, of, body }) => {
      if (world.connections.some((each) => each !== of && each.kind === of.kind && each.label === body.label))
        return problem(409, 'label_taken', 'Another connection has this name.', 'Choose another name.', {
          field: 'label',
        });
      of.label = body.label;
      changed(world, 'connection', of.id);
      return connectionShape(of);
    }),
  ],
  [
    'PUT',
    '/connections/:id/tags',
    withConnection(({ world, of, body }) => {
      of.tags = body.tags ?? {};
      changed(world, 'connection', of.id);
      return connectionShape(of);
    }),
  ],
  ['POST', '/connections/:id/verify', withConnection(verify)],
  ['POST', '/connections/:id/refresh', withConnection(({ of }) => ({ outcome: 'refreshed', connection: connectionShape(of) }))],
  ['POST', '/connections/:id/rollback', withConnection(({ of }) => connectionShape(of))],
  [
    'POST',
    '/connections/:id/default',
    withConnection(({ of, body }) => connectionShape(Object.assign(of, { isDefault: body.default }))),
  ],
  [
    'POST',
    '/connections/:id/reauthorize',
    withConnection(({ world, of }) => [201, shape(begin(world, { connection: of.id }))]),
  ],
  [
    'GET',
    '/connections/:id/removal',
    withConnection(({ of }) => ({
      extensions: of.usedBy,
      agents: [],
      webhooks: of.kind === 'github',
      canRevoke: of.kind === REVOCABLE,
    })),
  ],
  [
    'DELETE',
    '/connections/:id',
    withConnection(({ world, of, query }) => {
      world.connections.splice(world.connections.indexOf(of), 1);
      changed(world, 'connection', of.id);
      const isRevoked = of.renews || (of.kind === REVOCABLE && query.get('revoke') === 'true');
      const page = `https://${of.kind}.example/settings/tokens`;
      const reason = {
        code: of.kind === REVOCABLE ? 'revocation_not_requested' : 'no_revocation',
        message: `the credential works at ${of.kindTitle} until it expires or is deleted there`,
        remedy: `delete the credential at ${page}`,
      };
      return {
        id: of.id,
        kind: of.kind,
        label: of.label,
        teardown: isRevoked ? 'revoked' : 'not_revoked',
        reason: isRevoked ? null : reason,
        credentialPage: isRevoked ? null : page,
        previous: null,
        previousReason: null,
        previousCredentialPage: null,
      };
    }),
  ],
  [
    'GET',
    '/connections/:id/events',
    withConnection(({ world, of, query }) => {
      query.set('connection', of.id);
      return listEvents({ world, query });
    }),
  ],
  ['GET', '/connections/:id/health', withConnection(health)],
  [
    'GET',
    '/kinds',
    ({ world, query, link }) => {
      const text = (query.get('search') ?? '').toLowerCase();
      const allowed = world.role === 'link' ? ['github', 'notion', 'gmail'] : null;
      return page(
        world.kinds.filter(
          (kind) =>
            `${kind.title} ${kind.kind}`.toLowerCase().includes(text) && (!allowed || allowed.includes(kind.kind)),
        ),
        query,
      );
    },
  ],
  [
    'GET',
    '/kinds/:kind',
    ({ world, params }) => {
      const known = world.kinds.find((each) => each.kind === params.kind);
      return known ? kindDetail(known) : missing('unknown_kind', 'kind');
    },
  ],
  [
    'GET',
    '/kinds/:kind/accept',
    ({ params }) => ({
      kind: params.kind,
      connections: 1,
      seen: '5f0c2e1a',
      changes: [
        {
          connections: 1,
          stopsUse: true,
          removed: ['send to https://grafana.example as the header Authorization'],
          added: ['send to https://grafana.example and https://logs.grafana.example as the header Authorization'],
        },
      ],
    }),
  ],
  [
    'POST',
    '/kinds/:kind/accept',
    ({ world, params }) => {
      for (const each of world.connections.filter((of) => of.kind === params.kind))
        Object.assign(each, { liveness: 'live', reason: null, needsAttention: false, remedyAction: null });
      sorted(world.connections);
      changed(world, 'connection', null);
      return { kind: params.kind, connections: 1, seen: '5f0c2e1a', changes: [] };
    },
  ],
  [
    'GET',
    '/setups',
    ({ world }) => ({ items: [...world.setups.values()].filter((each) => !each.ended).map(shape), next: null }),
  ],
  [
    'POST',
    '/setups',
    ({ world, body }) => {
      const made = begin(world, world.repairs ? { kind: world.repairs.kind } : body);
      if (made && world.role === 'link') world.setup = made.id;
      return made ? [201, shape(made)] : missing('unknown_kind', 'kind');
    },
  ],
  ['GET', '/setups/:id', withSetup(waitFor)],
  ['POST', '/setups/:id/answers', withSetup(answer)],
  [
    'POST',
    '/setups/:id/confirm',
    withSetup(({ world, of }) => {
      advance(world, of, 700);
      return [202, shape(of)];
    }),
  ],
  [
    'POST',
    '/setups/:id/resume',
    withSetup(({ world, of }) => {
      advance(world, of);
      return [202, shape(of)];
    }),
  ],
  [
    'DELETE',
    '/setups/:id',
    withSetup(({ world, of }) => {
      cancel(world, of);
      return [204, null];
    }),
  ],
  ['GET', '/agents', ({ query }) => page([], query)],
  ['GET', '/approvals', ({ query }) => page([], query)],
  ['GET', '/uses', () => ({ items: [], next: null })],
  ['GET', '/freezes', () => ({ items: [], changes: [], refused: null })],
  ['GET', '/extensions', ({ world, query }) => page(world.extensions.map(extensionShape), query)],
  [
    'POST',
    '/extensions',
    ({ world, body }) => {
      if (!body.manifest?.name)
        return problem(422, 'invalid_manifest', 'The manifest has no name.', 'Choose the manifest of an extension.');
      const made = {
        ...extensionFor(world),
        name: body.manifest.name,
        grants: [],
        connection: null,
        granted: false,
        status: 'missing',
        addedAt: time(0),
      };
      world.extensions.push(made);
      return [201, extensionShape(made)];
    },
  ],
  [
    'DELETE',
    '/extensions/:name',
    withExtension(({ world, of }) => {
      world.extensions.splice(world.extensions.indexOf(of), 1);
      return { name: of.name, revoked: of.grants.length };
    }),
  ],
  ['POST', '/extensions/:name/grants', withExtension(grant)],
  [
    'DELETE',
    '/extensions/:name/grants/:id',
    withExtension(({ world, of, params }) => {
      of.grants = of.grants.filter((each) => each.connection !== params.id);
      of.granted = of.grants.some((each) => each.connection === of.connection);
      const to = connectionOf(world, params);
      if (to) to.usedBy = to.usedBy.filter((each) => each !== of.name);
      changed(world, 'extension', of.name);
      return [204, null];
    }),
  ],
  [
    'PUT',
    '/extensions/:name/choice',
    withExtension(({ of, body }) => {
      Object.assign(of, {
        connection: body.connection ?? of.connection,
        chosen: body.connection !== null,
        granted: of.grants.some((each) => each.connection === body.connection),
      });
      return extensionShape(of);
    }),
  ],
  [
    'GET',
    '/extensions/:name/preferences',
    withExtension(({ of, query }) => ({
      extension: of.name,
      command: query.get('command'),
      values: of.values,
      set: of.set,
      missing: of.declared.filter((each) => each.required && !of.values[each.name]).map((each) => each.name),
      overridden: [],
      connectionValues: {},
      revisions: REVISIONS,
      declared: of.declared,
    })),
  ],
  [
    'PUT',
    '/extensions/:name/preferences',
    withExtension(({ of, body }) => {
      Object.assign(of.values, body.values);
      of.set = Object.keys(body.values);
      return {
        extension: of.name,
        command: null,
        values: of.values,
        set: of.set,
        missing: [],
        overridden: [],
        connectionValues: {},
        revisions: REVISIONS,
        declared: of.declared,
      };
    }),
  ],
  [
    'POST',
    '/extensions/:name/hand-off',
    withExtension(({ of, body }) => {
      const action =
        of.status === 'missing' ? 'connect' : of.status === 'failed' ? 'reauthorize' : of.granted ? null : 'grant';
      const required = action && {
        title: of.title,
        guide: 'Create a token with the permission to read.',
        action: of.status === 'unsupported' ? 'unavailable' : action,
        kinds: [of.provider],
        way: null,
      };
      const ticket = required ? 'ticket-1' : null;
      return [201, { extension: of.name, command: body.command, required, resolved: resolvedOf(of), ticket }];
    }),
  ],
  [
    'GET',
    '/extensions/:name/hand-off/:id',
    withExtension(({ of }) => ({
      extension: of.name,
      command: null,
      required: null,
      resolved: resolvedOf(of),
      ticket: null,
      cursor: '1',
      setup: null,
    })),
  ],
  ['GET', '/profiles', ({ world, query }) => page(world.profiles, query)],
  [
    'POST',
    '/profiles',
    ({ world, body }) => {
      const directory = body.directory ?? `/home/ada/.local/share/connections/profiles/${body.kind}/${body.label}`;
      const made = profile(body.kind, body.label, directory, {
        found: { directory, state: 'there', target: null, exists: true, authenticated: false, reason: null, account: null },
      });
      world.profiles.push(made);
      return [201, made];
    },
  ],
  [
    'PATCH',
    '/profiles/:id',
    ({ world, params, body }) => {
      const of = world.profiles.find((each) => each.id === params.id);
      if (body.default)
        world.profiles.filter((each) => each.kind === of.kind).forEach((each) => (each.isDefault = false));
      return Object.assign(of, body.label ? { label: body.label } : { isDefault: true });
    },
  ],
  [
    'DELETE',
    '/profiles/:id',
    ({ world, params }) => {
      const of = world.profiles.find((each) => each.id === params.id);
      if (of.isDefault)
        return problem(409, 'profile_default', 'It is the default profile.', 'Make another profile the default first.');
      world.profiles.splice(world.profiles.indexOf(of), 1);
      return { id: of.id, kind: of.kind, label: of.label };
    },
  ],
  ['GET', '/usage', ({ world, query }) => page(world.usage, query)],
  ['GET', '/connections/:id/usage', history],
  ['GET', '/events', listEvents],
  [
    'GET',
    '/system',
    ({ world }) => ({
      version: '0.1.0',
      database: '/home/ada/.local/share/connections/store/connections.db',
      key: { source: 'file /home/ada/.local/share/connections/root.key', wrappedBy: '5f0c2e1a9b7d3c48' },
      publicUrl: world.name === 'admin' ? 'https://connect.acme.example' : null,
      doorsUrl: world.name === 'admin' ? 'https://doors.acme.example' : null,
      certificate:
        world.name === 'admin'
          ? {
              file: '/etc/connections/tls/fullchain.pem',
              endsAt: time(6 * DAY),
              remedy: 'renew it and check why the program that renews it has not',
            }
          : null,
      startedAt: time(-5 * DAY),
      healthy: true,
    }),
  ],
  [
    'POST',
    '/doctor',
    async ({ world }) => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      const check = (name, message, ok = true, remedy = null) => ({ check: name, ok, message, remedy });
      const fine = [
        check('database', '/home/ada/.local/share/connections/store/connections.db'),
        check('state_directory', '/home/ada/.local/share/connections/state'),
        check('key', 'file /home/ada/.local/share/connections/root.key, key 5f0c2e1a9b7d3c48'),
        check('callback', 'callbacks arrive at http://127.0.0.1:8745'),
      ];
      const bad = [
        check(
          'clock',
          `it is ${time(0)}, but a connection was made at ${time(94000)}`,
          false,
          'set the clock: expiry and setups depend on it',
        ),
        check('connection', 'gmail:ada@acme.example is failing.', false, 'Reconnect it.'),
      ];
      return {
        ok: world.name === 'empty',
        checks: world.name === 'empty' ? [...fine, check('clock', time(0))] : [...fine, ...bad],
        redirectUris: [{ kind: 'github-oauth', redirectUri: 'http://127.0.0.1:8745/callback' }],
      };
    },
  ],
];
