/**
 * One extension. With `?hand-off=1` or `?command=` in the address, as a host links to it, it says first what the
 * extension still needs; with `?ticket=`, it lets the extension continue.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { isApplicationRefused, isMendedElsewhere } from '../connection-words.js';
import { sentence } from '../format.js';
import { useCanManage } from '../me.js';
import { useAction, useHints, useResource } from '../resource.js';
import { navigate } from '../router.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { announce, Button, Dialog, Loading, Note, Problem, State, Time, Title } from '../ui/parts.js';
import { goTo } from '../ui/shell.js';
import { AskScopes } from './ask-scopes.js';
import { beginSetup } from './connect.js';
import { GrantDialog, Grants } from './extension-grants.js';
import { Settings } from './extension-settings.js';
import { extensionState } from './extensions.js';

const t = texts.extensions;

/** Keeps the ticket of a hand-off while the person is at the setup, also over a reload. */
const ticketOf = (name) => `connections.ticket.${name}`;

function keepTicket(name, ticket) {
  try {
    if (ticket) sessionStorage.setItem(ticketOf(name), ticket);
    else sessionStorage.removeItem(ticketOf(name));
  } catch {
    // Without storage, the host begins the hand-off again.
  }
}

function keptTicket(name) {
  try {
    return sessionStorage.getItem(ticketOf(name));
  } catch {
    return null;
  }
}

