/**
 * The tokens of an agent: list, make, revoke.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { useAction } from '../resource.js';
import { texts } from '../texts.js';
import { Button, Dialog, Field, Problem } from '../ui/parts.js';
import { Once, Revoke, Select, Token } from './tokens.js';

const t = texts.agents;
const common = texts.system;
const DAYS = [7, 30, 90, 365];

function Create({ agent, onClose, onChanged }) {
  const [values, setValues] = useState({ name: '', audience: 'doors', days: 90 });
  const [made, setMade] = useState(null);
  const set = (name) => (value) => setValues((was) => ({ ...was, [name]: value }));
  const create = useAction(async () => {
    const { name, audience, days } = values;
    const body = { name: name.trim() || null, audience, lifetime: `${days}d` };
    setMade(await api.post(`/agents/${part(agent.name)}/tokens`, body, { creates: true }));
    onChanged();
  });
  if (made)
    return html`<${Once} title=${common.created} help=${common.createdHelp} label=${common.token} text=${made.token}
      onClose=${onClose} />`;
  const onSubmit = (event) => {
    event.preventDefault();
    void create.run();
  };
  return html`<${Dialog} title=${t.newToken} onClose=${onClose}>
    <form class="form" onSubmit=${onSubmit}>
      <${Field} label=${common.name} help=${common.nameHelp} isOptional>${(control) => html`<input ...${control}
        value=${values.name} autocomplete="off" onInput=${(event) => set('name')(event.target.value)} />`}<//>
      <${Field} label=${t.audience} help=${t.audienceHelp[values.audience]}>${(control) => html`<${Select}
        control=${control} value=${values.audience} choices=${Object.entries(t.audiences)}
        onChange=${set('audience')} />`}<//>
      <${Field} label=${common.days}>${(control) => html`<${Select} control=${control} value=${values.days}
        choices=${DAYS.map((days) => [days, common.daysOf(days)])} onChange=${set('days')} />`}<//>
      <${Problem} error=${create.error} />
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${create.isBusy}>${t.newToken}<//></p>
    </form>
  <//>`;
}

/** @param {{agent: object, canManage: boolean, onChanged: () => void}} props */
export function AgentTokens({ agent, canManage, onChanged }) {
  const [asked, setAsked] = useState(null);
  const close = () => setAsked(null);
  const pathOf = (token) => `/agents/${part(agent.name)}/tokens/${part(token.id)}`;
  const row = (token) => html`<${Token} key=${token.id} token=${token} canRevoke=${canManage}
    onRevoke=${() => setAsked({ revoke: token })}>
    <span class="chip">${t.audiences[token.audience] ?? token.audience}</span><//>`;
  return html`<section class="panel" aria-labelledby="agent-tokens-title">
    <header><div><h2 id="agent-tokens-title">${t.tokens}</h2><p class="quiet-text">${t.tokensIntro}</p></div>
      ${canManage && html`<${Button} icon="plus" onClick=${() => setAsked({ create: true })}>${t.newToken}<//>`}</header>
    ${!agent.tokens.length && html`<p class="quiet-text">${common.noTokens}</p>`}
    <ul class="list-plain">${agent.tokens.map(row)}</ul>
    ${asked?.create && html`<${Create} agent=${agent} onClose=${close} onChanged=${onChanged} />`}
    ${asked?.revoke && html`<${Revoke} path=${pathOf(asked.revoke)} token=${asked.revoke} onClose=${close}
      onChanged=${onChanged} />`}
  </section>`;
}
