/** Setups of the mock server: small scripts of steps by kind. */
import { kindShape } from './kinds.mjs';
import { HOUR, sorted, time, uuid } from './world.mjs';

const notice = (message, more = {}) => ({ message, open: null, userCode: null, reason: null, ...more });

/** Returns the steps of a kind. A function step gets the answers given so far. */
function scriptOf(known) {
  const kind = kindShape(known);
  const fields = kind.fields.map(({ way, once, ...field }) => ({
    placeholder: null,
    default: null,
    pattern: null,
    ...field,
  }));
  const prompt = (more) => ({
    type: 'prompt',
    title: `Connect ${known.title}`,
    problem: null,
    guide: kind.guide,
    fields,
    open: null,
    openHost: null,
    returns: false,
    beside: [],
    ...more,
  });
  const { host: openHost } = new URL(`https://${known.provider}.example`);
  const host = `https://${known.provider}.example`;
  switch (known.kind) {
    case 'gmail':
    case 'google-calendar':
      return [
        { type: 'redirect', open: `${host}/o/oauth2/auth?client_id=abc&scope=mail&state=xyz`, openHost, beside: [], auto: 4000 },
        'confirm',
        'done',
      ];
    case 'github-oauth':
      return [
        {
          type: 'notice',
          beside: [
            notice('Open the page of GitHub and enter the code.', {
              open: 'https://github.com/login/device',
              userCode: 'WDJB-MJHT',
            }),
          ],
          resumable: false,
          auto: 60000,
        },
        'confirm',
        'done',
      ];
    case 'notion':
      return [
        prompt({
          title: 'Paste the address on which the browser ended',
          fields: [
            {
              ...(fields[0] ?? {}),
              name: 'address',
              label: 'Address',
              input: 'url',
              required: true,
              many: false,
              help: 'It begins with http://127.0.0.1.',
              placeholder: null,
              default: null,
              pattern: null,
              choices: [],
            },
          ],
          guide: [],
          open: 'https://api.notion.com/v1/oauth/authorize?client_id=abc',
          openHost: 'api.notion.com',
          returns: true,
        }),
        'done',
      ];
    case 'intercom':
      return [
        {
          type: 'notice',
          beside: [
            notice('Intercom is asked again when it can be reached.', {
              reason: {
                code: 'dns',
                message: 'The name api.intercom.io does not resolve.',
                remedy: 'Check the network of the server.',
              },
            }),
          ],
          resumable: true,
        },
        'done',
      ];
    case 'zendesk':
      return [
        prompt({}),
        {
          type: 'failed',
          reason: {
            code: 'unauthorized',
            message: 'Zendesk refuses the user name or the password.',
            remedy: 'Check both, and whether password access is switched on.',
          },
        },
      ];
    case 'stripe':
      return [
        prompt({}),
        {
          type: 'failed',
          reason: {
            code: 'account_connected',
            message: 'Acme GmbH is already connected as stripe:live mode.',
            remedy: 'Reconnect that connection, or connect the account a second time.',
          },
        },
      ];
    default:
      return known.auth === 'oauth'
        ? [
            { type: 'redirect', open: `${host}/oauth/authorize?client_id=abc`, openHost, beside: [], auto: 4000 },
            'confirm',
            'done',
          ]
        : [prompt({}), 'done'];
  }
}

/** Begins a setup. */
export function begin(world, { kind, connection, extension, requirement, label, again }) {
  const of = connection && world.connections.find((each) => each.id === connection);
  const wanted = kind ?? of?.kind ?? world.extensions.find((each) => each.name === extension)?.provider;
  const known = world.kinds.find((each) => each.kind === wanted || each.provider === wanted);
  if (!known) return null;
  const setup = {
    id: uuid(),
    known,
    script: again ? ['done'] : scriptOf(known),
    at: 0,
    working: false,
    ended: null,
    of: of ?? null,
    extension: extension ?? null,
    requirement,
    label: label ?? null,
    createdAt: time(0),
    expiresAt: time(HOUR / 2),
    waiters: new Set(),
    answers: {},
  };
  world.setups.set(setup.id, setup);
  enter(world, setup);
  return setup;
}

function enter(world, setup) {
  const step = setup.script[setup.at];
  if (step === 'done') finish(world, setup);
  if (step?.type === 'failed') setup.ended = step;
  if (step?.auto) setup.timer = setTimeout(() => advance(world, setup, 900), step.auto);
  wake(world, setup);
}

