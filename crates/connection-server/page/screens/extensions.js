/**
 * The extensions, with what each needs and whether it has it.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { sentences } from '../format.js';
import { useCanManage } from '../me.js';
import { useAction, useResource } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { announce, Button, Dialog, Empty, Field, Loading, Problem, State, takeFocus, Title } from '../ui/parts.js';

const t = texts.extensions;

/**
 * Returns the state of an extension in words.
 * @param {object} extension
 */
export function extensionState({ status, granted, missingScopes, error }) {
  if (!status) return { tone: 'none', word: t.notAdded };
  if (status === 'connected' && !granted) return { tone: 'warn', word: t.notGranted };
  if (status === 'connected' && missingScopes?.length) return { tone: 'warn', word: t.missingScopes };
  const tone = { connected: 'live', failed: 'bad', missing: 'warn', unsupported: 'none' }[status] ?? 'none';
  return { tone, word: t.status[status] ?? error?.message ?? status };
}

/** The dialog that adds an extension by its manifest. */
function Add({ onClose, onAdded }) {
  const [file, setFile] = useState(null);
  const [problem, setProblem] = useState(null);
  const add = useAction(async () => {
    let manifest;
    try {
      manifest = JSON.parse(await file.text());
    } catch {
      setProblem(t.addInvalid);
      return;
    }
    const added = await api.post('/extensions', { manifest }, { creates: true });
    announce(t.addDone(added.name));
    onAdded();
    onClose();
  });
  const onSubmit = (event) => {
    event.preventDefault();
    setProblem(file ? null : texts.setup.requiredField(t.addFile));
    if (file) void add.run();
  };
  return html`<${Dialog} title=${t.add} onClose=${onClose}>
    <form class="form" onSubmit=${onSubmit}>
      <${Field} label=${t.addFile} help=${t.addHelp} problem=${problem}>
        ${(control) => html`<input ...${control} type="file" accept=".json,application/json"
          onChange=${(event) => setFile(event.target.files[0] ?? null)} />`}
      <//>
      <${Problem} error=${add.error} />
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${add.isBusy}>${t.addButton}<//></p>
    </form>
  <//>`;
}

function Card({ extension }) {
  const { name, title, provider, error, grants, missingScopes } = extension;
  const state = extensionState(extension);
  return html`<li class="card">
    <div class="with-tile"><${Tile} title=${name} seed=${name} />
      <div><h2><a href=${href(`/extensions/${part(name)}`)} onClick=${() => (takeFocus.wanted = true)}>${name}</a></h2>
        ${provider && html`<p class="quiet-text">${t.needs} ${title ?? provider}</p>`}</div>
    </div>
    <p><${State} tone=${state.tone}>${state.word}<//></p>
    ${error && extension.status && html`<p>${sentences(error)}</p>`}
    ${missingScopes?.length > 0 && html`<p class="warn-text">${texts.connections.missing(missingScopes)}</p>`}
    ${grants.length > 0 && html`<p class="quiet-text">
      ${t.uses} ${texts.common.list(grants.map((grant) => grant.label))}</p>`}
  </li>`;
}

/** The list of extensions. */
export default function Extensions() {
  const canManage = useCanManage();
  const { data, error, reload } = useResource('/extensions', { hints: ['extension', 'grant'] });
  const [isAdding, setIsAdding] = useState(false);
  const items = data?.items ?? data;
  const add = canManage && html`<${Button} icon="plus" onClick=${() => setIsAdding(true)}>${t.add}<//>`;
  return html`<div class="screen wide">
    <header class="head"><div><${Title}>${t.title}<//><p class="lead">${t.intro}</p></div>
      ${items?.length > 0 && add}</header>
    <${Problem} error=${error} onRetry=${reload} />
    ${!items && !error && html`<${Loading} />`}
    ${items?.length === 0 && html`<${Empty} title=${t.emptyTitle} action=${add}>${t.empty}<//>`}
    ${items?.length > 0 && html`<ul class="cards">${items.map((extension) => html`<${Card} key=${extension.name}
      extension=${extension} />`)}</ul>`}
    ${isAdding && html`<${Add} onClose=${() => setIsAdding(false)} onAdded=${reload} />`}
  </div>`;
}
