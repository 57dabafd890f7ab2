/**
 * One connection: its state, its facts, its health, who uses it, its history, and what can be done with it.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { EVENT_FILTERS, expiryOf, stateOf } from '../connection-words.js';
import { at, sentence } from '../format.js';
import { useCanManage, useHas } from '../me.js';
import { useAction, usePages, useResource } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Icon, Tile } from '../ui/icons.js';
import {
  announce,
  Button,
  ButtonLink,
  Choices,
  Loading,
  Note,
  Problem,
  ProviderSays,
  State,
  takeFocus,
  Time,
  Title,
} from '../ui/parts.js';
import { Timeline } from '../ui/timeline.js';
import { AskScopes } from './ask-scopes.js';
import { Actions } from './connection-actions.js';
import { Health } from './connection-health.js';
import { Remedy } from './connection-row.js';

const t = texts.connection;
/** The maximum number of agents that are read to find those that may use a connection. */
const MAX_AGENTS = 500;

/** Says when a credential or an authorization ends, and that nothing but a person prevents it. */
function Ends({ connection }) {
  const { liveness, renews, validUntil, authorizedUntil } = connection;
  const isAhead = new Date(renews ? authorizedUntil : validUntil).getTime() > Date.now();
  const help = liveness === 'live' && isAhead && (renews ? t.signInEnds : t.notRenewed);
  return html`<p>${sentence(expiryOf(connection, true))} ${help}</p>`;
}

/** The state in words, why, and the one button that repairs it. */
function Condition({ connection, canManage, onChanged }) {
  const state = stateOf(connection);
  const { reason, remedyAction } = connection;
  const tone = { bad: 'bad', warn: 'warn', off: 'off', live: 'live', none: 'info' }[state.tone];
  const icon = { bad: 'alert', warn: 'alert', off: 'clock', live: 'check', none: 'info' }[state.tone];
  return html`<div class=${`note condition ${tone}`} role="status">
    <${Icon} name=${icon} />
    <div>
      <p class="note-title">${state.word}</p>
      ${reason && html`<p>${sentence(reason.message)}</p>`}
      <${ProviderSays} of=${reason} />
      ${reason?.remedy && html`<p class="quiet-text">${sentence(texts.connections.remedy(reason.remedy))}</p>`}
      ${connection.expiring && html`<${Ends} connection=${connection} />`}
      <p class="quiet-text">${
        connection.checkedAt
          ? html`<${Time} of=${connection.checkedAt} words=${texts.connections.checked} />`
          : texts.connections.neverChecked
      }</p>
    </div>
    ${remedyAction && html`<${Remedy} connection=${connection} canManage=${canManage} onChanged=${onChanged} />`}
  </div>`;
}

/** The tags of a connection, each with the list of the connections that have it. */
function Tags({ tags }) {
  return Object.entries(tags).map(([name, value]) => {
    const tag = `${name}=${value}`;
    return html`<a class="chip" key=${name} href=${href(`/?tag=${part(tag)}`)} aria-label=${t.tagged(tag)}>${tag}</a> `;
  });
}

