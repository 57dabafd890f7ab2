/**
 * Tokens and setup links: list, create, revoke.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { at } from '../format.js';
import { useHas } from '../me.js';
import { useAction, usePages, useResource } from '../resource.js';
import { texts } from '../texts.js';
import { announceWithdrawn, Button, Copy, Dialog, Field, Loading, More, Problem, Search, Time } from '../ui/parts.js';

const t = texts.system;
const DAYS = [7, 30, 90, 365];
const ROLES = ['read', 'use', 'manage', 'admin', 'extension'];

/** Shows a secret once. */
export function Once({ title, help, label, text, onClose }) {
  return html`<${Dialog} title=${title} onClose=${onClose} actions=${html`<${Button} tone="primary" onClick=${onClose}>
    ${texts.common.done}<//>`}>
    <p>${help}</p>
    <div><p class="label">${label}</p><div class="command"><code>${text}</code><${Copy} text=${text} /></div></div>
  <//>`;
}

/** A choice of one among several, in a list that opens. */
export function Select({ control, value, choices, onChange }) {
  return html`<select ...${control} onChange=${(event) => onChange(event.target.value)}>
    ${choices.map(([key, text]) => html`<option key=${key} value=${key} selected=${String(key) === String(value)}>
      ${text}</option>`)}
  </select>`;
}

function Create({ role: own, onClose, onChanged }) {
  const [values, setValues] = useState({ name: '', role: 'use', owner: '', extension: '', days: 30 });
  const [problem, setProblem] = useState(null);
  const [made, setMade] = useState(null);
  const hasExtensions = useHas('extensions');
  const extensions = useResource(hasExtensions ? '/extensions' : null);
  const names = (extensions.data?.items ?? extensions.data ?? []).map(({ name }) => [name, name]);
  const set = (name) => (value) => setValues((was) => ({ ...was, [name]: value }));
  const isExtension = values.role === 'extension';
  const create = useAction(async () => {
    const { name, role, owner, days, extension } = values;
    const body = {
      name: name.trim(),
      role,
      owner: owner.trim() || null,
      days: Number(days),
      extension: isExtension ? extension || names[0]?.[0] : null,
    };
    setMade(await api.post('/tokens', body, { creates: true }));
    onChanged();
  });
  if (made)
    return html`<${Once} title=${t.created} help=${t.createdHelp} label=${t.token} text=${made.token}
      onClose=${onClose} />`;
  const onSubmit = (event) => {
    event.preventDefault();
    setProblem(values.name.trim() ? null : texts.setup.requiredField(t.name));
    if (values.name.trim()) void create.run();
  };
  const roles = ROLES.filter((each) => (each !== 'admin' || own === 'admin') && (each !== 'extension' || names.length));
  return html`<${Dialog} title=${t.create} onClose=${onClose}>
    <form class="form" onSubmit=${onSubmit}>
      <${Field} label=${t.name} help=${t.nameHelp} problem=${problem}>${(
        control,
      ) => html`<input ...${control} value=${values.name} autocomplete="off"
        onInput=${(event) => set('name')(event.target.value)} />`}<//>
      <${Field} label=${t.role} help=${t.roleHelp[values.role]}>${(
        control,
      ) => html`<${Select} control=${control} value=${values.role}
        choices=${roles.map((each) => [each, t.roles[each]])} onChange=${set('role')} />`}<//>
      ${isExtension && html`<${Field} label=${t.extension}>${(control) => html`<${Select} control=${control}
        value=${values.extension} choices=${names} onChange=${set('extension')} />`}<//>`}
      ${
        own === 'admin' &&
        html`<${Field} label=${t.owner} help=${t.ownerHelp} isOptional>${(
          control,
        ) => html`<input ...${control} value=${values.owner} autocomplete="off"
        onInput=${(event) => set('owner')(event.target.value)} />`}<//>`
      }
      <${Field} label=${t.days}>${(control) => html`<${Select} control=${control} value=${values.days}
        choices=${DAYS.map((days) => [days, t.daysOf(days)])} onChange=${set('days')} />`}<//>
      <${Problem} error=${create.error} />
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${create.isBusy}>${t.create}<//></p>
    </form>
  <//>`;
}

