/**
 * One request of an agent about which a person is asked: the whole of it, and the answer.
 */
import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { at } from '../format.js';
import { useMe } from '../me.js';
import { useAction, useResource } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { announce, Button, Field, Loading, Note, Problem, takeFocus, Time, Title } from '../ui/parts.js';
import { state } from './approvals.js';

const t = texts.approvals;

/** Marks what was made visible, so that it is seen at a glance. */
function Visible({ text }) {
  const parts = text.split(/(\u27e8[0-9A-FU+]+\u27e9)/);
  return parts.map((each, index) => (index % 2 ? html`<mark key=${index} title=${t.madeVisible}>${each}</mark>` : each));
}

/** The request, and whether the end of it was in sight. */
function Request({ request, onSeen }) {
  const end = useRef(null);
  useEffect(() => {
    const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && onSeen());
    seen.observe(end.current);
    return () => seen.disconnect();
  }, []);
  return html`<div class="request" tabindex="0" role="group" aria-label=${t.request}>
    <p class="request-line"><strong>${request.method}</strong> <${Visible} text=${request.address} /></p>
    <dl class="request-headers">${request.headers.map(
      ({ name, value }, index) => html`<div key=${index}><dt>${name}</dt><dd><${Visible} text=${value} /></dd></div>`,
    )}</dl>
    ${request.body ? html`<pre class="request-body"><${Visible} text=${request.body} /></pre>` : html`<p
      class="quiet-text">${t.noBody}</p>`}
    <span ref=${end} class="request-end"></span>
  </div>`;
}

function Difference({ changes }) {
  if (!changes?.some(({ kind }) => kind !== 'same')) return null;
  const tag = { same: 'span', removed: 'del', added: 'ins' };
  return html`<section class="panel" aria-labelledby="difference-title">
    <header><h2 id="difference-title">${t.difference}</h2></header>
    <pre class="request-body">${changes.map(({ kind, text }, index) => html`<${tag[kind] ?? 'span'} key=${index}>
      ${text}<//>`)}</pre></section>`;
}

function Answer({ of, isSeen, onAnswered }) {
  const [how, setHow] = useState(0);
  const [reason, setReason] = useState('');
  const approve = useAction(async () => {
    const more = how ? { minutes: how, requests: 10 } : {};
    const approved = await api.post(`/approvals/${part(of.id)}/approve`, { digest: of.digest, ...more });
    announce(state(approved).text);
    onAnswered();
  });
  const refuse = useAction(async () => {
    await api.post(`/approvals/${part(of.id)}/refuse`, { reason: reason.trim() || null });
    announce(t.states.refused);
    onAnswered();
  });
  const isBusy = approve.isBusy || refuse.isBusy;
  return html`<section class="panel" aria-labelledby="answer-title">
    <header><h2 id="answer-title">${t.answer}</h2></header>
    <fieldset class="choices-plain"><legend class="for-readers">${t.approve}</legend>
      ${t.ways.map(([value, text]) => html`<label key=${value}><input type="radio" name="how"
        value=${value} checked=${how === value} onChange=${() => setHow(value)} /> ${text(of)}</label>`)}
    </fieldset>
    ${!isSeen && html`<p class="quiet-text">${t.readFirst}</p>`}
    <p class="actions"><${Button} tone="primary" disabled=${!isSeen || isBusy} isBusy=${approve.isBusy}
      onClick=${approve.run}>${how ? t.approveAndWiden : t.approve}<//></p>
    <${Field} label=${t.reason} help=${t.reasonHelp}>${(control) => html`<input ...${control} value=${reason}
      maxlength="500" onInput=${(event) => setReason(event.target.value)} />`}<//>
    <p class="actions"><${Button} tone="danger" disabled=${isBusy} isBusy=${refuse.isBusy}
      onClick=${refuse.run}>${t.refuse}<//></p>
    <${Problem} error=${approve.error ?? refuse.error} />
  </section>`;
}

/** @param {{id: string}} props */
export default function ApprovalScreen({ id }) {
  const role = useMe()?.role;
  const canAnswer = role === 'manage' || role === 'admin';
  const { data, error, reload } = useResource(`/approvals/${part(id)}`, { hints: ['connection'] });
  const [isSeen, setIsSeen] = useState(false);
  if (!data) {
    return html`<div class="screen narrow"><${Title}>${error?.status === 404 ? t.noSuch : t.one}<//>
      ${error ? html`<${Problem} error=${error} onRetry=${reload} />` : html`<${Loading} />`}</div>`;
  }
  const { approval: of, request, changes } = data;
  const { text } = state(of);
  const facts = [
    [t.agent, html`<a href=${href(`/agents/${part(of.agent)}`)} onClick=${() => (takeFocus.wanted = true)}>
      <bdi>${of.agent}</bdi></a>`],
    [t.connection, html`<a href=${href(`/connections/${part(of.connection)}`)}
      onClick=${() => (takeFocus.wanted = true)}><bdi>${of.label}</bdi></a> <span class="quiet-text">${of.kind}</span>`],
    [t.account, of.account && html`<bdi>${of.account}</bdi>`],
    [t.asks, of.rule],
    [t.effect, t.effects[of.impact]],
    [t.before, t.ran(data.ranBefore, data.ruleRanBefore)],
    [t.until, at(of.endsAt)],
    [t.by, of.answeredBy],
  ];
  return html`<div class="screen">
    <header class="head"><div><${Title} name=${`${of.method} ${of.path}`}><code>${of.method} ${of.path}</code><//>
      <p class="lead">${of.state === 'waiting' ? html`<${Time} of=${of.endsAt} words=${t.waits} />` : text}</p></div></header>
    ${of.impact === 'deletes' && of.state === 'waiting' && html`<${Note} tone="warn" icon="alert"
      title=${t.effects.deletes} />`}
    <section class="panel"><dl class="facts">${facts
      .filter(([, value]) => value)
      .map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>
    <section class="panel" aria-labelledby="request-title"><header><h2 id="request-title">${t.request}</h2></header>
      ${request ? html`<${Request} request=${request} onSeen=${() => setIsSeen(true)} />` : html`<p
        class="quiet-text">${t.erased}</p>`}
    </section>
    <${Difference} changes=${changes} />
    ${of.state === 'waiting' && canAnswer && request && html`<${Answer} of=${of} isSeen=${isSeen} onAnswered=${reload} />`}
  </div>`;
}
