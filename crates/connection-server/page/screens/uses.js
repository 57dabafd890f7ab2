/**
 * The record of use: which program used which connection for what, and how it ended.
 */
import { html } from '../vendor/preact-htm.js';
import { part } from '../api.js';
import { clock, day, exactly } from '../format.js';
import { usePages, useResource } from '../resource.js';
import { href, navigate } from '../router.js';
import { texts } from '../texts.js';
import { Button, Choices, Empty, Loading, More, Problem, takeFocus, Title } from '../ui/parts.js';

const t = texts.uses;
/** The number of connections among which a visitor chooses. */
const LIMIT = 500;

/** Changes between the events and the uses. */
export function ActivityTabs({ of }) {
  const choices = { activity: t.events, uses: t.title };
  return html`<${Choices} label=${t.show} choices=${choices} value=${of}
    onChange=${(to) => navigate(`/${to}`, { replace: true })} />`;
}

/**
 * A choice of the connection by which a list is filtered, if there are any.
 * @param {{choices: object[], value: string, onChange: (id: string) => void}} props
 */
export function ConnectionFilter({ choices, value, onChange }) {
  return choices.length > 0 && html`<select aria-label=${texts.activity.connection}
    onChange=${(input) => onChange(input.target.value)}>
    <option value="" selected=${!value}>${texts.activity.everyConnection}</option>
    ${choices.map((each) => html`<option key=${each.id} value=${each.id} selected=${each.id === value}>
      ${each.kind}: ${each.label}</option>`)}
  </select>`;
}

/** How a use ended, in words, and whether that is good. */
function ending({ outcome, status, complete }) {
  if (outcome === null) return { tone: 'warn', text: t.unknown };
  if (outcome !== 'answered') {
    return { tone: outcome === 'released' ? 'none' : 'bad', text: t.outcomes[outcome] ?? outcome };
  }
  const part = complete === false ? ` ${t.partly}` : '';
  return { tone: status < 400 ? 'live' : 'warn', text: t.answered(status) + part };
}

/** What was done, in words. */
function what({ method, path, secrets, edited, count, outcome }) {
  if (method) return html`<code>${method} ${path ?? ''}</code>`;
  if (secrets.length) return t.secrets(secrets.join(', '));
  if (edited) return t.edited;
  return t.others(count, t.outcomes[outcome] ?? '');
}

function Use({ of }) {
  const by = of.agent ?? of.extension;
  const end = ending(of);
  const name = of.connection && of.label && html` <a href=${href(`/connections/${part(of.connection)}`)}
    onClick=${() => (takeFocus.wanted = true)}><bdi>${of.label}</bdi></a> <span class="quiet-text">${of.kind}</span>`;
  const details = [
    of.account && t.account(of.account),
    of.rule && t.rule(of.rule),
    of.count > 1 && t.times(of.count),
    of.redacted && t.redacted,
    of.edited && t.editedHelp,
  ].filter(Boolean);
  return html`<li class=${`event ${end.tone}`}>
    <time dateTime=${of.at} title=${exactly(of.at)}>${clock(of.at)}</time>
    <span class="event-dot" aria-hidden="true"></span>
    <div>
      <p><strong>${what(of)}</strong>${name}</p>
      <p class="quiet-text">${end.text}, ${by ? html`${t.by} <bdi>${by}</bdi>` : (t.doors[of.door] ?? of.door)}</p>
      ${details.length > 0 && html`<p class="quiet-text">${details.join(' · ')}</p>`}
    </div>
  </li>`;
}

/** @param {{query: URLSearchParams}} props */
export default function Uses({ query }) {
  const filters = {
    outcome: query.get('outcome') ?? '',
    connection: query.get('connection') ?? '',
    grantee: query.get('grantee') ?? '',
  };
  const pages = usePages('/uses', { limit: 50, ...filters }, ['connection', 'grant']);
  const connections = useResource('/connections', { query: { limit: LIMIT } });
  const agents = useResource('/agents', {});
  const change = (more) => {
    const next = new URLSearchParams(Object.entries({ ...filters, ...more }).filter(([, text]) => text));
    navigate(next.size ? `/uses?${next}` : '/uses', { replace: true });
  };
  const isFiltered = Object.values(filters).some(Boolean);
  const grantees = (agents.data?.items ?? []).map(({ id, name }) => [`agent:${id}`, name]);
  const days = [];
  for (const of of pages.items) {
    const name = day(of.at);
    if (days.at(-1)?.name !== name) days.push({ name, uses: [] });
    days.at(-1).uses.push(of);
  }
  const isEmpty = !pages.isLoading && !pages.error && !pages.items.length;
  return html`<div class="screen">
    <header class="head"><div><${Title}>${t.title}<//><p class="lead">${t.intro}</p></div>
      <${ActivityTabs} of="uses" /></header>
    <div class="filters">
      <select aria-label=${t.outcome} onChange=${(input) => change({ outcome: input.target.value })}>
        <option value="" selected=${!filters.outcome}>${t.everyOutcome}</option>
        ${Object.entries(t.choices).map(([name, text]) => html`<option key=${name} value=${name}
          selected=${name === filters.outcome}>${text}</option>`)}
      </select>
      ${
        grantees.length > 0 &&
        html`<select aria-label=${t.grantee} onChange=${(input) => change({ grantee: input.target.value })}>
        <option value="" selected=${!filters.grantee}>${t.everyone}</option>
        ${grantees.map(([id, name]) => html`<option key=${id} value=${id} selected=${id === filters.grantee}>
          ${name}</option>`)}
      </select>`
      }
      <${ConnectionFilter} choices=${connections.data?.items ?? []} value=${filters.connection}
        onChange=${(connection) => change({ connection })} />
      <${Button} tone="quiet" onClick=${pages.reload}>${t.reload}<//>
      ${isFiltered && html`<${Button} tone="quiet" onClick=${() => navigate('/uses', { replace: true })}>
        ${texts.connections.clearFilters}<//>`}
    </div>
    ${isEmpty && !isFiltered && html`<${Empty} title=${t.emptyTitle}>${t.empty}<//>`}
    ${isEmpty && isFiltered && html`<p class="quiet-text">${t.none}</p>`}
    <div class="timeline">
      ${days.map(
        ({ name, uses }) => html`<section key=${name}><h2>${name}</h2>
        <ol>${uses.map((of) => html`<${Use} key=${of.id} of=${of} />`)}</ol></section>`,
      )}
      <${Problem} error=${pages.error} onRetry=${pages.reload} />
      ${pages.isLoading && html`<${Loading} lines=${pages.items.length ? 1 : 4} />`}
      <${More} pages=${pages} />
    </div>
  </div>`;
}
