/**
 * The dialog that grants an agent a connection, or changes its rules. Before anything is saved, it shows in words what
 * the agent may do, and how that differs from now.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { useAction, usePages } from '../resource.js';
import { texts } from '../texts.js';
import { announceWithdrawn, Button, Dialog, Field, Loading, Note, Problem, Search, Time } from '../ui/parts.js';
import { Select } from './tokens.js';

const t = texts.agents;
export const ENDS = ['1h', '8h', '24h', '7d', '30d', '365d'];
const OWN = 'own';

/** The connections to choose from. */
function Pick({ onPick }) {
  const [search, setSearch] = useState('');
  const pages = usePages('/connections', { ...(search && { search }), limit: 20 });
  return html`<div class="form">
    <${Search} label=${t.searchConnection} placeholder=${t.searchPlaceholder} value=${search} onChange=${setSearch} />
    <${Problem} error=${pages.error} onRetry=${pages.reload} />
    ${pages.isLoading && html`<${Loading} lines=${2} />`}
    ${!pages.isLoading && !pages.error && !pages.items.length && html`<p class="quiet-text">${t.noConnection}</p>`}
    <ul class="list-plain">${pages.items.map(
      (each) => html`<li key=${each.id}><div><strong><bdi>${each.label}</bdi></strong>
        <p class="quiet-text">${each.kindTitle ?? each.kind}</p></div>
        <${Button} aria-label=${`${t.pick}: ${each.label}`} onClick=${() => onPick(each)}>${t.pick}<//></li>`,
    )}</ul>
  </div>`;
}

/** Reads rules that a person wrote as JSON. Returns `null` and tells of the problem if they are not. */
function written(text, tell) {
  try {
    const rules = JSON.parse(text);
    if (typeof rules === 'object' && rules !== null && !Array.isArray(rules)) return rules;
  } catch {
    // The text is not JSON, of which the person is told below.
  }
  tell(t.notRules);
  return null;
}

/** One direction of the difference, with a request that shows it. */
function Difference({ title, clauses, example, tone }) {
  if (!clauses.length && example.differs === false) return null;
  return html`<${Note} tone=${tone} title=${title}>
    ${clauses.length > 0 && html`<ul class="may">${clauses.map((words) => html`<li key=${words}>${words}</li>`)}</ul>`}
    ${example.differs !== false && html`<p>${example.method 
      ? html`${t.example} <code>${example.method} ${example.path}</code>` : example.message}</p>`}
  <//>`;
}

/** What the agent may do after the change, and how that differs from now. */
function Preview({ agent, preview }) {
  const { before, words, added, removed, permits, withdraws, expiresAt } = preview;
  return html`<section aria-label=${t.preview}>
    <p class="label">${t.mayAfter(agent.name)}</p>
    <ul class="may">${words.map((clause) => html`<li key=${clause}>${clause}</li>`)}</ul>
    <p class="quiet-text"><${Time} of=${expiresAt} words=${t.ends} /></p>
    ${
      before &&
      html`<${Difference} title=${t.newlyMay} clauses=${added} example=${permits} tone=${preview.widens ? 'warn' : 'info'} />
      <${Difference} title=${t.noLonger} clauses=${removed} example=${withdraws} tone="info" />
      ${!added.length && !removed.length && permits.differs === false && withdraws.differs === false
        && html`<p class="quiet-text">${t.noDifference}</p>`}`
    }
  </section>`;
}

