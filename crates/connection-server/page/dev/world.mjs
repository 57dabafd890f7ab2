/** The data of the mock server, the same at every start. */
import { KINDS } from './kinds.mjs';

let seed = 7;
const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
const pick = (list) => list[Math.floor(random() * list.length)];
let made = 0;
export const uuid = () => {
  made += 1;
  const hex = (count) => Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${made.toString(16).padStart(12, '0')}`;
};

export const HOUR = 3600000;
export const DAY = 24 * HOUR;
export const time = (offset) => new Date(Date.now() + offset).toISOString().replace(/\.\d+Z$/, 'Z');

const TEAMS = ['ada', 'work', 'team-blue', 'billing', 'ops', 'personal', 'support', 'marketing', 'lab', 'archive'];

const REASONS = {
  needs_reauthorization: ['The provider no longer accepts the sign-in.', 'Sign in again.'],
  unauthorized: ['The provider refuses the credential.', 'Reconnect the account with a new key.'],
  scope_missing: ['The credential lacks the permission repo:write.', 'Reconnect the account and allow it.'],
  suspended: ['The provider suspended the account.', 'Ask the provider why, then check again.'],
  kind_changed: [
    'The kind sends secrets in another way than when the account was connected.',
    'Review the change and accept it.',
  ],
  timeout: ['No answer arrived within 15 seconds.', null],
  dns: ['The name api.intercom.io does not resolve.', null],
  refresh_outcome_unknown: ['A token may have been spent, and the answer is lost.', 'It is tried again automatically.'],
};

const reason = (code) => (code ? { code, message: REASONS[code][0], remedy: REASONS[code][1] } : null);

function connection(kind, label, more = {}) {
  const known = KINDS.find((each) => each.kind === kind);
  const oauth = known.auth === 'oauth';
  const { code, ...rest } = more;
  return {
    id: uuid(),
    kind,
    provider: known.provider,
    owner: 'local',
    label,
    account: { id: String(100000 + Math.floor(random() * 900000)), label: more.account ?? `${label}@example.com` },
    liveness: 'live',
    reason: reason(code),
    checkedAt: time(-Math.floor(random() * 5 * HOUR)),
    pausedUntil: null,
    validUntil: oauth ? time(40 * 60000) : null,
    authorizedUntil: null,
    renews: oauth,
    scopes: oauth ? ['read', 'write', 'offline_access'] : null,
    config: {},
    profile: null,
    isDefault: false,
    tags: {},
    expiring: false,
    frozen: false,
    kindTitle: known.title,
    providerTitle: known.title.replace(/ \(.*\)$/, ''),
    needsAttention: false,
    remedyAction: null,
    usedBy: [],
    createdAt: time(-40 * DAY),
    previousUntil: null,
    rotates: oauth && kind !== 'slack',
    ...rest,
    ...(more.account ? { account: { id: `acct_${Math.floor(random() * 1e6)}`, label: more.account } } : {}),
  };
}

function listed() {
  const needs = (remedyAction) => ({ needsAttention: true, remedyAction });
  return [
    connection('gmail', 'ada@acme.example', {
      liveness: 'failing',
      code: 'needs_reauthorization',
      ...needs('reauthorize'),
      usedBy: ['inbox-triage', 'weekly-report'],
      account: 'Ada Lovelace',
    }),
    connection('github', 'octo-team', {
      liveness: 'live',
      expiring: true,
      validUntil: time(3 * DAY),
      ...needs('reauthorize'),
      isDefault: true,
      usedBy: ['issues', 'release-notes', 'ci-watch', 'code-search'],
      scopes: ['repo', 'read:org'],
      account: 'octo-team',
      previousUntil: time(5 * DAY),
      config: { apiBaseUrl: 'https://api.github.com' },
    }),
    connection('slack', 'acme', {
      liveness: 'live',
      usedBy: ['weekly-report'],
      account: 'Acme workspace',
    }),
    connection('grafana', 'production', {
      liveness: 'failing',
      code: 'kind_changed',
      ...needs('accept'),
      account: 'ops@acme.example',
    }),
    connection('twilio', 'campaigns', {
      liveness: 'failing',
      code: 'suspended',
      ...needs('verify'),
      account: 'AC5f…91',
    }),
    connection('intercom', 'support', { liveness: 'offline', code: 'dns', ...needs('wait'), account: 'Acme Support' }),
    connection('airtable', 'planning', { usedBy: ['weekly-report'] }),
    connection('anthropic', 'research'),
    connection('anthropic', 'billing team', { isDefault: true }),
    connection('asana', 'roadmap'),
    connection('claude', 'work', { usedBy: ['cockpit'], account: 'ada@acme.example' }),
    connection('claude', 'personal', { account: 'ada@home.example' }),
    connection('cloudflare', 'acme.example'),
    connection('codex', 'work', { usedBy: ['cockpit'] }),
    connection('datadog', 'eu', { liveness: 'unknown', checkedAt: null }),
    connection('figma', 'design'),
    connection('filesystem', 'projects', { account: '/home/ada/projects', liveness: 'live' }),
    connection('github', 'ada', { account: 'ada', scopes: ['repo'], validUntil: time(25 * DAY) }),
    connection('github', 'ci-bot', { account: 'acme-ci-bot' }),
    connection('google-calendar', 'ada@acme.example', { account: 'Ada Lovelace' }),
    connection('hubspot', 'sales'),
    connection('jira', 'acme'),
    connection('linear', 'product', { liveness: 'offline', code: 'timeout' }),
    connection('notion', 'wiki', { usedBy: ['meeting-notes'], account: 'Acme Wiki' }),
    connection('notion', 'a workspace with a very long name that a person typed without thinking of narrow screens', {
      account: 'Notizen & Pläne 📓',
    }),
    connection('openai', 'research', { code: undefined }),
    connection('sentry', 'web'),
    connection('shopify', 'store', { liveness: 'live', code: 'refresh_outcome_unknown' }),
    connection('stripe', 'live mode', { isDefault: true, account: 'Acme GmbH', tags: { customer: '17', plan: 'pro' } }),
    connection('stripe', 'test mode', { account: 'Acme GmbH' }),
    connection('vercel', 'team'),
    connection('zoom', '<img src=x onerror=alert(1)>', { account: '"><script>alert(1)</script>' }),
  ];
}

function many(count) {
  const titles = KINDS.filter((kind) => kind.auth !== 'none');
  return Array.from({ length: count }, (_, index) => {
    const kind = titles[index % titles.length].kind;
    const fails = index % 97 === 0;
    return connection(
      kind,
      `${pick(TEAMS)}-${index}`,
      fails ? { liveness: 'failing', code: 'unauthorized', needsAttention: true, remedyAction: 'reauthorize' } : {},
    );
  });
}

export const sorted = (connections) =>
  connections.sort(
    (a, b) =>
      Number(b.needsAttention) - Number(a.needsAttention) ||
      a.providerTitle.localeCompare(b.providerTitle) ||
      a.label.localeCompare(b.label),
  );

function eventsOf(connections) {
  const events = [];
  const numbers = new Map();
  const add = (of, event, offset, details = {}) => {
    const number = (numbers.get(of.id) ?? 0) + 1;
    numbers.set(of.id, number);
    events.push({
      id: uuid(),
      connection: of.id,
      number,
      at: time(offset),
      event,
      details,
    });
  };
  for (const of of connections.slice(0, 30)) {
    add(of, 'connected', -40 * DAY + random() * HOUR, { account: of.account.label });
    add(of, 'default_changed', -39.9 * DAY, { default: of.isDefault });
    for (const name of of.usedBy) add(of, 'extension_granted', -39 * DAY, { extension: name, names: ['accessToken'] });
    for (let day = 30; day > 0; day -= of.renews ? 3 : 9) {
      if (of.renews) add(of, 'credential_rotated', -day * DAY, { outcome: 'refreshed' });
      for (const name of of.usedBy)
        add(of, 'extension_used', -day * DAY + HOUR, {
          extension: name,
          for: pick(['request', 'accessToken', 'command']),
          names: [],
        });
    }
    add(of, 'liveness_changed', -12 * DAY, { before: 'live', liveness: 'offline', reason: 'timeout' });
    add(of, 'liveness_changed', -12 * DAY + HOUR, { before: 'offline', liveness: 'live', reason: null });
    if (of.label.length % 2) add(of, 'renamed', -8 * DAY, { before: 'new', label: of.label });
    if (of.liveness === 'failing') {
      add(of, 'not_renewed', -5 * HOUR, { outcome: 'failed', reason: of.reason.code, again: time(HOUR) });
      add(of, 'liveness_changed', -4 * HOUR, { before: 'live', liveness: 'failing', reason: of.reason.code });
    }
    if (of.expiring) add(of, 'expiring', -4 * DAY, { validUntil: of.validUntil });
  }
  const former = { id: uuid(), kind: 'trello', label: 'old board', account: { id: 'acct_1', label: 'Ada Lovelace' } };
  if (connections.length) {
    add(former, 'connected', -30 * DAY, {});
    add(former, 'liveness_changed', -3 * HOUR, { before: 'live', liveness: 'offline', reason: 'provider_error' });
    const { kind, label, account } = former;
    add(former, 'removed', -2 * HOUR, { kind, label, account, teardown: 'revoked' });
  }
  return events.sort((a, b) => b.at.localeCompare(a.at));
}

const declared = [
  {
    name: 'defaultRepository',
    title: 'Default repository',
    description: 'Used when a command names none.',
    type: 'textfield',
    required: true,
    choices: [],
  },
  {
    name: 'order',
    title: 'Order of issues',
    description: null,
    type: 'dropdown',
    required: false,
    choices: [
      { value: 'new', label: 'Newest first' },
      { value: 'old', label: 'Oldest first' },
    ],
  },
  {
    name: 'includeClosed',
    title: 'Include closed issues',
    description: 'Closed issues are shown in grey.',
    type: 'checkbox',
    required: false,
    choices: [],
  },
];

function extensionsOf(connections) {
  const find = (kind) => connections.find((each) => each.kind === kind);
  const grant = (name, of, secretNames) => ({
    extension: name,
    connection: of.id,
    kind: of.kind,
    label: of.label,
    secretNames,
    words: null,
    createdAt: time(-39 * DAY),
    revokedAt: null,
  });
  const extension = (name, provider, title, of, more = {}) => ({
    name,
    provider,
    title,
    secretNames: ['accessToken'],
    commands: ['search', 'create'],
    status: 'connected',
    error: null,
    connection: of?.id ?? null,
    chosen: false,
    granted: Boolean(of),
    missingScopes: [],
    askableScopes: [],
    grants: of ? [grant(name, of, ['accessToken'])] : [],
    addedAt: time(-39 * DAY),
    declared,
    values: { order: 'new', includeClosed: false },
    set: [],
    ...more,
  });
  return [
    extension('issues', 'github', 'GitHub', find('github')),
    extension('inbox-triage', 'google', 'Gmail', find('gmail'), {
      status: 'failed',
      error: {
        code: 'connection_failed',
        message: 'The provider no longer accepts the sign-in of ada@acme.example.',
        remedy: 'Reconnect the account.',
      },
    }),
    extension('weekly-report', 'slack', 'Slack', find('slack'), { missingScopes: ['chat:write'], askableScopes: ['chat:write'], secretNames: [] }),
    extension('meeting-notes', 'notion', 'Notion', null, {
      status: 'connected',
      connection: find('notion').id,
      chosen: false,
      granted: false,
      grants: [],
      declared: [],
    }),
    extension('invoices', 'xero', 'Xero', null, { status: 'missing', error: null }),
    extension('release-notes', 'github', 'GitHub', find('github'), { secretNames: [] }),
    extension('old-sync', 'ftp', 'FTP server', null, {
      status: 'unsupported',
      error: {
        code: 'connection_unsupported',
        message: 'No kind of this server connects ftp.',
        remedy: 'Add a kind for it.',
      },
    }),
  ];
}

function usageOf(connections) {
  const of = (kind, label) => connections.find((each) => each.kind === kind && each.label === label);
  const window = (id, label, utilization, resets, windowSeconds) => ({
    kind: 'time_window',
    id,
    label,
    utilization,
    resetsAt: time(resets),
    windowSeconds,
  });
  const usage = (connection, authMode, metrics, more = {}) => ({
    kind: connection.kind,
    profile: null,
    connection: connection.id,
    account: connection.account.label,
    authMode,
    age: 140,
    error: null,
    snapshot: { metrics, observedAt: time(-140000), raw: null },
    ...more,
  });
  return [
    usage(of('claude', 'work'), 'subscription', [
      window('five_hour', 'Five hours', 0.82, 1.4 * HOUR, 18000),
      window('seven_day', 'Seven days', 0.41, 3.2 * DAY, 604800),
      window('seven_day_opus', 'Seven days, largest model', 0.97, 3.2 * DAY, 604800),
    ]),
    usage(of('claude', 'personal'), 'subscription', [
      window('five_hour', 'Five hours', 0.06, 4 * HOUR, 18000),
      window('seven_day', 'Seven days', 0.12, 5 * DAY, 604800),
    ]),
    usage(of('codex', 'work'), 'subscription', [window('primary', 'Five hours', 0.33, 2.2 * HOUR, 18000)], {
      age: 5400,
      error: { code: 'rate_limited', message: 'The provider asks to wait.', remedy: null },
    }),
    usage(of('anthropic', 'research'), 'apiKey', [
      {
        kind: 'monthly_spend',
        id: 'spend',
        label: 'Spend this month',
        spentUsd: 318.4,
        budgetUsd: 500,
        cycleStart: time(-21 * DAY),
        cycleEnd: time(9 * DAY),
      },
    ]),
    usage(of('openai', 'research'), 'apiKey', [
      {
        kind: 'monthly_spend',
        id: 'spend',
        label: 'Spend this month',
        spentUsd: 1204.77,
        cycleStart: time(-21 * DAY),
        cycleEnd: time(9 * DAY),
      },
      { kind: 'token_utilization', id: 'tokens', label: 'Tokens today', used: 1840000, max: 5000000 },
    ]),
  ];
}

const profile = (kind, label, directory, more = {}) => ({
  id: uuid(),
  kind,
  label,
  directory,
  isDefault: false,
  isImplicit: false,
  slots: [],
  createdAt: time(-30 * DAY),
  found: { directory, state: 'there', target: null, exists: true, authenticated: true, reason: null, account: null },
  ...more,
});

function profilesOf() {
  const found = (directory, more) => ({
    directory,
    state: 'there',
    target: null,
    exists: true,
    authenticated: true,
    reason: null,
    account: null,
    ...more,
  });
  return [
    profile('claude', 'personal', '/home/ada/.claude', {
      isDefault: true,
      isImplicit: true,
      found: found('/home/ada/.claude', { account: 'ada@home.example' }),
    }),
    profile('claude', 'work', '/home/ada/.local/share/connections/profiles/claude/work', {
      slots: ['acme', 'client-a'],
      found: found('', { account: 'ada@acme.example' }),
    }),
    profile('codex', 'personal', '/home/ada/.codex', {
      isDefault: true,
      isImplicit: true,
      found: found('', { authenticated: false }),
    }),
    profile('codex', 'work', '/home/ada/.codex-work', {
      found: found('', {
        state: 'gone',
        exists: false,
        authenticated: null,
        reason: {
          code: 'root_missing',
          message: 'The directory does not exist.',
          remedy: 'Sign in with the tool once.',
        },
      }),
    }),
  ];
}

const tokens = () => [
  {
    id: uuid(),
    name: 'This browser',
    role: 'manage',
    owner: 'local',
    extension: null,
    createdAt: time(-3 * DAY),
    expiresAt: time(30 * DAY),
    lastUsedAt: time(-1000),
    revokedAt: null,
    page: true,
  },
  {
    id: uuid(),
    name: 'Agent cockpit',
    role: 'use',
    owner: 'local',
    extension: null,
    createdAt: time(-60 * DAY),
    expiresAt: time(30 * DAY),
    lastUsedAt: time(-2 * HOUR),
    revokedAt: null,
    page: false,
  },
  {
    id: uuid(),
    name: 'issues',
    role: 'extension',
    owner: 'local',
    extension: 'issues',
    createdAt: time(-20 * DAY),
    expiresAt: time(345 * DAY),
    lastUsedAt: null,
    revokedAt: null,
    page: false,
  },
  {
    id: uuid(),
    name: 'Old laptop',
    role: 'manage',
    owner: 'local',
    extension: null,
    createdAt: time(-200 * DAY),
    expiresAt: time(-80 * DAY),
    lastUsedAt: time(-100 * DAY),
    revokedAt: time(-90 * DAY),
    page: true,
  },
];

/** The connection of the link that repairs one. */
const REPAIRED = { kind: 'github', kindTitle: 'GitHub', providerTitle: 'GitHub', account: 'octocat' };

/**
 * Makes the data of one visitor.
 * @param {string} visitor `demo`, `read`, `admin`, `empty`, `many`, or a setup link's; what follows a point makes another
 *   visitor with data of the same kind
 */
export function makeWorld(visitor) {
  const [name] = visitor.split('.');
  const isEmpty = name === 'empty' || name.startsWith('link');
  const connections = sorted(isEmpty ? [] : name === 'many' ? many(10000) : listed());
  const full = !isEmpty && name !== 'many';
  const counts = new Map();
  for (const each of connections) counts.set(each.kind, (counts.get(each.kind) ?? 0) + 1);
  return {
    name,
    connections,
    role: { read: 'read', admin: 'admin' }[name] ?? (name.startsWith('link') ? 'link' : 'manage'),
    kinds: KINDS.map((kind) => ({ ...kind, connections: counts.get(kind.kind) ?? 0 })),
    setups: new Map(),
    events: eventsOf(connections),
    extensions: full ? extensionsOf(connections) : name === 'many' ? extensionsOf(connections).slice(0, 1) : [],
    usage: full ? usageOf(connections) : [],
    profiles: full ? profilesOf() : [],
    tokens: full ? tokens() : [],
    listeners: new Set(),
    setup: null,
    repairs: name === 'link-repair' ? { ...REPAIRED, connection: uuid() } : null,
  };
}

export { profile, reason };
