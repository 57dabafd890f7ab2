/**
 * The connections that an extension may use, each with a switch.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { stateOf } from '../connection-words.js';
import { useAction, usePages } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { announce, Button, Dialog, Loading, Problem, Search, State, Switch, takeFocus } from '../ui/parts.js';
import { beginSetup } from './connect.js';

const t = texts.extensions;

/** Asks which secrets an extension receives with a grant. */
function GrantDialog({ extension, connection, onClose, onChanged }) {
  const [names, setNames] = useState(extension.secretNames);
  const grant = useAction(async () => {
    await api.post(`/extensions/${part(extension.name)}/grants`, { connection: connection.id, secretNames: names });
    announce(t.granted(connection.label));
    onChanged();
    onClose();
  });
  const toggle = (name) => (event) =>
    setNames(event.target.checked ? [...names, name] : names.filter((each) => each !== name));
  return html`<${Dialog} title=${t.grantTitle(extension.name, connection.label)} onClose=${onClose} actions=${html`
    <${Button} tone="primary" isBusy=${grant.isBusy} onClick=${grant.run}>${t.grant}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <p>${t.grantHelp}</p>
    ${
      extension.secretNames.length > 0 &&
      html`<fieldset><legend class="label">${t.grantSecrets}</legend>
      ${extension.secretNames.map(
        (name) => html`<label class="tick" key=${name}>
        <input type="checkbox" checked=${names.includes(name)} onChange=${toggle(name)} /><span class="mono">
          ${name}</span></label>`,
      )}
      <p class="quiet-text">${t.grantSecretsHelp}</p></fieldset>`
    }
    <${Problem} error=${grant.error} />
  <//>`;
}

/** @param {{extension: object, canManage: boolean, onChanged: () => void}} props */
export function Grants({ extension, canManage, onChanged }) {
  const [search, setSearch] = useState('');
  const query = { provider: extension.provider, ...(search && { search }), limit: 50 };
  const pages = usePages('/connections', query, ['connection']);
  const [asked, setAsked] = useState(null);
  const connect = useAction(() => beginSetup({ extension: extension.name }));
  const revoke = useAction(async (connection) => {
    await api.delete(`/extensions/${part(extension.name)}/grants/${part(connection.id)}`);
    announce(t.revoked(connection.label));
    onChanged();
  });
  const choose = useAction(async (connection) => {
    await api.put(`/extensions/${part(extension.name)}/choice`, { connection: connection?.id ?? null });
    if (!connection) announce(t.choiceTaken);
    onChanged();
  });
  const grantOf = (connection) => extension.grants.find((grant) => grant.connection === connection.id);
  const row = (connection) => {
    const grant = grantOf(connection);
    const state = stateOf(connection);
    const isUsed = extension.connection === connection.id;
    return html`<li key=${connection.id}>
      <div class="with-tile"><${Tile} title=${connection.kindTitle ?? connection.kind} seed=${connection.provider}
        kind=${connection.kind} />
        <div><a href=${href(`/connections/${part(connection.id)}`)} onClick=${() => (takeFocus.wanted = true)}><strong>
          <bdi>${connection.label}</bdi></strong></a>
          ${isUsed && html` <span class="chip">${t.chosen}</span>`}
          <p><${State} tone=${state.tone}>${state.word}<//></p>
          ${grant && html`<p class="quiet-text">
            ${grant.secretNames.length 
              ? texts.connection.grantNames(grant.secretNames)
              : texts.connection.grantNone}</p>`}
        </div></div>
      <div class="actions">
        ${canManage && !isUsed && pages.items.length > 1 && html`<${Button} tone="quiet" isBusy=${choose.isBusy}
          onClick=${() => choose.run(connection)}>${t.choose}<//>`}
        ${
          canManage &&
          html`<${Switch} label=${t.grantSwitch(connection.label)} isOn=${Boolean(grant)} isBusy=${revoke.isBusy}
          onChange=${(isOn) => (isOn ? setAsked(connection) : revoke.run(connection))} />`
        }
      </div>
    </li>`;
  };
  return html`<section class="panel" aria-labelledby="grants-title">
    <header><h2 id="grants-title">${t.grants}</h2>
      ${canManage && html`<${Button} icon="plus" isBusy=${connect.isBusy} onClick=${connect.run}>
        ${t.connect(extension.title ?? extension.provider)}<//>`}</header>
    <${Problem} error=${pages.error} onRetry=${pages.reload} />
    <${Problem} error=${revoke.error ?? choose.error ?? connect.error} />
    ${(pages.next || search) && html`<${Search} label=${texts.connections.searchLabel} value=${search}
      onChange=${setSearch} />`}
    ${pages.isLoading && !pages.items.length && html`<${Loading} lines=${2} />`}
    ${!pages.isLoading && !pages.items.length && html`<p class="quiet-text">
      ${search ? t.noMatch : t.noCandidates(extension.title ?? extension.provider)}</p>`}
    ${extension.chosen && html`<p class="quiet-text">${t.choiceHelp}</p>`}
    ${canManage && extension.chosen && html`<p class="actions"><${Button} tone="quiet" isBusy=${choose.isBusy}
      onClick=${() => choose.run(null)}>${t.followDefault}<//></p>`}
    <ul class="list-plain">${pages.items.map(row)}</ul>
    ${pages.next && html`<p class="actions"><${Button} onClick=${pages.more}>${texts.common.more}<//></p>`}
    ${asked && html`<${GrantDialog} extension=${extension} connection=${asked} onClose=${() => setAsked(null)}
      onChanged=${onChanged} />`}
  </section>`;
}