function wake(world, setup) {
  for (const waiter of [...setup.waiters]) waiter();
  setup.waiters.clear();
  for (const listener of world.listeners) listener('setup', setup.id);
}

/** Goes to the next step after some work. */
export function advance(world, setup, delay = 1200) {
  clearTimeout(setup.timer);
  setup.working = true;
  wake(world, setup);
  setup.timer = setTimeout(() => {
    setup.working = false;
    setup.at += 1;
    enter(world, setup);
  }, delay);
}

function finish(world, setup) {
  const account = { id: '4711', label: setup.of?.account.label ?? 'Ada Lovelace' };
  let connection = setup.of;
  if (connection) {
    Object.assign(connection, {
      liveness: 'live',
      reason: null,
      needsAttention: false,
      remedyAction: null,
      expiring: false,
      frozen: false,
      checkedAt: time(0),
      pausedUntil: null,
      previousUntil: '2026-11-27T09:00:00Z',
    });
  } else {
    const { kind, provider, title } = setup.known;
    connection = {
      id: uuid(),
      kind,
      provider,
      owner: 'local',
      label: setup.label ?? account.label,
      account,
      liveness: 'live',
      reason: null,
      checkedAt: time(0),
      pausedUntil: null,
      validUntil: null,
      authorizedUntil: null,
      renews: false,
      scopes: null,
      config: {},
      profile: null,
      isDefault: true,
      tags: {},
      expiring: false,
      frozen: false,
      kindTitle: title,
      providerTitle: title.replace(/ \(.*\)$/, ''),
      needsAttention: false,
      remedyAction: null,
      usedBy: setup.extension ? [setup.extension] : [],
      previousUntil: null,
      rotates: false,
      createdAt: time(0),
    };
    world.connections.push(connection);
    const extension = world.extensions.find((each) => each.name === setup.extension);
    if (extension) {
      Object.assign(extension, { status: 'connected', connection: connection.id, granted: true });
      extension.grants.push({
        extension: extension.name,
        connection: connection.id,
        kind,
        label: connection.label,
        secretNames: extension.secretNames,
        words: null,
        createdAt: time(0),
        revokedAt: null,
      });
    }
  }
  sorted(world.connections);
  setup.ended = {
    type: 'done',
    account,
    liveness: 'live',
    reason: null,
    connection: connection.id,
    label: connection.label,
  };
  for (const listener of world.listeners) listener('connection', connection.id);
}

/** Ends a setup without a connection. */
export function cancel(world, setup) {
  clearTimeout(setup.timer);
  setup.ended = { type: 'cancelled' };
  wake(world, setup);
}

/** Returns the shape of a setup. */
export function shape(setup) {
  const { auto, ...step } = typeof setup.script[setup.at] === 'object' ? setup.script[setup.at] : {};
  let state = setup.ended ?? step;
  if (!setup.ended && setup.working) state = { type: 'working' };
  else if (!setup.ended && setup.script[setup.at] === 'confirm') {
    const account = { id: 'ada@acme.example', label: 'Ada Lovelace (ada@acme.example)' };
    state = { type: 'confirm', title: `Is ${account.label} the right account?`, account };
  }
  if (setup.problem && state.type === 'prompt') state = { ...state, problem: setup.problem };
  return {
    id: setup.id,
    kind: setup.known.kind,
    kindTitle: setup.known.title,
    provider: setup.known.provider,
    providerTitle: setup.known.title.replace(/ \(.*\)$/, ''),
    reauthorizes: setup.of?.id ?? null,
    extension: setup.extension,
    createdAt: setup.createdAt,
    expiresAt: setup.expiresAt,
    cursor: `${setup.at}-${setup.working}-${Boolean(setup.ended)}-${setup.problem ?? ''}`,
    step: state.type === 'working' ? null : setup.at + 1,
    ...state,
  };
}

/** Checks the answers of a prompt, and returns the problems. */
export function problemsOf(setup, answers) {
  const step = setup.script[setup.at];
  return (step.fields ?? [])
    .filter((field) => {
      const value = answers[field.name];
      if (field.required && (value === undefined || value === '' || value.length === 0)) return true;
      return field.pattern && value && !new RegExp(`^(?:${field.pattern})$`).test(value);
    })
    .map((field) => ({ field: field.name, message: `${field.label} does not have the form that the provider uses.` }));
}
