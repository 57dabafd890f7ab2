/**
 * The agents: programs that use connections within rules.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { useCanManage } from '../me.js';
import { useAction, usePages } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { announce, Button, Dialog, Empty, Field, Loading, More, Problem, takeFocus, Time, Title } from '../ui/parts.js';
import { goTo } from '../ui/shell.js';

const t = texts.agents;
const NAME = /^[a-z0-9-]{1,64}$/;

/** The dialog that creates an agent. Its screen follows, on which it is granted something. */
function Create({ onClose }) {
  const [name, setName] = useState('');
  const [problem, setProblem] = useState(null);
  const create = useAction(async () => {
    const made = await api.post('/agents', { name: name.trim() }, { creates: true });
    announce(t.created(made.name));
    goTo(`/agents/${part(made.name)}`);
  });
  const onSubmit = (event) => {
    event.preventDefault();
    const isName = NAME.test(name.trim());
    setProblem(isName ? null : t.nameProblem);
    if (isName) void create.run();
  };
  return html`<${Dialog} title=${t.create} onClose=${onClose}>
    <form class="form" onSubmit=${onSubmit}>
      <${Field} label=${t.name} help=${t.nameHelp} problem=${problem}>${(control) => html`<input ...${control}
        value=${name} autocomplete="off" spellcheck="false" onInput=${(event) => setName(event.target.value)} />`}<//>
      <${Problem} error=${create.error} />
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${create.isBusy}>${t.createButton}<//></p>
    </form>
  <//>`;
}

function Card({ agent }) {
  const active = agent.grants.filter((grant) => grant.state === 'active');
  return html`<li class="card">
    <div class="with-tile"><${Tile} title=${agent.name} seed=${agent.id} />
      <div><h2><a href=${href(`/agents/${part(agent.name)}`)} onClick=${() => (takeFocus.wanted = true)}>
        ${agent.name}</a></h2>
        <p class="quiet-text"><${Time} of=${agent.createdAt} words=${t.since} /></p></div>
    </div>
    ${
      active.length
        ? html`<ul class="list-plain">${active.map(
            (grant) => html`<li key=${grant.connection}><bdi>${grant.label}</bdi>
        <span class="quiet-text"> <${Time} of=${grant.expiresAt} words=${t.ends} /></span></li>`,
          )}</ul>`
        : html`<p class="quiet-text">${t.nothing}</p>`
    }
  </li>`;
}

/** The list of agents. */
export default function Agents() {
  const canManage = useCanManage();
  const pages = usePages('/agents', {}, ['connection']);
  const [isCreating, setIsCreating] = useState(false);
  const { items, isLoading, error, reload } = pages;
  const create = canManage && html`<${Button} icon="plus" onClick=${() => setIsCreating(true)}>${t.create}<//>`;
  return html`<div class="screen wide">
    <header class="head"><div><${Title}>${t.title}<//><p class="lead">${t.intro}</p></div>
      ${items.length > 0 && create}</header>
    <${Problem} error=${error} onRetry=${reload} />
    ${isLoading && html`<${Loading} />`}
    ${!isLoading && !error && !items.length && html`<${Empty} title=${t.emptyTitle} action=${create}>${t.empty}<//>`}
    ${items.length > 0 && html`<ul class="cards">${items.map((agent) => html`<${Card} key=${agent.id}
      agent=${agent} />`)}</ul>`}
    <${More} pages=${pages} />
    ${isCreating && html`<${Create} onClose=${() => setIsCreating(false)} />`}
  </div>`;
}