/** The dialog that makes a setup link. */
function Link({ own, onClose }) {
  const [values, setValues] = useState({ owner: '', kinds: [], returnTo: '' });
  const [made, setMade] = useState(null);
  const [search, setSearch] = useState('');
  const kinds = useResource('/kinds', { query: { limit: 500 } });
  const isFound = ({ kind, title }) => `${kind} ${title}`.toLowerCase().includes(search.toLowerCase());
  const shown = (kinds.data?.items ?? []).filter((kind) => values.kinds.includes(kind.kind) || isFound(kind));
  const toggle = (kind) => (event) =>
    setValues((was) => ({
      ...was,
      kinds: event.target.checked ? [...was.kinds, kind] : was.kinds.filter((each) => each !== kind),
    }));
  /** Takes or leaves all kinds that the search finds. */
  const setFound = (isWanted) => () => {
    const found = (kinds.data?.items ?? []).filter(isFound).map(({ kind }) => kind);
    setValues((was) => {
      const others = was.kinds.filter((kind) => !found.includes(kind));
      return { ...was, kinds: isWanted ? [...others, ...found] : others };
    });
  };
  const create = useAction(async () => {
    const body = { owner: values.owner.trim() || null, kinds: values.kinds, returnTo: values.returnTo.trim() || null };
    setMade(await api.post('/setup-links', body, { creates: true }));
  });
  if (made)
    return html`<${Once} title=${t.linkCreated} help=${t.linkCreatedHelp} label=${t.linkAddress} text=${made.address}
      onClose=${onClose} />`;
  const onSubmit = (event) => {
    event.preventDefault();
    void create.run();
  };
  const input = (name) => (control) => html`<input ...${control} value=${values[name]} autocomplete="off"
    onInput=${(event) => setValues((was) => ({ ...was, [name]: event.target.value }))} />`;
  return html`<${Dialog} title=${t.link} onClose=${onClose}>
    <form class="form" onSubmit=${onSubmit}>
      <p>${t.linkHelp}</p>
      ${own === 'admin' && html`<${Field} label=${t.owner}>${input('owner')}<//>`}
      <fieldset><legend class="label">${t.linkKinds}</legend>
        <${Search} label=${texts.connect.searchLabel} value=${search} onChange=${setSearch} />
        <p class="actions"><${Button} onClick=${setFound(true)}>${t.allKinds}<//>
          <${Button} onClick=${setFound(false)}>${t.noKinds}<//>
          <span class="quiet-text" role="status">${t.chosenKinds(values.kinds.length)}</span></p>
        <div class="pick-kinds">${shown.map(
        (kind) => html`<label class="tick" key=${kind.kind}>
        <input type="checkbox" checked=${values.kinds.includes(kind.kind)} onChange=${toggle(kind.kind)} /><span>
          ${kind.title}</span></label>`,
      )}</div></fieldset>
      <${Field} label=${t.linkReturn} help=${t.linkReturnHelp} isOptional>${input('returnTo')}<//>
      <${Problem} error=${create.error} />
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${create.isBusy}>${t.link}<//></p>
    </form>
  <//>`;
}

/**
 * The dialog that revokes a token.
 * @param {{path: string, token: object, onClose: () => void, onChanged: () => void}} props `path` is that of the token
 */
export function Revoke({ path, token, onClose, onChanged }) {
  const revoke = useAction(async () => {
    const answer = await api.delete(path);
    announceWithdrawn(t.revoked, answer);
    onChanged();
    onClose();
  });
  return html`<${Dialog} title=${t.revokeTitle(token.name)} onClose=${onClose} actions=${html`
    <${Button} tone="danger" isBusy=${revoke.isBusy} onClick=${revoke.run}>${t.revoke}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <p>${t.revokeHelp}</p><${Problem} error=${revoke.error} />
  <//>`;
}

/**
 * A token in a list. `children` describe it beside its name.
 * @param {{token: object, canRevoke: boolean, onRevoke: () => void, children: any}} props
 */
export function Token({ token, canRevoke, onRevoke, children }) {
  return html`<li class=${token.revokedAt ? 'ended' : ''}>
    <div><p><strong>${token.name}</strong> ${children}</p>
      <p class="quiet-text">${
        token.revokedAt
          ? t.revokedAt(at(token.revokedAt))
          : html`${token.lastUsedAt ? html`<${Time} of=${token.lastUsedAt} words=${t.lastUsed} />` : t.neverUsed}, ${
              token.expiresAt ? html`<${Time} of=${token.expiresAt} words=${t.expires} />` : t.noExpiry
            }`
      }</p></div>
    ${canRevoke && !token.revokedAt && html`<${Button} tone="quiet" aria-label=${`${t.revoke}: ${token.name}`}
      onClick=${onRevoke}>${t.revoke}<//>`}
  </li>`;
}

/** @param {{role: string, ownToken: string | null}} props */
export function Tokens({ role, ownToken }) {
  const hasLinks = useHas('setupLinks');
  const pages = usePages('/tokens', {});
  const { items, isLoading, error, reload } = pages;
  const [asked, setAsked] = useState(null);
  const close = () => setAsked(null);
  const row = (token) => html`<${Token} key=${token.id} token=${token} canRevoke=${token.id !== ownToken}
    onRevoke=${() => setAsked({ revoke: token })}>
    <span class="chip">${t.roles[token.role] ?? token.role}</span> ${
      token.page && html`<span class="chip">${t.page}</span> `
    }
    ${token.extension && html`<span class="chip">${token.extension}</span>`}<//>`;
  return html`<section class="panel" aria-labelledby="tokens-title">
    <header><div><h2 id="tokens-title">${t.tokens}</h2><p class="quiet-text">${t.tokensIntro}</p></div>
      <div class="actions"><${Button} icon="plus" onClick=${() => setAsked({ create: true })}>${t.create}<//>
        ${hasLinks && html`<${Button} onClick=${() => setAsked({ link: true })}>${t.link}<//>`}</div></header>
    <${Problem} error=${error} onRetry=${reload} />
    ${isLoading && html`<${Loading} lines=${items.length ? 1 : 2} />`}
    ${!isLoading && !error && !items.length && html`<p class="quiet-text">${t.noTokens}</p>`}
    <ul class="list-plain">${items.map(row)}</ul>
    <${More} pages=${pages} />
    ${asked?.create && html`<${Create} role=${role} onClose=${close} onChanged=${reload} />`}
    ${asked?.link && html`<${Link} own=${role} onClose=${close} />`}
    ${asked?.revoke && html`<${Revoke} path=${`/tokens/${part(asked.revoke.id)}`} token=${asked.revoke}
      onClose=${close} onChanged=${reload} />`}
  </section>`;
}
