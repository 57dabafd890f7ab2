/**
 * One connection in the list.
 */
import { html } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { expiryOf, isApplicationRefused, stateOf } from '../connection-words.js';
import { sentence, sentences } from '../format.js';
import { useAction } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { announce, Button, ButtonLink, State, takeFocus, Time } from '../ui/parts.js';
import { goTo } from '../ui/shell.js';

const t = texts.connections;

/**
 * The one button that repairs a connection, if something can be done.
 * @param {{connection: object, canManage: boolean, onChanged?: (connection: object) => void, tone?: string}} props
 */
export function Remedy({ connection, canManage, onChanged, tone = 'primary' }) {
  const { id, remedyAction } = connection;
  const action = useAction(async () => {
    if (remedyAction === 'reauthorize') {
      const setup = await api.post(`/connections/${part(id)}/reauthorize`, {}, { creates: true });
      return goTo(`/setups/${setup.id}`);
    }
    const checked = await api.post(`/connections/${part(id)}/verify`, { now: true });
    announce(`${connection.label}: ${stateOf(checked).word}`);
    return onChanged?.({ ...connection, ...checked });
  });
  if (!remedyAction || (!canManage && remedyAction !== 'wait')) return null;
  if (remedyAction === 'wait') return html`<p class="quiet-text">${t.wait}</p>`;
  if (remedyAction === 'accept') {
    return html`<${ButtonLink} to=${`/connections/${part(id)}?accept=1`} tone=${tone}>${t.accept}<//>`;
  }
  const label = remedyAction === 'reauthorize' ? t.reauthorize : t.verify;
  return html`<div class="remedy">
    <${Button} tone=${tone} isBusy=${action.isBusy} onClick=${action.run} aria-label=${`${label}: ${connection.label}`}>
      ${action.isBusy ? t.checking : label}
    <//>
    ${action.error && html`<p class="problem" role="alert">${sentences(action.error)}</p>`}
  </div>`;
}

/**
 * @param {{connection: object, lacking?: object[], canManage: boolean, onChanged: (connection: object) => void}} props
 *   `lacking` has the extensions that lack scopes of the connection
 */
export function ConnectionRow({ connection, lacking = [], canManage, onChanged }) {
  const { label, account, kindTitle, kind, provider, needsAttention, reason, usedBy } = connection;
  const state = stateOf(connection);
  const expiry = expiryOf(connection);
  const to = href(`/connections/${part(connection.id)}`);
  const isAccountShown = account.label !== label;
  // The list says once for the application why it is refused, and what to do.
  const isWaiting = isApplicationRefused(connection);
  return html`<article class=${`row ${needsAttention ? 'needs' : ''}`}>
    <${Tile} title=${kindTitle ?? kind} seed=${provider} kind=${kind} />
    <div class="row-who">
      <h3><a href=${to} onClick=${() => (takeFocus.wanted = true)}><bdi>${label}</bdi></a>
        ${connection.isDefault && html`<span class="chip">${t.default}</span>`}</h3>
      <p class="quiet-text">${kindTitle ?? kind}${isAccountShown && html` · <bdi>${account.label}</bdi>`}</p>
    </div>
    <div class="row-state">
      <${State} tone=${state.tone}>${state.word}<//>
      ${reason && html`<p>${isWaiting ? t.waitsForApplication : sentence(reason.message)}</p>`}
      ${needsAttention && reason?.remedy && !isWaiting && html`<p class="quiet-text">
        ${sentence(t.remedy(reason.remedy))}</p>`}
      ${lacking.map(
        ({ name, missingScopes }) => html`<p key=${name}>
        <a class="warn-text" href=${href(`/extensions/${part(name)}`)}>${t.lacks(name, missingScopes)}</a></p>`,
      )}
    </div>
    <div class="row-when quiet-text">
      <p>${connection.checkedAt ? html`<${Time} of=${connection.checkedAt} words=${t.checked} />` : t.neverChecked}</p>
      ${expiry && html`<p class=${connection.expiring ? 'warn-text' : ''}>${expiry}</p>`}
    </div>
    <div class="row-uses quiet-text">
      ${
        usedBy?.length > 0 &&
        html`<ul aria-label=${t.usedBy}>
        ${usedBy.slice(0, 3).map((name) => html`<li class="chip" key=${name}>${name}</li>`)}
        ${usedBy.length > 3 && html`<li class="chip">+${usedBy.length - 3}</li>`}
      </ul>`
      }
    </div>
    <div class="row-remedy"><${Remedy} connection=${connection} canManage=${canManage} onChanged=${onChanged} /></div>
  </article>`;
}
