/**
 * One agent: what it may do with which connection, and its tokens.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { at } from '../format.js';
import { useCanManage } from '../me.js';
import { useAction, useResource } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { announceWithdrawn, Button, Dialog, Loading, Note, Problem, takeFocus, Time, Title } from '../ui/parts.js';
import { goTo } from '../ui/shell.js';
import { GrantDialog } from './agent-grant.js';
import { AgentTokens } from './agent-tokens.js';
import { FreezeButton } from './freeze.js';

const t = texts.agents;

/** What is left of a budget, as a bar and in words. */
function Budget({ budget }) {
  if (budget.left === null) return html`<p class="quiet-text">${t.budget(budget.requests, budget.per)}</p>`;
  return html`<div class="budget">
    <meter min="0" max=${budget.requests} value=${budget.left} aria-label=${t.budgetLeft}></meter>
    <p class="quiet-text">${t.left(budget.left, budget.requests)} <${Time} of=${budget.until} words=${t.renews} /></p>
  </div>`;
}

function Revoke({ agent, grant, onClose, onChanged }) {
  const revoke = useAction(async () => {
    const answer = await api.delete(`/agents/${part(agent.name)}/grants/${part(grant.connection)}`);
    announceWithdrawn(t.revoked(grant.label), answer);
    onChanged();
    onClose();
  });
  return html`<${Dialog} title=${t.revokeTitle(agent.name, grant.label)} onClose=${onClose} actions=${html`
    <${Button} tone="danger" isBusy=${revoke.isBusy} onClick=${revoke.run}>${t.revoke}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <p>${t.revokeHelp}</p><${Problem} error=${revoke.error} />
  <//>`;
}

function Grant({ grant, canManage, onAsk }) {
  const isActive = grant.state === 'active';
  const ends = grant.state === 'revoked' ? t.revokedAt(at(grant.revokedAt)) : t.endedAt(at(grant.expiresAt));
  return html`<li class=${isActive ? '' : 'ended'}>
    <div class="with-tile"><${Tile} title=${grant.kind} seed=${grant.kind} kind=${grant.kind} />
      <div><a href=${href(`/connections/${part(grant.connection)}`)} onClick=${() => (takeFocus.wanted = true)}>
        <strong><bdi>${grant.label}</bdi></strong></a>
        <ul class="may">${grant.words.map((words) => html`<li key=${words}>${words}</li>`)}</ul>
        ${isActive && grant.widened.length > 0 && html`<ul class="may">${grant.widened.map((of) => html`<li
          key=${of.method + of.path}><${Time} of=${of.endsAt} words=${(when) => t.widened(of, when)} /></li>`)}</ul>`}
        ${isActive && grant.budget && html`<${Budget} budget=${grant.budget} />`}
        <p class="quiet-text">${isActive ? html`<${Time} of=${grant.expiresAt} words=${t.ends} />` : ends}</p>
      </div></div>
    ${
      canManage &&
      html`<div class="actions">
      <${Button} aria-label=${`${isActive ? t.change : t.again}: ${grant.label}`} onClick=${() => onAsk({ grant })}>
        ${isActive ? t.change : t.again}<//>
      ${isActive && html`<${Button} tone="quiet" aria-label=${`${t.revoke}: ${grant.label}`}
        onClick=${() => onAsk({ revoke: grant })}>${t.revoke}<//>`}
    </div>`
    }
  </li>`;
}

function Remove({ agent, onClose, onRemoving }) {
  const remove = useAction(async () => {
    // The hint that its grants are gone may come before the answer, and a reading may be under way.
    onRemoving(true);
    try {
      const answer = await api.delete(`/agents/${part(agent.name)}`);
      announceWithdrawn(t.removed(agent.name), answer);
    } catch (error) {
      onRemoving(false);
      throw error;
    }
    goTo('/agents', { replace: true });
  });
  return html`<${Dialog} title=${t.removeTitle(agent.name)} onClose=${onClose} actions=${html`
    <${Button} tone="danger" isBusy=${remove.isBusy} onClick=${remove.run}>${t.remove}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <p>${t.removeHelp}</p><${Problem} error=${remove.error} />
  <//>`;
}

