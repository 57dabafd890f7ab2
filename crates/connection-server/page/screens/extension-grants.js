/**
 * The connections that an extension may use, each with a switch.
 */
import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { stateOf } from '../connection-words.js';
import { useAction, usePages } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { announce, Button, Dialog, Loading, More, Problem, Search, State, Switch, takeFocus } from '../ui/parts.js';
import { beginSetup } from './connect.js';

const t = texts.extensions;
/** A list with more rows has a search, and scrolls by itself. */
const FEW_ROWS = 6;
/** The maximum number of granted connections that are read one by one. */
const MAX_READ = 20;

/** Asks which secrets an extension receives with a grant. */
export function GrantDialog({ extension, connection, onClose, onChanged }) {
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

/** Returns the granted connections that are not among those of a page, which a long list would show on a later page. */
function useGrantedElsewhere(grants, items, isWanted) {
  const [found, setFound] = useState([]);
  const ids = grants.map((grant) => grant.connection).filter((id) => !items.some((each) => each.id === id));
  const key = isWanted ? ids.slice(0, MAX_READ).join(' ') : '';
  useEffect(() => {
    let isCurrent = true;
    const read = (id) => api.get(`/connections/${part(id)}`).catch(() => null);
    void Promise.all(key.split(' ').filter(Boolean).map(read)).then(
      (connections) => isCurrent && setFound(connections.filter(Boolean)),
    );
    return () => {
      isCurrent = false;
    };
  }, [key]);
  return key ? found.filter((each) => ids.includes(each.id)) : [];
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
  const elsewhere = useGrantedElsewhere(extension.grants, pages.items, Boolean(pages.next) && !search);
  const rows = [...elsewhere, ...pages.items];
  // The field stays while its results are few.
  const isLong = useRef(false);
  isLong.current ||= rows.length > FEW_ROWS;
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
          ${isUsed && grant && html` <span class="chip">${t.chosen}</span>`}
          <p><${State} tone=${state.tone}>${state.word}<//></p>
          ${grant && !grant.words && html`<p class="quiet-text">
            ${grant.secretNames.length 
              ? texts.connection.grantNames(grant.secretNames)
              : texts.connection.grantNone}</p>`}
          ${grant?.words && html`<ul class="may">${grant.words.map((words) => html`<li key=${words}>${words}</li>`)}</ul>`}
        </div></div>
      <div class="actions">
        ${canManage && !isUsed && rows.length > 1 && html`<${Button} tone="quiet" isBusy=${choose.isBusy}
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
    ${isLong.current && html`<${Search} label=${texts.connections.searchLabel}
      placeholder=${t.searchPlaceholder} value=${search} onChange=${setSearch} />`}
    ${pages.isLoading && !rows.length && html`<${Loading} lines=${2} />`}
    ${!pages.isLoading && !pages.error && !rows.length && html`<p class="quiet-text">
      ${search ? t.noMatch : t.noCandidates(extension.title ?? extension.provider)}</p>`}
    ${extension.chosen && html`<p class="quiet-text">${t.choiceHelp}</p>`}
    ${canManage && extension.chosen && html`<p class="actions"><${Button} tone="quiet" isBusy=${choose.isBusy}
      onClick=${() => choose.run(null)}>${t.followDefault}<//></p>`}
    <ul class=${`list-plain ${isLong.current ? 'bounded' : ''}`}>
      ${rows.filter(grantOf).map(row)}${rows.filter((each) => !grantOf(each)).map(row)}</ul>
    <${More} pages=${pages} />
    ${asked && html`<${GrantDialog} extension=${extension} connection=${asked} onClose=${() => setAsked(null)}
      onChanged=${onChanged} />`}
  </section>`;
}
