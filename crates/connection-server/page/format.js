/**
 * Times, numbers and addresses in the form that a person reads.
 */
import { texts } from './texts.js';

const relative = new Intl.RelativeTimeFormat(texts.locale, { numeric: 'auto' });
const dateTime = new Intl.DateTimeFormat(texts.locale, { dateStyle: 'medium', timeStyle: 'short' });
const exact = new Intl.DateTimeFormat(texts.locale, { dateStyle: 'full', timeStyle: 'long' });
const dateOnly = new Intl.DateTimeFormat(texts.locale, { day: 'numeric', month: 'short', year: 'numeric' });
const timeOnly = new Intl.DateTimeFormat(texts.locale, { timeStyle: 'short' });
const dayFormat = new Intl.DateTimeFormat(texts.locale, { weekday: 'long', day: 'numeric', month: 'long' });

const UNITS = [
  ['year', 31536000],
  ['month', 2592000],
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
];

/**
 * Returns a time relative to now, such as `5 minutes ago`: the largest unit that fits, rounded down, as the command does.
 * @param {string | number} time RFC 3339, or milliseconds
 */
export function ago(time, now = Date.now()) {
  const seconds = (new Date(time).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return String(time);
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1];
  const count = unit === 'second' ? 0 : Math.trunc(seconds / size);
  return relative.format(count, unit);
}

/**
 * Returns a time in the past relative to now, such as `5 minutes ago`, and never `now`.
 * @param {string | number} time RFC 3339, or milliseconds
 */
export const past = (time) =>
  Date.now() - new Date(time).getTime() < 60000 ? texts.common.underMinute : ago(time);

const formatted = (format) => (time) => {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : format.format(date);
};

/** Returns a date with its time of day. */
export const at = formatted(dateTime);
/** Returns a time with everything that is known about it, for a tooltip. */
export const exactly = formatted(exact);
/** Returns a date. */
export const date = formatted(dateOnly);
/** Returns a date without its year. */
export const shortDate = formatted(new Intl.DateTimeFormat(texts.locale, { day: 'numeric', month: 'short' }));
/** Returns a time of day. */
export const clock = formatted(timeOnly);

/**
 * Returns a time of day, with the date if it is not today.
 * @param {string | number} time
 */
export const moment = (time) =>
  new Date(time).toDateString() === new Date().toDateString() ? clock(time) : at(time);

/**
 * Returns a text in which each time of RFC 3339 is a date with its time of day.
 * @param {string} text
 */
export const withTimes = (text) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, at);

/**
 * Returns the name of a day: today, yesterday, or its date.
 * @param {string} time
 */
export function day(time) {
  const of = new Date(time);
  const back = (days) => new Date(Date.now() - days * 86400000).toDateString();
  if (of.toDateString() === back(0)) return texts.activity.today;
  if (of.toDateString() === back(1)) return texts.activity.yesterday;
  const name = formatted(dayFormat)(time);
  return of.getFullYear() === new Date().getFullYear() ? name : `${name} ${of.getFullYear()}`;
}

/** Returns a share from 0 to 1 as a percentage. */
export const percent = (share, digits = 0) =>
  new Intl.NumberFormat(texts.locale, { style: 'percent', maximumFractionDigits: digits }).format(share);

/** Returns a number, shortened if it is large. */
export const number = (value) =>
  new Intl.NumberFormat(texts.locale, {
    notation: Math.abs(value) >= 100000 ? 'compact' : 'standard',
    maximumFractionDigits: Math.abs(value) >= 100 ? 1 : 2,
  }).format(value);

/** Returns an amount of US dollars. */
export const dollars = (value) =>
  new Intl.NumberFormat(texts.locale, { style: 'currency', currency: 'USD' }).format(value);

/**
 * Returns an address if a browser may open it from here, and `null` for any other scheme than `http` and `https`.
 * @param {string | null} text
 */
export function safeAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Returns the host of an address, for a person who decides whether to open it.
 * @param {string} text
 */
export function hostOf(text) {
  try {
    return new URL(text).host || text;
  } catch {
    return text;
  }
}

/**
 * Returns the initials of a name, at most two.
 * @param {string} name
 */
export function initials(name) {
  const words = name
    .replace(/\(.*\)/, '')
    .split(/[\s\-_./:]+/)
    .filter(Boolean);
  const first = (word) => Array.from(word)[0] ?? '';
  const capitals = words.length === 1 ? Array.from(words[0].matchAll(/\p{Lu}/gu), (found) => found[0]) : [];
  if (capitals.length > 1) return capitals.slice(0, 2).join('');
  if (words.length > 1) return (first(words[0]) + first(words[1])).toUpperCase();
  return Array.from(words[0] ?? '?')
    .slice(0, 2)
    .join('')
    .replace(/^./u, (letter) => letter.toUpperCase());
}

/**
 * Returns a number from 0 up to `count`, always the same for a text.
 * @param {string} text
 * @param {number} count
 */
export function hash(text, count) {
  let value = 2166136261;
  for (const letter of text) value = Math.imul(value ^ letter.codePointAt(0), 16777619) >>> 0;
  return ((value ^ (value >>> 13)) >>> 0) % count;
}

/**
 * Returns a message of the server as a sentence, as `sentence` of the core does: with a capital and a full stop, and with
 * times that a person reads. A name at the beginning, an address at the end, and a command stay as they are.
 * @param {string | null | undefined} text
 */
export function sentence(text) {
  const trimmed = text?.trim();
  if (!trimmed || /^(chmod|connections) /.test(trimmed)) return trimmed;
  const read = withTimes(trimmed);
  const begun = /^[a-z][a-z'-]*(?=[ ,;]|$)/.test(read) ? read[0].toUpperCase() + read.slice(1) : read;
  const isOpen = /[\p{L}\p{N}'"`)\]%’”]$/u.test(begun);
  return isOpen && !begun.split(' ').at(-1).includes('://') ? `${begun}.` : begun;
}

/**
 * Returns the message, the provider's own words and the remedy of a reason or an error as sentences.
 * @param {{message: string, providerText?: string | null, remedy?: string | null} | null | undefined} reason
 */
export const sentences = (reason) =>
  [sentence(reason?.message ?? ''), providerSays(reason), sentence(reason?.remedy ?? '')].filter(Boolean).join(' ');

/**
 * Returns the provider's own words, marked as the provider's; nothing if there are none.
 * @param {{providerText?: string | null} | null | undefined} of
 */
export const providerSays = (of) => (of?.providerText ? texts.providerSays(of.providerText) : '');