/** What an extension still needs, with the one button that provides it. */
function HandOff({ extension, command, ticket: given, onChanged }) {
  const [state, setState] = useState({ required: undefined, ticket: given, error: null, isDone: false });
  const load = async () => {
    try {
      const ticket = given ?? keptTicket(extension.name);
      const path = `/extensions/${part(extension.name)}/hand-off`;
      const answer = ticket ? await api.get(`${path}/${part(ticket)}`) : await api.post(path, { command });
      keepTicket(extension.name, answer.required ? (answer.ticket ?? ticket) : null);
      setState({ required: answer.required, error: null, isDone: answer.required === null });
    } catch (error) {
      keepTicket(extension.name, null);
      setState((was) => ({ ...was, error }));
    }
  };
  useEffect(() => void load(), [extension.name, command]);
  useHints(['extension', 'grant', 'connection'], undefined, () => void load());
  const act = useAction(async () => {
    if (state.required.action !== 'reauthorize') return beginSetup({ extension: extension.name });
    const setup = await api.post(`/connections/${part(extension.connection)}/reauthorize`, {}, { creates: true });
    return goTo(`/setups/${part(setup.id)}`);
  });
  const isGrant = state.required?.action === 'grant' && Boolean(extension.connection);
  const granted = useResource(isGrant ? `/connections/${part(extension.connection)}` : null);
  const [isAsking, setIsAsking] = useState(false);
  if (state.error) return html`<${Problem} error=${state.error} onRetry=${load} />`;
  if (state.required === undefined) return html`<${Loading} lines=${1} />`;
  if (state.isDone) {
    if (extension.missingScopes.length > 0) return null;
    return html`<${Note} tone="live" icon="check" title=${t.requiredDone} role="status" />`;
  }
  // Its application is mended, and no account is reconnected.
  if (isApplicationRefused({ reason: extension.error })) {
    return html`<p class="quiet-text">${texts.connections.applicationHelp}</p>`;
  }
  if (isMendedElsewhere({ reason: extension.error }) && extension.error.remedy) {
    return html`<p class="quiet-text">${sentence(extension.error.remedy)}</p>`;
  }
  const { title, guide, action } = state.required;
  const label = { connect: t.connect(title), reauthorize: texts.connections.reauthorize }[action];
  const account = granted.data;
  const onGranted = () => {
    onChanged();
    void load();
  };
  return html`<section class="note warn condition"><div>
      <h2>${t.required}: ${title}</h2>
      <p>${t.action[action] ?? action} ${account && html`<strong><bdi>${account.label}</bdi></strong>`}</p>
      ${label && guide && html`<p class="quiet-text">${guide}</p>`}
      <${Problem} error=${act.error ?? granted.error} />
    </div>
    ${label && html`<${Button} tone="primary" isBusy=${act.isBusy} onClick=${act.run}>${label}<//>`}
    ${account && html`<${Button} tone="primary" aria-label=${`${t.grant}: ${account.label}`}
      onClick=${() => setIsAsking(true)}>${t.grant}<//>`}
    ${isAsking && html`<${GrantDialog} extension=${extension} connection=${account} onClose=${() => setIsAsking(false)}
      onChanged=${onGranted} />`}
  </section>`;
}

function Needs({ extension, canManage }) {
  const { provider, title, secretNames, commands, connection, missingScopes, askableScopes, addedAt } = extension;
  const chips = (names) => names.map((name) => html`<span class="chip" key=${name}>${name}</span> `);
  return html`<section class="panel" aria-labelledby="needs-title"><h2 id="needs-title">${t.needs}</h2>
    <dl class="facts">
      <div><dt>${t.provider}</dt><dd>${title ?? provider}</dd></div>
      <div><dt>${t.secrets}</dt><dd>${secretNames.length ? chips(secretNames) : t.noSecrets}</dd></div>
      ${commands.length > 0 && html`<div><dt>${t.commands}</dt><dd>${chips(commands)}</dd></div>`}
      ${missingScopes.length > 0 && html`<div><dt>${t.missingScopes}</dt><dd class="warn-text">
        ${chips(missingScopes)}</dd></div>`}
    </dl>
    ${canManage && connection && askableScopes.length > 0 && html`<${AskScopes} connection=${connection}
      scopes=${askableScopes} />`}
    ${addedAt && html`<p class="quiet-text"><${Time} of=${addedAt} words=${t.added} /></p>`}
  </section>`;
}

function Remove({ extension, onClose }) {
  const remove = useAction(async () => {
    await api.delete(`/extensions/${part(extension.name)}`);
    announce(t.removed);
    goTo('/extensions', { replace: true });
  });
  return html`<${Dialog} title=${t.remove} onClose=${onClose} actions=${html`
    <${Button} tone="danger" isBusy=${remove.isBusy} onClick=${remove.run}>${t.remove}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    <p>${t.removeHelp(extension.grants.length)}</p><${Problem} error=${remove.error} />
  <//>`;
}

/** @param {{name: string, query: URLSearchParams}} props */
export default function ExtensionScreen({ name, query }) {
  const canManage = useCanManage();
  const { data, error, reload } = useResource('/extensions', { hints: ['extension', 'grant'] });
  const [isRemoving, setIsRemoving] = useState(false);
  const items = data?.items ?? data;
  const extension = items?.find((each) => each.name === name);
  if (!extension) {
    return html`<div class="screen narrow"><${Title}>${items ? t.noSuch : t.title}<//>
      ${error ? html`<${Problem} error=${error} onRetry=${reload} />` : !items && html`<${Loading} />`}</div>`;
  }
  const state = extensionState(extension);
  const isHandOff = ['hand-off', 'command', 'ticket', 'retry'].some((each) => query.has(each));
  const isShown =
    canManage && extension.status && (isHandOff || state.tone !== 'live') && extension.status !== 'unsupported';
  const onChanged = () => {
    if (query.has('retry')) navigate(`/extensions/${part(name)}?hand-off=1`, { replace: true, quiet: true });
    return reload();
  };
  return html`<div class="screen wide">
    <header class="with-tile big"><${Tile} title=${name} seed=${name} /><div><${Title}>${name}<//>
      <p><${State} tone=${state.tone}>${state.word}<//></p></div></header>
    ${extension.error && html`<${Problem} error=${extension.error} />`}
    ${isShown && html`<${HandOff} extension=${extension} command=${query.get('command')} ticket=${query.get('ticket')}
      onChanged=${onChanged} />`}
    <div class="columns">
      <div>${extension.provider && html`<${Grants} extension=${extension} canManage=${canManage}
        onChanged=${onChanged} />`}</div>
      <div>
        ${extension.provider && html`<${Needs} extension=${extension} canManage=${canManage} />`}
        ${extension.status && html`<${Settings} extension=${extension} command=${query.get('command')}
          canManage=${canManage} />`}
        ${canManage && extension.addedAt && html`<p><${Button} tone="danger" onClick=${() => setIsRemoving(true)}>
          ${t.remove}<//></p>`}
      </div>
    </div>
    ${isRemoving && html`<${Remove} extension=${extension} onClose=${() => setIsRemoving(false)} />`}
  </div>`;
}