/** @param {{agent: object, grant: object | null, onClose: () => void, onChanged: () => void}} props */
export function GrantDialog({ agent, grant, onClose, onChanged }) {
  const [connection, setConnection] = useState(grant && { id: grant.connection, label: grant.label });
  const isOwn = grant && !grant.preset;
  const [values, setValues] = useState({
    rules: grant ? (grant.preset ?? OWN) : 'ask',
    text: isOwn ? JSON.stringify(grant.rules, null, 2) : '',
    expires: '24h',
  });
  const [learnedFrom, setLearnedFrom] = useState(null);
  const [shown, setShown] = useState({ preview: null, presets: ['ask'], tag: null, error: null, problem: null });
  const path = connection && `/agents/${part(agent.name)}/grants/${part(connection.id)}`;
  const bodyOf = (tell) => {
    const rules = values.rules === OWN ? written(values.text, tell) : values.rules;
    return rules === null ? null : { rules, expires: values.expires };
  };
  useEffect(() => {
    if (!path) return undefined;
    let isCurrent = true;
    const show = (next) => isCurrent && setShown((was) => ({ ...was, ...next }));
    const timer = setTimeout(async () => {
      const body = bodyOf((problem) => show({ preview: null, error: null, problem }));
      if (!body) return;
      try {
        const { body: preview, tag } = await api.post(`${path}/preview`, body, { withTag: true });
        show({ preview, presets: preview.presets, tag, error: null, problem: null });
      } catch (error) {
        show({ preview: null, error, problem: null });
      }
    }, 250);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [path, values.rules, values.text, values.expires]);
  const save = useAction(async () => {
    const answer = await api.put(path, bodyOf(() => {}), { ifMatch: shown.tag });
    announceWithdrawn(t.granted(agent.name, connection.label), answer);
    onChanged();
    onClose();
  });
  const learn = useAction(async () => {
    const learned = await api.get(`${path}/learned`);
    setLearnedFrom(learned.requests);
    if (learned.requests) setValues((was) => ({ ...was, rules: OWN, text: JSON.stringify(learned.rules, null, 2) }));
  });
  const set = (name) => (value) => setValues((was) => ({ ...was, [name]: value }));
  if (!connection) {
    return html`<${Dialog} title=${t.grantTitle(agent.name)} onClose=${onClose}><${Pick} onPick=${setConnection} /><//>`;
  }
  const known = grant?.preset ? [...new Set([...shown.presets, grant.preset])] : shown.presets;
  const choices = [...known.map((name) => [name, t.presets[name] ?? name]), [OWN, t.ownRules]];
  const title = grant?.state === 'active' ? t.changeTitle(connection.label) : t.grantOf(agent.name, connection.label);
  return html`<${Dialog} title=${title} onClose=${onClose} actions=${html`
    ${shown.preview && html`<${Button} tone="primary" isBusy=${save.isBusy} onClick=${save.run}>
      ${shown.preview.before ? t.saveChange : t.grantButton}<//>`}
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <div class="form">
      <${Field} label=${t.rules} help=${t.presetHelp[values.rules]}>${(control) => html`<${Select} control=${control}
        value=${values.rules} choices=${choices} onChange=${set('rules')} />`}<//>
      ${grant?.state === 'active' && html`<div><${Button} isBusy=${learn.isBusy} onClick=${learn.run}>${t.learn}<//>
        <p class="quiet-text" role="status">${learnedFrom === null ? t.learnHelp : t.learned(learnedFrom)}</p>
        <${Problem} error=${learn.error} /></div>`}
      ${
        values.rules === OWN &&
        html`<${Field} label=${t.ownRules} help=${t.ownRulesHelp} problem=${shown.problem}>${(control) => html`<textarea
        ...${control} class="mono" rows="10" spellcheck="false" value=${values.text}
        onInput=${(event) => set('text')(event.target.value)}></textarea>`}<//>`
      }
      <${Field} label=${t.expires}>${(control) => html`<${Select} control=${control} value=${values.expires}
        choices=${ENDS.map((end) => [end, t.endsIn[end]])} onChange=${set('expires')} />`}<//>
      <${Problem} error=${shown.error} />
      ${shown.preview && html`<${Preview} agent=${agent} preview=${shown.preview} />`}
      <${Problem} error=${save.error} />
    </div>
  <//>`;
}