function Facts({ connection }) {
  const { account, kindTitle, kind, scopes, config, profile, isDefault, tags } = connection;
  const end = connection.renews ? connection.authorizedUntil : connection.validUntil;
  const fact = (name, value) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<section class="panel" aria-labelledby="summary-title"><h2 id="summary-title">${t.summary}</h2>
    <dl class="facts">
      ${fact(t.account, html`<bdi>${account.label}</bdi>`)}
      ${fact(t.accountId, html`<span class="mono">${account.id}</span>`)}
      ${fact(t.kind, kindTitle ?? kind)}
      ${fact(t.expires, html`${expiryOf(connection, true)}${end && html`<br /><span class="quiet-text">
        ${at(end)}</span>`}`)}
      ${Object.keys(tags ?? {}).length > 0 && fact(t.tags, html`<${Tags} tags=${tags} />`)}
      ${isDefault && fact(t.default, t.defaultYes)}
      ${profile && fact(t.profile, html`<span class="mono">${profile}</span>`)}
      ${Object.entries(config ?? {}).map(([name, value]) => fact(name, html`<span class="mono">${value}</span>`))}
      ${fact(t.id, html`<span class="mono small">${connection.id}</span>`)}
    </dl>
    <div><p class="quiet-text">${t.scopes}</p>
      <p>${scopes?.length ? scopes.map((scope) => html`<span class="chip" key=${scope}>
        ${scope}</span> `) : t.noScopes}</p>
    </div>
  </section>`;
}

/** The grants of a connection. */
function Uses({ connection, canManage, onChanged }) {
  const revoke = useAction(async (grant) => {
    await api.delete(`/extensions/${part(grant.extension)}/grants/${part(connection.id)}`);
    announce(texts.extensions.revoked(connection.label));
    onChanged();
  });
  const agents = useResource('/agents', { query: { limit: MAX_AGENTS }, hints: ['connection'] });
  const isUsed = (grant) => grant.connection === connection.id && grant.state === 'active';
  const users = (agents.data?.items ?? []).filter((agent) => agent.grants.some(isUsed));
  return html`<section class="panel" aria-labelledby="uses-title"><h2 id="uses-title">${t.uses}</h2>
    <${Problem} error=${revoke.error ?? agents.error} />
    ${agents.data && !connection.uses?.length && !users.length && html`<p class="quiet-text">${t.usesNone}</p>`}
    ${
      connection.uses?.length > 0 &&
      html`<ul class="list-plain">${connection.uses.map(
        (grant) => html`<li key=${grant.extension}>
      <div><a href=${href(`/extensions/${part(grant.extension)}`)} onClick=${() => (takeFocus.wanted = true)}><strong>
        ${grant.extension}</strong></a>
        <p class="quiet-text">${grant.secretNames.length ? t.grantNames(grant.secretNames) : t.grantNone}, <${Time}
          of=${grant.createdAt} words=${t.since} /></p></div>
      ${
        canManage &&
        html`<${Button} tone="quiet" isBusy=${revoke.isBusy} aria-label=${`${t.revoke}: ${grant.extension}`}
        onClick=${() => revoke.run(grant)}>${t.revoke}<//>`
      }
    </li>`,
      )}</ul>`
    }
    ${
      users.length > 0 &&
      html`<ul class="list-plain">${users.map(
        (agent) => html`<li key=${agent.id}><div>
        <a href=${href(`/agents/${part(agent.name)}`)} onClick=${() => (takeFocus.wanted = true)}><strong>
          ${agent.name}</strong></a> <span class="chip">${texts.agents.one}</span>
        <ul class="may">${agent.grants.find(isUsed).words.map((words) => html`<li key=${words}>${words}</li>`)}</ul>
      </div></li>`,
      )}</ul>`
    }
  </section>`;
}

function History({ id, hints }) {
  const [filter, setFilter] = useState('all');
  const query = filter === 'all' ? {} : { event: EVENT_FILTERS[filter].join(',') };
  const pages = usePages(`/connections/${part(id)}/events`, { limit: 15, ...query }, hints);
  const chain = pages.first?.chain;
  const filters = {
    all: t.filterAll,
    health: t.filterHealth,
    refresh: t.filterRefresh,
    use: t.filterUse,
    change: t.filterChange,
  };
  return html`<section class="panel history" aria-labelledby="history-title">
    <header><h2 id="history-title">${t.timeline}</h2>
      <${Choices} label=${t.timeline} choices=${filters} value=${filter} onChange=${setFilter} /></header>
    ${chain && chain !== 'whole' && html`<${Note} tone="bad" icon="alert" role="alert"><p>${t.broken(chain)}</p><//>`}
    <${Timeline} pages=${pages} none=${t.noEvents} />
    <p><a href=${href(`/uses?connection=${part(id)}`)} onClick=${() => (takeFocus.wanted = true)}>
      ${texts.uses.all}</a></p>
    ${chain === 'whole' && html`<p class="quiet-text whole"><${Icon} name="check" /> ${t.whole}</p>`}
  </section>`;
}

/** Shows the scopes for which a program sent the person here, unless the connection has them. */
function Asked({ connection, query }) {
  const scopes = [...new Set(query.getAll('scope'))].filter((scope) => !connection.scopes?.includes(scope));
  if (scopes.length === 0) return null;
  return html`<${Note} tone="warn" icon="alert" title=${t.asked(query.get('program'))}>
    <p>${scopes.map((scope) => html`<span class="chip" key=${scope}>${scope}</span> `)}</p>
    <p>${t.askedHelp}</p>
    <${AskScopes} connection=${connection.id} scopes=${scopes} />
  <//>`;
}

/** @param {{id: string, query: URLSearchParams}} props */
export default function ConnectionScreen({ id, query }) {
  const canManage = useCanManage();
  const hasHealth = useHas('health');
  const [isRemoving, setIsRemoving] = useState(false);
  const hints = isRemoving ? [] : ['connection', 'grant'];
  const { data, error, reload, setData, stop } = useResource(`/connections/${part(id)}`, { hints, id });
  const onRemoving = (is) => {
    if (is) stop();
    else void reload();
    setIsRemoving(is);
  };
  const onChanged = (connection) => {
    if (connection) setData({ ...data, ...connection });
    return reload();
  };
  if (!data) {
    const isGone = error?.status === 404;
    return html`<div class="screen narrow">
      <${Title}>${isGone ? t.noSuch : texts.connections.title}<//>
      ${isGone && html`<p class="lead">${t.noSuchHelp}</p><p class="actions"><${ButtonLink} to="/">
        ${texts.setup.allConnections}<//></p>`}
      ${error && !isGone && html`<${Problem} error=${error} onRetry=${reload} />`}
      ${!error && html`<${Loading} lines=${5} />`}
    </div>`;
  }
  return html`<div class="screen wide">
    <header class="with-tile big"><${Tile} title=${data.kindTitle ?? data.kind} seed=${data.provider}
      kind=${data.kind} />
      <div><${Title} key=${data.label}>${data.label}<//>
        <p class="quiet-text">${data.kindTitle ?? data.kind} · <bdi>${data.account.label}</bdi></p></div>
    </header>
    <${Problem} error=${error} onRetry=${reload} />
    ${data.frozen && html`<${Note} tone="warn" icon="alert" title=${texts.freeze.frozenTitle}>
      <p>${texts.freeze.frozenHelp}</p><//>`}
    <${Condition} connection=${data} canManage=${canManage} onChanged=${onChanged} />
    ${canManage && html`<${Asked} connection=${data} query=${query} />`}
    <div class="columns">
      <div>
        ${
          hasHealth &&
          html`<section class="panel" aria-labelledby="health-title"><h2 id="health-title">${t.health}</h2>
          <${Health} id=${id} hints=${hints} /></section>`
        }
        <${History} id=${id} hints=${hints} />
      </div>
      <div>
        ${
          canManage &&
          html`<${Actions} connection=${data} isAccepting=${query.has('accept')} onChanged=${onChanged}
          onRemoving=${onRemoving} />`
        }
        <${Uses} connection=${data} canManage=${canManage} onChanged=${onChanged} />
        <${Facts} connection=${data} />
      </div>
    </div>
  </div>`;
}
