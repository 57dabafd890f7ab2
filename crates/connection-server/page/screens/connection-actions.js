/**
 * What a person can do with a connection, each with a dialog that says what will happen.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { hostOf, safeAddress, sentence, sentences } from '../format.js';
import { useAction, useResource } from '../resource.js';
import { navigate } from '../router.js';
import { texts } from '../texts.js';
import { announce, Button, ButtonLink, Dialog, Field, Loading, Note, Outside, Problem } from '../ui/parts.js';
import { goTo } from '../ui/shell.js';
import { FreezeButton } from './freeze.js';

const t = texts.connection;
const path = (connection, suffix = '') => `/connections/${part(connection.id)}${suffix}`;

/** A dialog with one action. */
function Ask({ title, label, tone = 'primary', run, onClose, children }) {
  const action = useAction(run);
  return html`<${Dialog} title=${title} onClose=${onClose} actions=${html`
    <${Button} tone=${tone} isBusy=${action.isBusy} onClick=${action.run}>${label}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    ${children}<${Problem} error=${action.error} />
  <//>`;
}

function Rename({ connection, onClose, onChanged }) {
  const [label, setLabel] = useState(connection.label);
  const save = useAction(async () => {
    onChanged(await api.patch(path(connection), { label: label.trim() }));
    announce(t.renamed);
    onClose();
  });
  const onSubmit = (event) => {
    event.preventDefault();
    void save.run();
  };
  return html`<${Dialog} title=${t.rename} onClose=${onClose}>
    <form class="form" onSubmit=${onSubmit}>
      <${Field} label=${t.renameField}
        problem=${save.error && sentences(save.error)}>
        ${(control) => html`<input ...${control} value=${label} onInput=${(event) => setLabel(event.target.value)}
          autocomplete="off" />`}
      <//>
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${save.isBusy}>${texts.common.save}<//></p>
    </form>
  <//>`;
}

/** Says why a credential was not revoked, and where it can be deleted. */
function NotRevoked({ reason, page }) {
  if (!reason) return null;
  const address = safeAddress(page);
  return html`<p>${sentence(reason.message)}${!address && html` ${sentence(reason.remedy)}`}</p>
    ${address && html`<p><${Outside} to=${address}>${t.deleteAt(hostOf(address))}<//></p>`}`;
}

/** Returns the outcome for a credential as a word of the texts. */
const fate = (teardown, reason) => (reason?.code === 'revocation_unconfirmed' ? 'other' : teardown);

/** Says what happened to the credentials of a connection that was removed. */
function Receipt({ receipt }) {
  const isOver = receipt.teardown === 'revoked' || receipt.teardown === 'nothing_to_revoke';
  const previous = receipt.previous && fate(receipt.previous, receipt.previousReason);
  return html`<${Note} tone=${isOver ? 'live' : 'warn'} icon=${isOver ? 'check' : 'alert'} role="status"
    title=${t.removedTeardown[fate(receipt.teardown, receipt.reason)] ?? t.removedTeardown.other}>
    <${NotRevoked} reason=${receipt.reason} page=${receipt.credentialPage} />
    ${previous && html`<p>${t.removedPrevious[previous] ?? t.removedPrevious.other}</p>`}
    <${NotRevoked} reason=${receipt.previousReason} page=${receipt.previousCredentialPage} />
    ${receipt.remaining.length > 0 && html`<p>${texts.common.remaining(receipt.remaining)}</p>`}
  <//>`;
}

/** Says what removal will do, and then what it did. */
function Remove({ connection, onClose, onRemoving }) {
  const removal = useResource(path(connection, '/removal'));
  const [receipt, setReceipt] = useState(null);
  const [revokes, setRevokes] = useState(false);
  const remove = useAction(async () => {
    // The hint that the connection is gone may come before the answer, and a reading may be under way.
    onRemoving(true);
    try {
      setReceipt(await api.delete(path(connection, revokes ? '?revoke=true' : '')));
    } catch (error) {
      onRemoving(false);
      throw error;
    }
  });
  if (receipt) {
    return html`<${Dialog} title=${t.removedTitle} onClose=${() => goTo('/', { replace: true })}
      actions=${html`<${ButtonLink} to="/" tone="primary">${texts.setup.allConnections}<//>`}>
      <${Receipt} receipt=${receipt} />
    <//>`;
  }
  const { data } = removal;
  return html`<${Dialog} title=${t.removeTitle(connection.label)} onClose=${onClose} actions=${html`
    <${Button} tone="danger" isBusy=${remove.isBusy} onClick=${remove.run}>${t.removeButton}<//>
    <${Button} tone="quiet" onClick=${onClose}>${texts.common.cancel}<//>`}>
    ${!data && !removal.error && html`<${Loading} lines=${2} />`}
    <${Problem} error=${removal.error} onRetry=${removal.reload} />
    ${
      data &&
      html`<ul class="bullets">
      <li>${t.removeTeardown}</li>
      ${data.extensions.length > 0 && html`<li>${t.removeExtensions(data.extensions)}</li>`}
      ${data.agents.length > 0 && html`<li>${t.removeAgents(data.agents)}</li>`}
      ${data.webhooks && html`<li>${t.removeWebhooks}</li>`}
      <li>${t.removeForever}</li>
    </ul>
    ${data.canRevoke && html`<label class="tick"><input type="checkbox" checked=${revokes}
      onChange=${(event) => setRevokes(event.target.checked)} /><span><strong>${t.removeRevoke}</strong>
      <span class="help"><br />${t.removeRevokeHelp}</span></span></label>`}`
    }
    <${Problem} error=${remove.error} />
  <//>`;
}

