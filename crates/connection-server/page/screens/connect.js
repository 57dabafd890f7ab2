/**
 * Choosing what to connect.
 */
import { html, useEffect, useMemo, useRef, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { useCanManage } from '../me.js';
import { useAction, useResource } from '../resource.js';
import { href, navigate } from '../router.js';
import { texts } from '../texts.js';
import { Icon, Tile } from '../ui/icons.js';
import { ButtonLink, Loading, Note, Problem, takeFocus, Time, Title } from '../ui/parts.js';
import { goTo } from '../ui/shell.js';
import { answerFirst } from './setup-loop.js';

const t = texts.connect;
const LIMIT = 500;
/** The kind that takes an address, and the field for it. */
const OF_ADDRESSES = 'mcp';
const ADDRESS = 'url';

/**
 * Begins a setup and shows it.
 * @param {object} body as of `POST /setups`
 * @param {object} [answers] to the first question
 */
export async function beginSetup(body, answers) {
  const setup = await api.post('/setups', body, { creates: true });
  if (answers) answerFirst(setup.id, answers);
  goTo(`/setups/${part(setup.id)}`);
  return setup;
}

/** Returns the address that was typed, or `null` if the text is something else. */
const addressIn = (text) => (/^https?:\/\/[^\s/]\S*$/i.test(text.trim()) ? text.trim() : null);

/** One kind to choose. A click begins its setup. */
export function KindCard({ kind, onPick, isBusy, hasAbout }) {
  return html`<li class="kind">
    <button type="button" class="kind-pick" aria-disabled=${isBusy ? 'true' : undefined}
      onClick=${() => !isBusy && onPick(kind)}>
      <${Tile} title=${kind.title} seed=${kind.provider} kind=${kind.kind} />
      <span class="kind-text"><strong>${kind.title}</strong>
        <span class="quiet-text">
          ${t.auth[kind.auth] ?? kind.auth}${kind.connections > 0 && ` · ${t.connected(kind.connections)}`}</span>
      </span>
    </button>
    ${
      hasAbout &&
      html`<a class="plain" href=${href(`/connect/${part(kind.kind)}`)} aria-label=${`${t.about}: ${kind.title}`}
      onClick=${() => (takeFocus.wanted = true)}><${Icon} name="info" /></a>`
    }
  </li>`;
}

/** Reads kinds: all at once if the server has few, or those that match if it has many. */
export function useKinds(search) {
  const [all, setAll] = useState(null);
  const isPartial = all?.next !== null && all !== null;
  const found = useResource(all === null || (isPartial && search) ? '/kinds' : null, {
    query: { limit: LIMIT, search: all === null ? '' : search },
  });
  useEffect(() => {
    if (all === null && found.data) setAll(found.data);
  }, [found.data]);
  const items = useMemo(() => {
    if (isPartial && search) return found.data?.items ?? null;
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (kind) =>
      words.every((word) => `${kind.title} ${kind.kind} ${kind.provider}`.toLowerCase().includes(word));
    return all?.items.filter(fits) ?? null;
  }, [all, search, found.data]);
  return { items, error: found.error, reload: found.reload };
}

/** The setups that have not ended, which a person can continue. */
function Unfinished() {
  const { data } = useResource('/setups', { hints: ['setup'] });
  if (!data?.items.length) return null;
  return html`<section class="panel" aria-labelledby="unfinished">
    <header><div><h2 id="unfinished">${t.open}</h2><p class="quiet-text">${t.openHelp}</p></div></header>
    <ul class="list-plain">${data.items.map(
      (setup) => html`<li key=${setup.id}>
      <div class="with-tile"><${Tile} title=${setup.kindTitle ?? setup.kind} seed=${setup.provider ?? setup.kind}
        kind=${setup.kind} />
        <div><strong>${setup.kindTitle ?? setup.kind}</strong>
          <p class="quiet-text"><${Time} of=${setup.createdAt} words=${t.startedAt} />
            ${setup.reauthorizes && ` · ${t.reconnects}`}</p>
        </div></div>
      <${ButtonLink} to=${`/setups/${part(setup.id)}`}>${t.resume}<//>
    </li>`,
    )}</ul>
  </section>`;
}

/** @param {{items: object[], onPick: (kind: object) => void, isBusy: boolean, hasAbout?: boolean}} props */
export function KindGrid({ items, onPick, isBusy, hasAbout = true }) {
  return html`<ul class="kinds">${items.map(
    (kind) =>
      html`<${KindCard} key=${kind.kind} kind=${kind} onPick=${onPick} isBusy=${isBusy} hasAbout=${hasAbout} />`,
  )}</ul>`;
}

/** @param {{query: URLSearchParams}} props */
export default function Connect({ query }) {
  const canManage = useCanManage();
  const [search, setSearch] = useState(query.get('search') ?? '');
  const address = addressIn(search);
  const found = useKinds(address ? OF_ADDRESSES : search.trim());
  const { error, reload } = found;
  const items = (address && found.items?.filter((kind) => kind.kind === OF_ADDRESSES)) || found.items;
  const begin = useAction((kind) => beginSetup({ kind: kind.kind }, address ? { [ADDRESS]: address } : undefined));
  const input = useRef(null);
  useEffect(() => {
    if (window.matchMedia('(min-width: 60rem)').matches) input.current?.focus();
  }, []);
  const change = (event) => {
    setSearch(event.target.value);
    const text = event.target.value.trim();
    // The query of an address may be a secret, which the history of the browser would keep.
    const isKept = text && !addressIn(text);
    navigate(isKept ? `/connect?${new URLSearchParams({ search: text })}` : '/connect', { replace: true, quiet: true });
  };
  const onEnter = (event) => {
    event.preventDefault();
    if (items?.length && search.trim()) void begin.run(items[0]);
  };
  const before = search.trim() ? [] : (items ?? []).filter((kind) => kind.connections > 0);
  return html`<div class="screen wide">
    <${Title}>${t.title}<//>
    ${!canManage && html`<${Note}><p>${texts.common.readOnly}</p><//>`}
    <form class="search large" role="search" onSubmit=${onEnter}>
      <${Icon} name="search" />
      <input ref=${input} type="search" aria-label=${t.searchLabel} placeholder=${t.searchPlaceholder} value=${search}
        onInput=${change} autocomplete="off" spellcheck="false" />
    </form>
    <${Problem} error=${error} onRetry=${reload} /><${Problem} error=${begin.error} />
    ${!search.trim() && html`<${Unfinished} />`}
    ${!items && !error && html`<${Loading} lines=${6} />`}
    ${
      before.length > 0 &&
      html`<section class="section"><h2>${t.mostUsed}</h2>
      <${KindGrid} items=${before} onPick=${begin.run} isBusy=${begin.isBusy} /></section>`
    }
    ${
      items?.length > 0 &&
      html`<section class="section">
      <h2>${search.trim() ? t.count(items.length) : t.every} ${!search.trim() && html`<span class="chip">
        ${items.length}</span>`}</h2>
      <${KindGrid} items=${items} onPick=${begin.run} isBusy=${begin.isBusy} />
    </section>`
    }
    <p class="for-readers" role="status">${items && t.count(items.length)}</p>
    ${items?.length === 0 && html`<section class="empty"><h2>${t.noneTitle(search.trim())}</h2><p>${t.none}</p>
      </section>`}
  </div>`;
}
