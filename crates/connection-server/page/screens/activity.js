/**
 * The record of events of all connections.
 */
import { html, useEffect, useMemo, useRef, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { usePages, useResource } from '../resource.js';
import { navigate } from '../router.js';
import { texts } from '../texts.js';
import { Button, Choices, Empty, Note, Problem, Title } from '../ui/parts.js';
import { Timeline } from '../ui/timeline.js';
import { EVENT_FILTERS } from '../connection-words.js';
import { ActivityTabs, ConnectionFilter } from './uses.js';

const t = texts.activity;
/** The number of connections that are read as a list, and of those that are read one by one at once. */
const LIMIT = 500;
const AT_ONCE = 4;

/** Returns the name of a connection that was removed, from the event that describes it. */
const formerName = (event) => ({ label: event?.details?.label ?? null, kind: event?.details?.kind, isGone: true });

/** Reads the name of a connection. */
async function readName(id) {
  try {
    const { label, kindTitle, kind } = await api.get(`/connections/${part(id)}`);
    return { label, kind: kindTitle ?? kind };
  } catch (error) {
    if (error.status !== 404) throw error;
    const { items } = await api.get('/events', { connection: id, event: 'removed', order: 'newest', limit: 1 });
    return formerName(items[0]);
  }
}

/**
 * Returns a function from the id of a connection to its name. Those that the list does not have are read one by one.
 * @param {object[] | undefined} listed `undefined` before it was read
 * @param {object[]} events
 */
function useNames(listed, events) {
  const [found, setFound] = useState(() => new Map());
  const asked = useRef(new Set());
  const names = useMemo(() => {
    const all = new Map(found);
    for (const { id, label, kindTitle, kind } of listed ?? []) all.set(id, { label, kind: kindTitle ?? kind });
    for (const event of events) if (event.event === 'removed') all.set(event.connection, formerName(event));
    return all;
  }, [listed, events, found]);
  useEffect(() => {
    if (!listed) return;
    const ids = new Set(events.map(({ connection }) => connection));
    const left = [...ids].filter((id) => !names.has(id) && !asked.current.has(id));
    left.forEach((id) => asked.current.add(id));
    const work = async () => {
      while (left.length) {
        const id = left.shift();
        // An event whose connection cannot be read now has no name until the next events are read.
        const name = await readName(id).catch(() => asked.current.delete(id) && null);
        if (name) setFound((was) => new Map(was).set(id, name));
      }
    };
    for (let count = 0; count < AT_ONCE; count += 1) void work();
  }, [listed, events]);
  return (id) => names.get(id);
}

/** Says whether the record is whole. */
function Chain({ record: { data, error, reload } }) {
  if (error) return html`<${Problem} error=${error} onRetry=${reload} />`;
  if (!data) return null;
  if (data.chain === 'whole') return html`<${Note} tone="live" icon="check" title=${t.whole}><p>${t.wholeHelp}</p><//>`;
  return html`<${Note} tone="bad" icon="alert" role="alert" title=${t.broken}><p>${t.brokenHelp}</p><//>`;
}

/** @param {{query: URLSearchParams}} props */
export default function Activity({ query }) {
  const filters = {
    event: query.get('event') ?? '',
    show: query.get('show') ?? '',
    connection: query.get('connection') ?? '',
  };
  const event = filters.event || (EVENT_FILTERS[filters.show] ?? []).join(',');
  const pages = usePages('/events', { order: 'newest', limit: 50, connection: filters.connection, event }, [
    'connection',
    'grant',
    'extension',
  ]);
  // The server reads the whole record for this, so that it is asked once in a visit.
  const record = useResource('/events', { query: { check: true, limit: 1 } });
  const connections = useResource('/connections', { query: { limit: LIMIT } });
  const nameOf = useNames(connections.data?.items, pages.items);
  const change = (more) => {
    const next = new URLSearchParams(Object.entries({ ...filters, ...more }).filter(([, text]) => text));
    navigate(next.size ? `/activity?${next}` : '/activity', { replace: true });
  };
  const isFiltered = Object.values(filters).some(Boolean);
  const shows = {
    '': texts.common.all,
    health: texts.connection.filterHealth,
    refresh: texts.connection.filterRefresh,
    use: texts.connection.filterUse,
    change: texts.connection.filterChange,
  };
  return html`<div class="screen">
    <header class="head"><div><${Title}>${t.title}<//><p class="lead">${t.intro}</p></div>
      <${ActivityTabs} of="activity" /></header>
    <div class="filters">
      <${Choices} label=${t.event} choices=${shows} value=${filters.show}
        onChange=${(show) => change({ show, event: '' })} />
      <select aria-label=${t.event} onChange=${(input) => change({ event: input.target.value, show: '' })}>
        <option value="" selected=${!filters.event}>${t.every}</option>
        ${Object.entries(texts.events.names).map(([name, text]) => html`<option key=${name} value=${name}
          selected=${name === filters.event}>${text}</option>`)}
      </select>
      <${ConnectionFilter} choices=${connections.data?.items ?? []} value=${filters.connection}
        onChange=${(connection) => change({ connection })} />
      ${isFiltered && html`<${Button} tone="quiet" onClick=${() => navigate('/activity', { replace: true })}>
        ${texts.connections.clearFilters}<//>`}
    </div>
    ${(pages.items.length > 0 || isFiltered) && html`<${Chain} record=${record} />`}
    ${
      !pages.isLoading && !pages.error && !pages.items.length && !isFiltered
        ? html`<${Empty} title=${t.emptyTitle}>${t.empty}<//>`
        : html`<${Timeline} pages=${pages} nameOf=${nameOf} none=${t.none} />`
    }
  </div>`;
}