/** @param {{name: string}} props */
export default function AgentScreen({ name }) {
  const canManage = useCanManage();
  const [isRemoving, setIsRemoving] = useState(false);
  const hints = isRemoving ? [] : ['connection'];
  const { data: agent, error, reload, stop } = useResource(`/agents/${part(name)}`, { hints });
  const freezes = useResource('/freezes', { hints: ['connection'] });
  const [asked, setAsked] = useState(null);
  const close = () => setAsked(null);
  const onRemoving = (is) => {
    if (is) stop();
    else void reload();
    setIsRemoving(is);
  };
  if (!agent) {
    return html`<div class="screen narrow"><${Title}>${error?.status === 404 ? t.noSuch : t.title}<//>
      ${error ? html`<${Problem} error=${error} onRetry=${reload} />` : html`<${Loading} />`}</div>`;
  }
  const what = `agent:${agent.id}`;
  const isFrozen = freezes.data?.items.some((item) => item.what === what) ?? false;
  const order = { active: 0, ended: 1, revoked: 2 };
  const grants = [...agent.grants].sort((a, b) => (order[a.state] ?? 3) - (order[b.state] ?? 3));
  return html`<div class="screen wide">
    <header class="with-tile big"><${Tile} title=${agent.name} seed=${agent.id} /><div><${Title}>${agent.name}<//>
      <p class="quiet-text"><${Time} of=${agent.createdAt} words=${t.since} /></p></div></header>
    ${isFrozen && html`<${Note} tone="warn" icon="alert" title=${texts.freeze.frozen}>
      <p>${texts.freeze.frozenAgent}</p><//>`}
    <div class="columns">
      <section class="panel" aria-labelledby="may-title">
        <header><h2 id="may-title">${t.may}</h2>
          ${canManage && html`<${Button} icon="plus" onClick=${() => setAsked({ grant: null })}>${t.grant}<//>`}</header>
        ${!grants.length && html`<p class="quiet-text">${t.nothing}</p>`}
        <ul class="list-plain grants">${grants.map((grant) => html`<${Grant} key=${grant.connection} grant=${grant}
          canManage=${canManage} onAsk=${setAsked} />`)}</ul>
      </section>
      <div>${agent.client && html`<section class="panel" aria-labelledby="client-title">
          <header><h2 id="client-title">${t.client}</h2></header>
          <p><strong><bdi>${agent.client.name}</bdi></strong> <code>${agent.client.host}</code></p>
          <p class="quiet-text">${agent.client.endsAt ? html`<${Time} of=${agent.client.endsAt} words=${t.clientEnds} />`
            : t.clientEnded}</p></section>`}
        <${AgentTokens} agent=${agent} canManage=${canManage} onChanged=${reload} />
        <p><a href=${href(`/uses?grantee=${what}`)} onClick=${() => (takeFocus.wanted = true)}>${texts.uses.all}</a></p>
        ${canManage && html`<p class="actions"><${FreezeButton} what=${what} name=${agent.name} isFrozen=${isFrozen}
            onChanged=${freezes.reload} />
          <${Button} tone="danger" onClick=${() => setAsked({ remove: true })}>${t.remove}<//></p>`}
      </div>
    </div>
    ${asked && 'grant' in asked && html`<${GrantDialog} agent=${agent} grant=${asked.grant} onClose=${close}
      onChanged=${reload} />`}
    ${asked?.revoke && html`<${Revoke} agent=${agent} grant=${asked.revoke} onClose=${close} onChanged=${reload} />`}
    ${asked?.remove && html`<${Remove} agent=${agent} onClose=${close}
      onRemoving=${onRemoving} />`}
  </div>`;
}
