/**
 * The profiles of local tools.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { sentence } from '../format.js';
import { useCanManage } from '../me.js';
import { useAction, useResource } from '../resource.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { announce, Button, Dialog, Empty, Field, Loading, Problem, State, Title } from '../ui/parts.js';

const t = texts.profiles;

/** Returns what is known about a profile's directory, in words. */
function foundState({ state, authenticated, account, reason }) {
  if (state !== 'there') return { tone: 'none', word: t.states[state] ?? state };
  if (authenticated === true) return { tone: 'live', word: account ? t.signedIn(account) : t.signedInSome };
  if (authenticated === false) return { tone: 'warn', word: t.signedOut };
  return { tone: 'none', word: reason ? sentence(reason.message) : t.unclear };
}

/** The dialog that makes a profile, or renames one. */
function Edit({ kinds, profile, onClose, onChanged }) {
  const [kind, setKind] = useState(profile?.kind ?? kinds[0]?.kind ?? '');
  const [label, setLabel] = useState(profile?.label ?? '');
  const [directory, setDirectory] = useState('');
  const [problem, setProblem] = useState(null);
  const [unplaced, setUnplaced] = useState(null);
  const save = useAction(async () => {
    if (profile) await api.patch(`/profiles/${part(profile.id)}`, { label: label.trim() });
    else
      await api.post(
        '/profiles',
        { kind, label: label.trim(), directory: directory.trim() },
        { creates: true },
      );
    announce(profile ? t.changed : t.created);
    onChanged();
    onClose();
  });
  const onSubmit = (event) => {
    event.preventDefault();
    const isPlaced = Boolean(profile || directory.trim());
    setProblem(label.trim() ? null : texts.setup.requiredField(t.label));
    setUnplaced(isPlaced ? null : t.directoryMissing);
    if (label.trim() && isPlaced) void save.run();
  };
  return html`<${Dialog} title=${profile ? t.rename : t.create} onClose=${onClose}>
    <form class="form" onSubmit=${onSubmit}>
      ${
        !profile &&
        html`<${Field} label=${t.kind}>${(
          control,
        ) => html`<select ...${control} onChange=${(event) => setKind(event.target.value)}>
        ${kinds.map((each) => html`<option key=${each.kind} value=${each.kind} selected=${each.kind === kind}>
          ${each.title}</option>`)}</select>`}<//>`
      }
      <${Field} label=${t.label} problem=${problem}>${(
        control,
      ) => html`<input ...${control} value=${label} autocomplete="off"
        onInput=${(event) => setLabel(event.target.value)} />`}<//>
      ${
        !profile &&
        html`<${Field} label=${t.directory} help=${t.directoryHelp} problem=${unplaced}>${(
          control,
        ) => html`<input ...${control} value=${directory}
        autocomplete="off" spellcheck="false" onInput=${(event) => setDirectory(event.target.value)} />`}<//>`
      }
      <${Problem} error=${save.error} />
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${save.isBusy}>${texts.common.save}<//></p>
    </form>
  <//>`;
}

function Remove({ profile, onClose, onChanged }) {
  const remove = useAction(async () => {
    await api.delete(`/profiles/${part(profile.id)}`);
    announce(t.removed);
    onChanged();
    onClose();
  });
  return html`<${Dialog} title=${t.removeTitle(profile.label)} onClose=${onClose} actions=${html`
    <${Button} tone="danger" isBusy=${remove.isBusy} onClick=${remove.run}>${t.remove}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <p>${t.removeHelp}</p><${Problem} error=${remove.error} />
  <//>`;
}

function Profile({ profile, canManage, onAsk, onDefault }) {
  const state = foundState(profile.found);
  return html`<li>
    <div><p><strong>${profile.label}</strong> ${profile.isDefault && html`<span class="chip">${t.default}</span> `}
      ${profile.isImplicit && html`<span class="chip">${t.implicit}</span>`}</p>
      <p class="mono small quiet-text">${profile.directory}</p>
      ${profile.found.target && html`<p class="quiet-text">${t.leadsTo} <span class="mono small">
        ${profile.found.target}</span></p>`}
      <p><${State} tone=${state.tone}>${state.word}<//></p>
      ${profile.slots.length > 0 && html`<p class="quiet-text">${t.slots} ${texts.common.list(profile.slots)}</p>`}
    </div>
    ${
      canManage &&
      html`<div class="actions">
      ${!profile.isDefault && html`<${Button} tone="quiet" onClick=${() => onDefault(profile)}>${t.makeDefault}<//>`}
      <${Button} tone="quiet" onClick=${() => onAsk({ rename: profile })}>${t.rename}<//>
      <${Button} tone="quiet" onClick=${() => onAsk({ remove: profile })}>${t.remove}<//>
    </div>`
    }
  </li>`;
}

/** The profiles, by tool. */
export default function Profiles() {
  const canManage = useCanManage();
  const { data, error, reload } = useResource('/profiles');
  const kinds = useResource('/kinds', { query: { limit: 500 } });
  const [asked, setAsked] = useState(null);
  const makeDefault = useAction(async (profile) => {
    await api.patch(`/profiles/${part(profile.id)}`, { default: true });
    announce(t.changed);
    void reload();
  });
  const items = data?.items ?? data;
  const all = kinds.data?.items ?? [];
  const tools = all.filter((kind) => kind.profiles);
  const titleOf = (kind) => all.find((each) => each.kind === kind)?.title ?? kind;
  const groups = [...new Set((items ?? []).map((profile) => profile.kind))];
  const create =
    canManage &&
    tools.length > 0 &&
    html`<${Button} icon="plus" onClick=${() => setAsked({ create: true })}>${t.create}<//>`;
  const shared = { onClose: () => setAsked(null), onChanged: reload };
  return html`<div class="screen">
    <header class="head"><div><${Title}>${t.title}<//><p class="lead">${t.intro}</p></div>
      ${items?.length > 0 && create}</header>
    <${Problem} error=${error} onRetry=${reload} /><${Problem} error=${makeDefault.error} />
    ${!items && !error && html`<${Loading} />`}
    ${items?.length === 0 && html`<${Empty} title=${t.emptyTitle} action=${create}>${t.empty}<//>`}
    ${groups.map(
      (kind) => html`<section class="panel" key=${kind}>
      <div class="with-tile"><${Tile} title=${titleOf(kind)} seed=${kind} kind=${kind} /><h2>${titleOf(kind)}</h2></div>
      <ul class="list-plain">${items
        .filter((profile) => profile.kind === kind)
        .map(
          (profile) => html`<${Profile} key=${profile.id} profile=${profile}
        canManage=${canManage} onAsk=${setAsked} onDefault=${makeDefault.run} />`,
        )}</ul>
    </section>`,
    )}
    ${asked?.create && html`<${Edit} kinds=${tools} ...${shared} />`}
    ${asked?.rename && html`<${Edit} kinds=${tools} profile=${asked.rename} ...${shared} />`}
    ${asked?.remove && html`<${Remove} profile=${asked.remove} ...${shared} />`}
  </div>`;
}
