/**
 * The consent to a program that signs in at the door for models: who it says it is, and which connections it may use as an
 * agent of its own.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { api } from '../api.js';
import { useCanManage } from '../me.js';
import { useAction, usePages } from '../resource.js';
import { texts } from '../texts.js';
import { Button, Field, Loading, Note, Problem, Search, Time, Title } from '../ui/parts.js';
import { ENDS } from './agent-grant.js';
import { Select } from './tokens.js';

const t = texts.consent;
const NAME = /^[a-z0-9-]{1,64}$/;

/** The connections to tick. Those that are ticked stay in the list while another text is searched. */
function Pick({ ticked, onTick }) {
  const [search, setSearch] = useState('');
  const pages = usePages('/connections', { ...(search && { search }), limit: 20 });
  const isTicked = ({ id }) => ticked.some((each) => each.id === id);
  const rows = [...ticked, ...pages.items.filter((each) => !isTicked(each))];
  return html`<fieldset class="choices-plain"><legend>${t.connections}</legend>
    <p class="quiet-text">${t.connectionsHelp}</p>
    <${Search} label=${texts.agents.searchConnection} placeholder=${texts.agents.searchPlaceholder} value=${search}
      onChange=${setSearch} />
    <${Problem} error=${pages.error} onRetry=${pages.reload} />
    ${pages.isLoading && html`<${Loading} lines=${2} />`}
    ${!pages.isLoading && !pages.error && !rows.length && html`<p class="quiet-text">${texts.agents.noConnection}</p>`}
    ${rows.map((each) => html`<label key=${each.id}><input type="checkbox" checked=${isTicked(each)}
      onChange=${() => onTick(isTicked(each) ? ticked.filter(({ id }) => id !== each.id) : [...ticked, each])} />
      <bdi>${each.label}</bdi> <span class="quiet-text">${each.kindTitle ?? each.kind}</span></label>`)}
  </fieldset>`;
}

function Decide({ shown }) {
  const isSame = shown.former !== null && shown.document !== null;
  const [values, setValues] = useState({ name: isSame ? shown.former : shown.name, expires: '24h', isReplacing: isSame });
  const [ticked, setTicked] = useState([]);
  const [problem, setProblem] = useState(null);
  const set = (name) => (value) => setValues((was) => ({ ...was, [name]: value }));
  const allow = useAction(async () => {
    const connections = ticked.map(({ id }) => ({ connection: id }));
    const { name, expires, isReplacing } = values;
    const replaces = isReplacing ? shown.former : null;
    const decided = await api.post('/consents', { request: shown.request, connections, name, expires, replaces });
    location.assign(decided.redirect);
  });
  const refuse = useAction(async () => {
    location.assign((await api.post('/consents/refuse', { request: shown.request })).redirect);
  });
  const isBusy = allow.isBusy || refuse.isBusy;
  const onSubmit = (event) => {
    event.preventDefault();
    const isName = NAME.test(values.name);
    setProblem(isName ? null : texts.agents.nameProblem);
    if (isName && !isBusy) void allow.run();
  };
  // The new agent takes the name of the one that it replaces, unless the person has chosen another.
  const replace = (isReplacing) => setValues((was) => {
    const [from, to] = isReplacing ? [shown.name, shown.former] : [shown.former, shown.name];
    return { ...was, isReplacing, name: was.name === from ? to : was.name };
  });
  return html`<section class="panel"><${Pick} ticked=${ticked} onTick=${setTicked} /></section>
  <form class="form panel" onSubmit=${onSubmit}>
    <${Field} label=${texts.agents.expires} help=${t.endHelp}>${(control) => html`<${Select} control=${control}
      value=${values.expires} choices=${ENDS.map((end) => [end, texts.agents.endsIn[end]])}
      onChange=${set('expires')} />`}<//>
    <${Field} label=${t.name} help=${t.nameHelp} problem=${problem}>${(control) => html`<input ...${control}
      value=${values.name} autocomplete="off" spellcheck="false"
      onInput=${(event) => set('name')(event.target.value.trim())} />`}<//>
    ${shown.former && html`<label class="check"><input type="checkbox" checked=${values.isReplacing}
      onChange=${(event) => replace(event.target.checked)} />
      ${(shown.document ? t.replacesDocument : t.replaces)(shown.former)}</label>`}
    <p class="actions"><${Button} type="submit" tone="primary" disabled=${isBusy} isBusy=${allow.isBusy}>
        ${t.allow(ticked.length)}<//>
      <${Button} disabled=${isBusy} isBusy=${refuse.isBusy} onClick=${refuse.run}>${t.refuse}<//></p>
    <${Problem} error=${allow.error ?? refuse.error} />
  </form>`;
}

/** The screen. The request of the program stands in the fragment of the address, which is sent to no server. */
export default function Consent() {
  const canManage = useCanManage();
  const [state, setState] = useState({ shown: null, error: null });
  const read = async () => {
    const request = new URLSearchParams(location.hash.slice(1)).get('request') ?? '';
    try {
      setState({ shown: await api.post('/consents/read', { request }), error: null });
    } catch (error) {
      setState({ shown: null, error });
    }
  };
  useEffect(() => {
    if (canManage) void read();
  }, [canManage]);
  const { shown, error } = state;
  if (!canManage) return html`<div class="screen narrow"><${Title}>${t.title}<//><p>${t.notAllowed}</p></div>`;
  if (!shown) {
    return html`<div class="screen narrow"><${Title}>${t.title}<//>
      ${error ? html`<${Problem} error=${error} onRetry=${error.status === 410 ? undefined : read} />`
        : html`<${Loading} />`}</div>`;
  }
  return html`<div class="screen narrow">
    <header class="head"><div><${Title} name=${t.asks(shown.client)}>${t.asks(html`<bdi>${shown.client}</bdi>`)}<//>
      <p class="lead">${t.lead}</p></div></header>
    <${Note} tone=${shown.isLocal ? 'info' : 'warn'} title=${shown.isLocal ? t.local : t.remote}>
      <dl class="facts">
        <div><dt>${t.returns}</dt><dd><code>${shown.host}</code></dd></div>
        ${shown.document && html`<div><dt>${t.document}</dt><dd><code>${shown.document}</code></dd></div>`}
        <div><dt>${t.callsItself}</dt><dd><bdi>${shown.client}</bdi></dd></div>
      </dl>
      <p>${t.unchecked}</p>
    <//>
    <${Decide} shown=${shown} />
    <p class="quiet-text"><${Time} of=${shown.expiresAt} words=${t.until} /></p>
  </div>`;
}
