/**
 * The list of connections: those that need attention first, then by provider.
 */
import { html, useCallback, useEffect, useMemo, useRef, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { checkAll, stopChecks, useChecks } from '../checks.js';
import { isApplicationRefused, providerOf } from '../connection-words.js';
import { sentence } from '../format.js';
import { useCanManage, useHas } from '../me.js';
import { useHints, useReadAgain } from '../resource.js';
import { href, navigate, savedScroll } from '../router.js';
import { BASE } from '../session.js';
import { texts } from '../texts.js';
import {
  announce,
  Button,
  ButtonLink,
  Choices,
  Empty,
  Loading,
  Note,
  Problem,
  Search,
  State,
  Title,
} from '../ui/parts.js';
import { VirtualList } from '../ui/virtual-list.js';
import { ConnectionRow } from './connection-row.js';

const t = texts.connections;
const PAGE = 100;
/** Hints for more connections than this read the list again instead of each connection. */
const SINGLE_READS = 5;
const HINTS = ['connection', 'grant'];
const FILTERS = ['search', 'state', 'kind', 'extension', 'tag'];

/** What is kept between two visits of the list, so that going back shows the same rows. */
const kept = { key: null, list: null, heights: new Map() };

/** Tells the frame how many connections need attention, from the first page of this list. */
export const firstPage = {
  listener: () => {},
  subscribe(listener) {
    this.listener = listener;
    return () => {
      this.listener = () => {};
    };
  },
  /** Returns `true` if the address shows this list, which then reads the counts itself. */
  isShown: (path) => [`${BASE}`, `${BASE}/`, `${BASE}/connections`].includes(path),
};

const empty = { items: [], next: null, counts: null, isLoading: true, error: null, isStale: false };

/** Reads the list page by page, and keeps it current by live events. */
function useConnections(filters) {
  const key = JSON.stringify(filters);
  const [list, setList] = useState(() => (kept.key === key ? kept.list : empty));
  const current = useRef(list);
  const run = useRef(0);
  const set = useCallback(
    (change) => {
      current.current = typeof change === 'function' ? change(current.current) : change;
      if (!current.current.isLoading) Object.assign(kept, { key, list: current.current });
      setList(current.current);
    },
    [key],
  );

  const read = useCallback(
    async (after, wanted = PAGE) => {
      const own = (run.current += 1);
      // A problem is shown until it is over.
      set((was) => ({ ...was, isLoading: true }));
      try {
        let items = after ? current.current.items : [];
        let next = after;
        let counts = after ? current.current.counts : null;
        do {
          const page = await api.get('/connections', { ...filters, limit: PAGE, after: next });
          if (own !== run.current) return;
          items = items.concat(page.items);
          counts = page.counts ?? counts;
          next = page.next;
        } while (next && items.length < wanted && !after);
        set({ items, next, counts, isLoading: false, error: null, isStale: false });
        if (counts) firstPage.listener(t.badge(counts));
      } catch (error) {
        if (own === run.current) set((was) => ({ ...was, isLoading: false, error }));
      }
    },
    [key, set],
  );

  useEffect(() => {
    if (kept.key === key) void refresh([null]);
    else {
      set(empty);
      void read(null);
    }
    return () => {
      run.current += 1;
    };
  }, [key]);

  const put = useCallback(
    (connection) => {
      set((was) => {
        const items = was.items.map((item) => (item.id === connection.id ? { ...item, ...connection } : item));
        return { ...was, items };
      });
    },
    [set],
  );

  const refresh = useCallback(
    async (ids) => {
      const { items, error } = current.current;
      if (ids.includes(null) || items.length <= PAGE || ids.length > SINGLE_READS) {
        if (items.length <= 5 * PAGE) await read(null, Math.max(items.length, PAGE));
        else {
          const now = error && (await api.get('/connections', { limit: 1 }).catch((failed) => failed));
          set((was) => ({ ...was, isStale: true, error: now instanceof Error ? now : null }));
        }
        return;
      }
      for (const id of new Set(ids)) {
        const known = items.find((item) => item.id === id);
        const now = known && (await api.get(`/connections/${part(id)}`).catch(() => null));
        if (now) put(now);
        if (!known || now?.needsAttention !== known.needsAttention) set((was) => ({ ...was, isStale: true }));
      }
    },
    [read, put, set],
  );
  useHints(HINTS, undefined, (ids) => void refresh(ids));
  useReadAgain(list.error, HINTS);

  const more = useCallback(() => {
    const { next, isLoading, error } = current.current;
    if (next && !isLoading && !error) void read(next);
  }, [read]);
  return { ...list, more, put, reload: () => read(null) };
}

/** Puts a heading before each group. */
function withHeadings(items) {
  const rows = [];
  let group = null;
  for (const item of items) {
    const own = item.needsAttention ? '' : item.provider;
    if (own !== group) {
      group = own;
      const title = item.needsAttention ? t.attention : providerOf(item);
      rows.push({ isHeading: true, id: `group ${own}`, title, needs: item.needsAttention });
    }
    rows.push(item);
  }
  return rows;
}

/** Says once for each application that a provider refuses why, and where its secret is replaced. */
function RefusedApplications({ items }) {
  const refused = items.filter(isApplicationRefused);
  const applications = new Map(refused.map((item) => [`${item.kind} ${item.reason.code}`, item]));
  return [...applications].map(
    ([key, { kind, kindTitle, reason }]) => html`<${Note} key=${key} tone="bad" icon="alert"
      title=${t.application(kindTitle ?? kind)}>
      <p>${sentence(reason.message)}</p>
      ${reason.remedy && html`<p>${sentence(reason.remedy)}</p>`}
      <p class="quiet-text">${t.applicationHelp}</p><//>`,
  );
}

/** The choices of kind and extension, which are read after the list. */
function useFilterChoices(isReady) {
  const hasExtensions = useHas('extensions');
  const [choices, setChoices] = useState({ kinds: [], extensions: [] });
  useEffect(() => {
    if (!isReady) return;
    const set = (name) => (page) => setChoices((was) => ({ ...was, [name]: page.items ?? page }));
    api.get('/kinds', { limit: 500 }).then(set('kinds'), () => {});
    if (hasExtensions) api.get('/extensions').then(set('extensions'), () => {});
  }, [isReady, hasExtensions]);
  return choices;
}

/** Returns the extensions that lack scopes of the connection that they may use, by the id of the connection. */
function lackingExtensions(extensions) {
  const lacking = new Map();
  for (const extension of extensions) {
    const { connection, granted, missingScopes } = extension;
    if (granted && missingScopes?.length) lacking.set(connection, [...(lacking.get(connection) ?? []), extension]);
  }
  return lacking;
}

function Select({ label, value, all, choices, onChange }) {
  if (!choices.length) return null;
  return html`<select aria-label=${label} value=${value} onChange=${(event) => onChange(event.target.value)}>
    <option value="" selected=${!value}>${all}</option>
    ${choices.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
  </select>`;
}

/** The states in the order of the bar, with their tones. */
const STATES = { failing: 'bad', offline: 'off', unknown: 'none', live: 'live' };
/** The least width of a part of the bar, of a thousand, so that a person sees it. */
const MIN_SHARE = 12;

/** The bar that shows how many connections are in each state. */
function Share({ counts }) {
  const states = Object.entries(STATES).filter(([state]) => counts[state]);
  const widths = states.map(([state]) => Math.max(MIN_SHARE, (counts[state] / counts.all) * 1000));
  const scale = 1000 / widths.reduce((sum, width) => sum + width, 0);
  let end = 0;
  const parts = states.map(([state, tone], index) => {
    const begin = end;
    end += widths[index] * scale;
    return html`<rect key=${state} class=${`share-${tone}`} x=${begin} y="0" width=${end - begin} height="8" />`;
  });
  return html`<svg class="share" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    ${parts}</svg>`;
}

/** The number of connections in each state, each with the list of them. */
function Counts({ counts }) {
  const states = Object.entries(STATES).filter(([state]) => counts[state]);
  if (states.length < 2) return null;
  return html`<ul class="counts" aria-label=${t.countsLabel}>${states.map(
    ([state, tone]) => html`<li key=${state}><a href=${href(`/?state=${state}`)}><${State} tone=${tone}>
      ${t.count[state](counts[state], counts.limit)}<//></a></li>`,
  )}</ul>`;
}

/** The offer to check all connections, and how far the check has come. */
function CheckAll({ counts, onEnd }) {
  const { isRunning, checked, refused, all, error } = useChecks();
  const wasRunning = useRef(isRunning);
  useEffect(() => {
    if (wasRunning.current && !isRunning) {
      if (!error) announce(t.checkedAll(checked, refused));
      onEnd();
    }
    wasRunning.current = isRunning;
  }, [isRunning]);
  if (isRunning) {
    const done = checked + refused;
    return html`<p class="actions"><progress max=${all || 1} value=${done} aria-label=${t.checkAll}></progress>
      <span>${t.checkingAll(done, all)}</span><${Button} onClick=${stopChecks}>${t.stopChecks}<//></p>`;
  }
  return html`<p class="actions">
      <${Button} tone=${counts.unknown > 0 ? 'primary' : ''} onClick=${checkAll}>${t.checkAll}<//>
      ${counts.unknown > 0 && html`<span>${t.unchecked(counts.unknown, counts.limit)}</span>`}
    </p>
    <${Problem} error=${error} />`;
}

