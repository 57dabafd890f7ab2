/**
 * The record of events of all connections.
 */
import { html } from '../vendor/preact-htm.js';
import { usePages, useResource } from '../resource.js';
import { navigate } from '../router.js';
import { texts } from '../texts.js';
import { Button, Choices, Empty, Note, Problem, Title } from '../ui/parts.js';
import { Timeline } from '../ui/timeline.js';
import { EVENT_FILTERS } from '../connection-words.js';

const t = texts.activity;

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
  const connections = useResource('/connections', { query: { limit: 200 } });
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
  const choices = connections.data?.items ?? [];
  return html`<div class="screen">
    <header class="head"><div><${Title}>${t.title}<//><p class="lead">${t.intro}</p></div></header>
    <div class="filters">
      <${Choices} label=${t.event} choices=${shows} value=${filters.show}
        onChange=${(show) => change({ show, event: '' })} />
      <select aria-label=${t.event} onChange=${(input) => change({ event: input.target.value, show: '' })}>
        <option value="" selected=${!filters.event}>${t.every}</option>
        ${Object.entries(texts.events.names).map(([name, text]) => html`<option key=${name} value=${name}
          selected=${name === filters.event}>${text}</option>`)}
      </select>
      ${
        choices.length > 0 &&
        html`<select aria-label=${t.connection} onChange=${(input) => change({ connection: input.target.value })}>
        <option value="" selected=${!filters.connection}>${texts.common.all}</option>
        ${choices.map((each) => html`<option key=${each.id} value=${each.id} selected=${each.id === filters.connection}>
          ${each.kind}: ${each.label}</option>`)}
      </select>`
      }
      ${isFiltered && html`<${Button} tone="quiet" onClick=${() => navigate('/activity', { replace: true })}>
        ${texts.connections.clearFilters}<//>`}
    </div>
    ${(pages.items.length > 0 || isFiltered) && html`<${Chain} record=${record} />`}
    ${
      !pages.isLoading && !pages.error && !pages.items.length && !isFiltered
        ? html`<${Empty} title=${t.emptyTitle}>${t.empty}<//>`
        : html`<${Timeline} pages=${pages} isNamed none=${t.none} />`
    }
  </div>`;
}
