/**
 * Requests of agents about which a person is asked.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { part } from '../api.js';
import { useResource } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { canAsk, askToNotify } from '../waiting.js';
import { Button, Empty, Loading, Problem, takeFocus, Time, Title } from '../ui/parts.js';

const t = texts.approvals;

/** What became of a request, in words, and whether that is good. */
export function state(of) {
  const tones = { waiting: 'warn', approved: 'warn', executing: 'warn', refused: 'none', lapsed: 'none', unknown: 'bad' };
  const tone = of.state === 'answered' ? (of.status < 400 ? 'live' : 'warn') : (tones[of.state] ?? 'none');
  const words = of.state === 'answered' ? t.answered(of.status) : (t.states[of.state] ?? of.state);
  return { tone, text: of.reason ? `${words}: ${of.reason}` : words };
}

function Row({ of }) {
  const { tone, text } = state(of);
  const isWaiting = of.state === 'waiting';
  return html`<li class=${`approval-row ${of.impact}`}>
    <a href=${href(`/approvals/${part(of.id)}`)} onClick=${() => (takeFocus.wanted = true)}>
      <code>${of.method} ${of.path}</code></a>
    <p class="quiet-text"><bdi>${of.label}</bdi>${of.account && html` · <bdi>${of.account}</bdi>`} · ${t.impacts[of.impact]}</p>
    <p class=${`state-text ${tone}`}>${isWaiting ? html`<${Time} of=${of.endsAt} words=${t.waits} />` : text}</p>
  </li>`;
}

/** Groups what waits by agent and rule, in the order of the list. */
function grouped(items) {
  const groups = [];
  for (const of of items) {
    const key = JSON.stringify([of.agentId, of.rule, of.impact]);
    const group = groups.find((each) => each.key === key);
    if (group) group.items.push(of);
    else groups.push({ key, agent: of.agent, rule: of.rule, items: [of] });
  }
  return groups;
}

function Notify() {
  const [isOffered, setIsOffered] = useState(canAsk);
  if (!isOffered) return null;
  const ask = async () => {
    await askToNotify();
    setIsOffered(canAsk());
  };
  return html`<${Button} onClick=${ask}>${t.notify}<//>`;
}

/** The list of approvals. */
export default function Approvals() {
  const { data, error, reload } = useResource('/approvals', { query: { limit: 30 }, hints: ['connection'] });
  const items = data?.items ?? [];
  const waiting = items.filter((of) => of.state === 'waiting');
  const others = items.filter((of) => of.state !== 'waiting');
  return html`<div class="screen">
    <header class="head"><div><${Title}>${t.title}<//><p class="lead">${t.intro}</p></div><${Notify} /></header>
    <${Problem} error=${error} onRetry=${reload} />
    ${!data && !error && html`<${Loading} />`}
    ${data && !items.length && html`<${Empty} title=${t.emptyTitle}>${t.empty}<//>`}
    ${
      items.length > 0 &&
      html`<section class="panel" aria-labelledby="waiting-title">
      <header><h2 id="waiting-title">${t.waiting(waiting.length)}</h2></header>
      ${grouped(waiting).map(
        ({ key, agent, rule, items: of }) => html`<section key=${key} class="approval-group">
        <h3><bdi>${agent}</bdi> <span class="quiet-text">${t.rule(rule)}</span></h3>
        <ul class="list-plain">${of.map((each) => html`<${Row} key=${each.id} of=${each} />`)}</ul></section>`,
      )}
    </section>`
    }
    ${
      others.length > 0 &&
      html`<section class="panel" aria-labelledby="over-title"><header><h2 id="over-title">${t.over}</h2></header>
      <ul class="list-plain">${others.map((of) => html`<${Row} key=${of.id} of=${of} />`)}</ul></section>`
    }
  </div>`;
}