/** @param {{query: URLSearchParams}} props */
export function Connections({ query }) {
  const canManage = useCanManage();
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? '']));
  const list = useConnections(filters);
  const { items, next, error, isLoading } = list;
  // Numbers that cannot be read again may be wrong by now.
  const counts = error ? null : list.counts;
  const rows = useMemo(() => withHeadings(items), [items]);
  const choices = useFilterChoices(!isLoading);
  const isFiltered = FILTERS.some((name) => filters[name]);

  useEffect(() => {
    if (savedScroll()) window.scrollTo({ top: savedScroll(), behavior: 'instant' });
  }, []);

  const change = (name, value) => {
    const search = new URLSearchParams(Object.entries({ ...filters, [name]: value }).filter(([, text]) => text));
    window.scrollTo({ top: 0, behavior: 'instant' });
    navigate(search.size ? `/?${search}` : '/', { replace: true });
  };
  const clear = () => navigate('/', { replace: true });

  const isEmpty = !isLoading && !error && !items.length;
  const kinds = choices.kinds.filter((kind) => kind.connections > 0).map((kind) => [kind.kind, kind.title]);
  const lacking = lackingExtensions(choices.extensions);
  const extensions = choices.extensions.map((extension) => [extension.name, extension.name]);

  if (isEmpty && !isFiltered) {
    const action =
      canManage && html`<${ButtonLink} to="/connect" tone="primary" icon="plus">${texts.nav.connectAccount}<//>`;
    return html`<div class="screen"><${Title} name=${t.title}>${t.headline({ all: 0 })}<//>
      <${Empty} title=${t.emptyTitle} action=${action}>${t.empty}<//></div>`;
  }
  return html`<div class="screen wide">
    <header class="hero">
      <${Title} name=${t.title}>${counts ? t.headline(counts) : t.title}<//>
      ${counts && html`<${Share} counts=${counts} /><${Counts} counts=${counts} />`}
      ${counts && canManage && html`<${CheckAll} counts=${counts} onEnd=${list.reload} />`}
    </header>
    <div class="filters">
      <${Search} label=${t.searchLabel} placeholder=${t.searchPlaceholder} value=${filters.search}
        onChange=${(text) => change('search', text)} />
      <${Choices} label=${t.filterState} choices=${t.filters} value=${filters.state}
        onChange=${(value) => change('state', value)} />
      <${Select} label=${t.filterKind} all=${t.anyKind} value=${filters.kind} choices=${kinds}
        onChange=${(value) => change('kind', value)} />
      <${Select} label=${t.filterExtension} all=${t.anyExtension} value=${filters.extension} choices=${extensions}
        onChange=${(value) => change('extension', value)} />
    </div>
    ${
      filters.tag &&
      html`<p class="actions"><span class="chip">${filters.tag}</span>
      <${Button} tone="quiet" aria-label=${t.anyTagOf(filters.tag)} onClick=${() => change('tag', '')}>
        ${t.anyTag}<//></p>`
    }
    <p class="for-readers" role="status">${!isLoading && t.found(items.length, next !== null)}</p>
    ${list.isStale && html`<p class="stale" role="status">${t.changed} <${Button} onClick=${list.reload}>
      ${t.showChanged}<//></p>`}
    <${Problem} error=${error} onRetry=${list.reload} />
    ${
      isEmpty &&
      html`<section class="empty"><h2>${t.noneTitle}</h2><p>${t.none}</p>
      <p class="actions"><${Button} onClick=${clear}>${t.clearFilters}<//></p></section>`
    }
    <${RefusedApplications} items=${items} />
    <${VirtualList} items=${rows} keyOf=${(row) => row.id} label=${t.listLabel} heights=${kept.heights}
      estimate=${(row) => (row.isHeading ? 56 : row.needsAttention ? 110 : 76)} onNearEnd=${list.more}
      render=${(row) =>
        row.isHeading
          ? html`<h2 class=${`group ${row.needs ? 'needs' : ''}`}>${row.title}</h2>`
          : html`<${ConnectionRow} connection=${row} lacking=${lacking.get(row.id)} canManage=${canManage}
            onChanged=${list.put} />`} />
    ${isLoading && html`<${Loading} lines=${items.length ? 2 : 6} />`}
  </div>`;
}