/** Says what does not happen until a change is accepted. */
function acceptHelp(changes) {
  if (!changes.length || changes.some((change) => change.stopsUse)) return t.acceptHelp;
  const lines = changes.flatMap((change) => [...change.removed, ...change.added]);
  const isOfPrograms = (line) => line.startsWith('helpers.');
  const help = [];
  if (!lines.every(isOfPrograms)) help.push(t.acceptRevocationHelp);
  if (lines.some(isOfPrograms)) help.push(t.acceptProgramsHelp);
  return help.join(' ');
}

/** Shows how a kind changed, and accepts it. */
function Accept({ connection, onClose, onChanged }) {
  const route = `/kinds/${part(connection.kind)}/accept`;
  const { data, error, reload } = useResource(route);
  const run = async () => {
    await api.post(route, { seen: data.seen });
    announce(t.accepted);
    onClose();
    await onChanged();
  };
  return html`<${Ask} title=${t.acceptTitle} label=${t.acceptButton} run=${run} onClose=${onClose}>
    <p>${acceptHelp(data?.changes ?? [])}</p>
    <${Problem} error=${error} onRetry=${reload} />
    ${data?.changes.map(
      (change, index) => html`<div class="change" key=${index}>
      <p class="quiet-text">${t.acceptFor(change.connections)}</p>
      <p class="label">${t.acceptRemoved}</p><ul class="removed">${change.removed.map((line) => html`<li key=${line}>
        ${line}</li>`)}</ul>
      <p class="label">${t.acceptAdded}</p><ul class="added">${change.added.map((line) => html`<li key=${line}>
        ${line}</li>`)}</ul>
    </div>`,
    )}
  <//>`;
}

/**
 * The buttons of a connection and their dialogs.
 * @param {{connection: object, isAccepting: boolean, onChanged: (connection?: object) => any,
 *   onRemoving: (isRemoving: boolean) => void}} props
 */
export function Actions({ connection, isAccepting, onChanged, onRemoving }) {
  const [open, setOpen] = useState(isAccepting ? 'accept' : null);
  const close = () => {
    setOpen(null);
    if (isAccepting) navigate(path(connection), { replace: true });
  };
  const quick = useAction(async () => {
    const answer = await api.post(path(connection, '/refresh'), {});
    announce(t.refreshed[answer.outcome] ?? t.refreshed.other);
    onChanged(answer.connection);
  });
  const check = useAction(async () => {
    // A person who asks is answered also during a pause that the provider asked for.
    const answer = await api.post(path(connection, '/verify'), { now: true });
    announce(t.verified);
    onChanged(answer);
  });
  const reauthorize = async () => {
    const setup = await api.post(path(connection, '/reauthorize'), {}, { creates: true });
    goTo(`/setups/${part(setup.id)}`);
  };
  const changeDefault = async () => {
    onChanged(await api.post(path(connection, '/default'), { default: !connection.isDefault }));
    announce(t.defaulted);
    close();
  };
  const rollBack = async () => {
    onChanged(await api.post(path(connection, '/rollback'), {}));
    announce(t.rolledBack);
    close();
  };
  const shared = { connection, onClose: close, onChanged };
  const defaultLabel = connection.isDefault ? t.unsetDefault : t.makeDefault;
  return html`<section class="panel" aria-labelledby="actions-title">
    <h2 id="actions-title">${t.actions}</h2>
    <div class="buttons">
      <${Button} isBusy=${check.isBusy} onClick=${check.run}>${t.verify}<//>
      ${connection.renews && html`<${Button} isBusy=${quick.isBusy} onClick=${quick.run}>
        ${t.refresh}<//>`}
      <${Button} onClick=${() => setOpen('reauthorize')}>${t.reauthorize}<//>
      ${connection.previousUntil && html`<${Button} onClick=${() => setOpen('rollback')}>${t.rollback}<//>`}
      <${Button} onClick=${() => setOpen('rename')}>${t.rename}<//>
      <${Button} onClick=${() => setOpen('default')}>${defaultLabel}<//>
      <${FreezeButton} what=${`connection:${connection.id}`} name=${connection.label} isFrozen=${connection.frozen}
        onChanged=${onChanged} />
      <${Button} tone="danger" onClick=${() => setOpen('remove')}>${t.remove}<//>
    </div>
    ${connection.rotates && !connection.previousUntil && html`<p class="quiet-text">${t.rollbackRotates}</p>`}
    <${Problem} error=${quick.error ?? check.error} />
    ${open === 'rename' && html`<${Rename} ...${shared} />`}
    ${open === 'remove' && html`<${Remove} ...${shared} onRemoving=${onRemoving} />`}
    ${open === 'accept' && html`<${Accept} ...${shared} />`}
    ${open === 'reauthorize' && html`<${Ask} title=${t.reauthorize} label=${t.reauthorize} run=${reauthorize}
      onClose=${close}><p>${t.reauthorizeHelp}</p><//>`}
    ${open === 'rollback' && html`<${Ask} title=${t.rollback} label=${t.rollback} run=${rollBack} onClose=${close}><p>
      ${t.rollbackHelp}</p><//>`}
    ${open === 'default' && html`<${Ask} title=${defaultLabel} label=${defaultLabel} run=${changeDefault}
      onClose=${close}><p>${t.defaultHelp}</p><//>`}
  </section>`;
}
