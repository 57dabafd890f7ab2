/**
 * Freezing and thawing: of a connection, of an agent, and of everything.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { at, sentence, sentences } from '../format.js';
import { useCanManage, useMe } from '../me.js';
import { useAction, useResource } from '../resource.js';
import { texts } from '../texts.js';
import { announce, Button, Dialog, Loading, Note, Problem, Time } from '../ui/parts.js';

const t = texts.freeze;

/** The secrets that were handed out before, which a freeze does not end, each with the way to end it. */
function Released({ released, hasOlder }) {
  return html`<${Note} tone="warn" icon="alert" title=${t.released}>
    <ul class="list-plain">${released.map(
      (secret) => html`<li key=${`${secret.connection} ${secret.name} ${secret.extension} ${secret.agent}`}><div>
      <strong><bdi>${secret.label ?? secret.connection}</bdi></strong> <span class="chip">${secret.name}</span>
      <p class="quiet-text">${t.releasedTo(secret.extension ?? secret.agent, at(secret.lastAt))}</p>
      <p>${sentence(secret.remedy)}</p></div></li>`,
    )}</ul>
    ${hasOlder && html`<p>${t.releasedOlder}</p>`}
  <//>`;
}

function Freeze({ what, name, onClose, onChanged }) {
  const [froze, setFroze] = useState(null);
  const freeze = useAction(async () => {
    const answer = await api.post('/freezes', { what });
    announce(t.done(name));
    onChanged();
    const { released, hasOlder, remaining } = answer;
    if (released.length || hasOlder || remaining.length || answer.what !== what) setFroze(answer);
    else onClose();
  });
  if (froze) {
    return html`<${Dialog} title=${t.done(name)} onClose=${onClose} actions=${html`
      <${Button} tone="primary" onClick=${onClose}>${texts.common.done}<//>`}>
      ${froze.what !== what && html`<p>${t.more(froze.what)}</p>`}
      ${froze.remaining.length > 0 && html`<p>${texts.common.remaining(froze.remaining)}</p>`}
      ${(froze.released.length > 0 || froze.hasOlder) && html`<${Released} released=${froze.released}
        hasOlder=${froze.hasOlder} />`}
    <//>`;
  }
  return html`<${Dialog} title=${t.title(name)} onClose=${onClose} actions=${html`
    <${Button} tone="danger" isBusy=${freeze.isBusy} onClick=${freeze.run}>${t.freeze}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <p>${t.help}</p><${Problem} error=${freeze.error} />
  <//>`;
}

function Thaw({ what, name, onClose, onChanged }) {
  const thaw = useAction(async () => {
    const { still } = await api.delete(`/freezes/${part(what)}`);
    announce(still.length ? t.still(name) : t.thawed(name));
    onChanged();
    onClose();
  });
  return html`<${Dialog} title=${t.thawTitle(name)} onClose=${onClose} actions=${html`
    <${Button} tone="primary" isBusy=${thaw.isBusy} onClick=${thaw.run}>${t.thaw}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <p>${t.thawHelp}</p><${Problem} error=${thaw.error} />
  <//>`;
}

/**
 * The button that freezes or thaws something, with its dialog.
 * @param {{what: string, name: string, isFrozen: boolean, label?: string, text?: string, onChanged: () => void}} props
 */
export function FreezeButton({ what, name, isFrozen, label, text, onChanged }) {
  const [open, setOpen] = useState(null);
  const shared = { what, name, onChanged, onClose: () => setOpen(null) };
  return html`<${Button} tone=${isFrozen ? 'primary' : ''} aria-label=${label}
      onClick=${() => setOpen(isFrozen ? 'thaw' : 'freeze')}>${text ?? (isFrozen ? t.thaw : t.freeze)}<//>
    ${open === 'freeze' && html`<${Freeze} ...${shared} />`}
    ${open === 'thaw' && html`<${Thaw} ...${shared} />`}`;
}

/** What is frozen, by the name that its screen shows. Without an answer, as the server names it. */
function useName(what) {
  const [type, id = ''] = what.split(/:(.*)/s);
  const { data: agents } = useResource(type === 'agent' ? '/agents' : null);
  const { data: connection } = useResource(type === 'connection' ? `/connections/${part(id)}` : null);
  const names = {
    agent: agents?.items.find((agent) => agent.id === id)?.name,
    connection: connection?.label,
    kind: t.ofKind(id),
    owner: t.ofOwner(id),
    all: t.ofAll,
  };
  return names[type] ?? what;
}

/** A thing that is frozen, and the button that thaws it. */
function Frozen({ item, canManage, onChanged }) {
  const name = useName(item.what);
  return html`<li><div><strong><bdi>${name}</bdi></strong>
    ${item.at && html`<p class="quiet-text"><${Time} of=${item.at} words=${(when) => t.since(when, item.by)} /></p>`}</div>
    ${canManage && html`<${FreezeButton} what=${item.what} name=${name} label=${t.thawNamed(name)}
      isFrozen=${true} onChanged=${onChanged} />`}</li>`;
}

/** Everything that is frozen, and the button that freezes everything that the visitor may manage. */
export function Freezes() {
  const canManage = useCanManage();
  const me = useMe();
  const { data, error, reload } = useResource('/freezes', { hints: ['connection'] });
  const everything = me?.owner ? `owner:${me.owner}` : 'all';
  const items = data?.items ?? [];
  const isAll = items.some((item) => item.what === everything);
  const mayFreezeAll = canManage && (me?.owner || me?.role === 'admin');
  return html`<section class="panel" aria-labelledby="freezes-title">
    <header><div><h2 id="freezes-title">${t.panel}</h2><p class="quiet-text">${t.panelIntro}</p></div>
      ${data && !isAll && mayFreezeAll && html`<${FreezeButton} what=${everything}
        name=${me?.owner ? t.ofOwner(me.owner) : t.ofAll} text=${t.freezeAll} isFrozen=${false} onChanged=${reload} />`}</header>
    <${Problem} error=${error} onRetry=${reload} />
    ${!data && !error && html`<${Loading} lines=${1} />`}
    ${data?.refused && html`<${Note} tone="bad" icon="alert" title=${t.refused}><p>${sentences(data.refused)}</p><//>`}
    ${data && !items.length && html`<p class="quiet-text">${t.none}</p>`}
    <ul class="list-plain">${items.map(
      (item) => html`<${Frozen} key=${item.what} item=${item} canManage=${canManage} onChanged=${reload} />`,
    )}</ul>
  </section>`;
}
