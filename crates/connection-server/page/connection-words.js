/**
 * What a connection's state, expiry and remedy are called.
 */
import { ago, moment } from './format.js';
import { texts } from './texts.js';

const SOON = 30 * 86400000;

/**
 * Returns the state of a connection in words, with the tone in which it is shown.
 * @param {object} connection
 * @returns {{tone: 'live' | 'warn' | 'bad' | 'off' | 'none', word: string}}
 */
export function stateOf({ liveness, reason, expiring, frozen }) {
  const words = texts.states;
  if (liveness === 'failing') return { tone: 'bad', word: words.failing };
  if (frozen) return { tone: 'warn', word: texts.freeze.frozen };
  if (liveness === 'offline') return { tone: 'off', word: offlineWord(reason?.code) };
  if (liveness !== 'live') return { tone: 'none', word: words.unknown };
  if (expiring) return { tone: 'warn', word: words.expiring };
  if (reason?.code === 'refresh_outcome_unknown') return { tone: 'warn', word: words.unclear };
  if (reason?.code === 'restored') return { tone: 'warn', word: words.restored };
  if (reason?.code === 'use_refused') return { tone: 'warn', word: words.refused };
  if (isApplicationRefused({ reason })) return { tone: 'warn', word: words.waiting };
  return { tone: 'live', word: words.live };
}

/** The codes of reasons for which no answer of the provider arrived. */
const UNREACHED = ['connect', 'denied', 'dns', 'timeout', 'tls'];

/** Returns what a connection is called whose provider does not serve it now. */
function offlineWord(code) {
  const words = texts.states;
  if (UNREACHED.includes(code)) return words.offline;
  return { provider_error: words.answered, rate_limited: words.paused }[code] ?? words.unavailable;
}

/**
 * Returns what expires when, or `null` if nothing expires soon and `isFull` is not set.
 * @param {object} connection
 * @param {boolean} [isFull] also says that nothing expires
 */
export function expiryOf({ validUntil, authorizedUntil, renews, expiring, reason }, isFull = false) {
  const words = texts.connections;
  if (renews && reason?.code === 'needs_reauthorization') return isFull ? words.noLonger : null;
  const end = renews ? authorizedUntil : validUntil;
  if (!end) return isFull ? (renews ? words.renews : words.noExpiry) : null;
  const time = new Date(end).getTime();
  if (!isFull && !expiring && time - Date.now() > SOON) return null;
  const isOver = time < Date.now();
  if (renews) return isOver ? words.signInEnded(ago(end)) : words.signIn(ago(end));
  return isOver ? words.expired(ago(end)) : words.expires(ago(end));
}

/** Returns `true` if the provider refuses the application of the kind, which concerns all its connections alike. */
export const isApplicationRefused = ({ reason }) => isOfApplication(reason?.code ?? '');

/** Returns `true` if the remedy of a reason mends something else than the connection. */
export const isMendedElsewhere = ({ reason }) => /policy_refused$|^clock_differs$/.test(reason?.code ?? '');

const isOfApplication = (code) => /client_(refused|expired)$/.test(code);

/**
 * Returns the name of a provider, for the heading of its group.
 * @param {object} connection
 */
export function providerOf({ providerTitle, kindTitle, provider }) {
  return providerTitle ?? (kindTitle ?? provider).replace(/ \([^)]*\)$/, '');
}

/**
 * Returns the sentence about an event, from its details.
 * @param {object} event
 */
export function eventSentence({ event, details }) {
  const words = texts.events;
  const d = details ?? {};
  const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
  const state = (word, code) => (word === 'offline' ? offlineWord(code) : (texts.states[word] ?? text(word)));
  const parts = [];
  if (event === 'liveness_changed' && d.liveness) {
    parts.push(words.liveness(d.before ? state(d.before) : null, state(d.liveness, d.reason?.code ?? d.reason)));
  } else if (event === 'renamed' && d.label) {
    parts.push(words.renamed(text(d.before ?? ''), text(d.label)));
  } else if (event === 'account_renamed' && d.account) {
    parts.push(words.renamed(text(d.before?.id ?? ''), text(d.account.id)));
  } else if (d.extension) {
    parts.push(event === 'extension_used' ? words.by(text(d.extension)) : words.to(text(d.extension)));
    if (d.for) parts.push(words.for[d.for] ?? text(d.for));
  }
  if (Array.isArray(d.names) && d.names.length) parts.push(words.names_(d.names.map(text)));
  const code = d.reason && text(d.reason.code ?? d.reason);
  if (typeof d.outcome === 'string' && d.outcome !== 'refreshed' && !code) parts.push(words.outcome(d.outcome));
  // The name of the state says these two already.
  const isNamed = d.liveness === 'offline' && ['provider_error', 'rate_limited'].includes(code);
  if (code && !isNamed) parts.push(reasonOf(code));
  if (typeof d.again === 'string') parts.push(words.again(moment(d.again)));
  return parts.join(', ');
}

/** Returns a reason code in words, or the code itself if it is a plugin's own. */
function reasonOf(code) {
  if (isOfApplication(code)) return texts.reasons.application;
  if (code.endsWith('policy_refused')) return texts.reasons.policy;
  return texts.reasons[code] ?? texts.events.reason(code);
}

/** The tone of an event in a timeline. */
export function eventTone({ event, details }) {
  if (event === 'liveness_changed') {
    return { live: 'live', failing: 'bad', offline: 'off' }[details?.liveness] ?? 'none';
  }
  if (event === 'not_renewed' || event === 'expiring') return 'warn';
  if (event === 'removed' || event === 'agent_revoked' || event === 'extension_revoked') return 'bad';
  if (event === 'connected' || event === 'reauthorized' || event === 'credential_rotated') return 'live';
  return 'none';
}

/** The events of each filter of a timeline. */
export const EVENT_FILTERS = {
  health: ['account_renamed', 'liveness_changed', 'expiring', 'facts_changed'],
  refresh: ['credential_rotated', 'not_renewed', 'reauthorized', 'restored', 'rolled_back'],
  use: ['extension_used', 'secret_released'],
  change: [
    'agent_granted',
    'agent_revoked',
    'connected',
    'default_changed',
    'extension_granted',
    'extension_revoked',
    'imported',
    'kind_accepted',
    'removed',
    'renamed',
    'webhook_disabled',
    'webhook_enabled',
    'webhook_key_changed',
    'webhook_key_told',
  ],
};
