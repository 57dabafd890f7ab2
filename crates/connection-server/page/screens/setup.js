/**
 * A setup, step by step.
 */
import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { part } from '../api.js';
import { stateOf } from '../connection-words.js';
import { sentence, sentences } from '../format.js';
import { useAction } from '../resource.js';
import { texts } from '../texts.js';
import { Icon, Tile } from '../ui/icons.js';
import { Button, ButtonLink, Dialog, Loading, Note, Problem, ProviderSays, State, Time, Title } from '../ui/parts.js';
import { beginSetup } from './connect.js';
import { SetupForm } from './setup-form.js';
import { hasEnded, useSetup } from './setup-loop.js';
import { Notices, Progress, Redirect } from './setup-parts.js';

const t = texts.setup;

/**
 * Returns a reference to a section that receives the focus when it is shown, because the form that had the focus is
 * gone: its first button receives it, or its heading if there is no button or `isHeading` is set.
 */
function useFocus(isHeading = false) {
  const ref = useRef(null);
  useEffect(() => {
    const button = isHeading ? null : ref.current.querySelector('.actions :is(a, button)');
    (button ?? ref.current.querySelector('h2')).focus({ preventScroll: true });
  }, []);
  return ref;
}

/** The question whether an account is the right one. Its heading has the focus, so that no key agrees by accident. */
function Confirm({ setup, loop }) {
  const section = useFocus(true);
  return html`<section class="outcome confirm" ref=${section}>
    <h2 tabindex="-1">${t.confirmTitle}</h2>
    <p class="account-name"><bdi>${setup.account.label}</bdi></p>
    <p class="quiet-text">${t.accountId(setup.account.id)}</p>
    <p>${t.confirmHelp}</p>
    <p class="actions">
      <${Button} tone="primary" icon="check" isBusy=${loop.isBusy} onClick=${loop.confirm}>${t.confirmYes}<//>
      <${Button} onClick=${loop.cancel}>${t.confirmNo}<//>
    </p>
  </section>`;
}

function Done({ setup, after }) {
  // The heading is announced, and the next step receives the focus.
  const section = useFocus();
  const isLive = setup.liveness === 'live';
  const state = stateOf({ liveness: setup.liveness, reason: setup.reason });
  return html`<section class="outcome done" ref=${section}>
    <p class="seal"><${Icon} name=${isLive ? 'check' : 'alert'} /></p>
    <div role="status"><h2 tabindex="-1">
      ${setup.reauthorizes ? t.reconnectedTitle(setup.account.label) : t.doneTitle(setup.account.label)}</h2></div>
    <p>${isLive ? t.doneHelp : t.doneNotLive} ${setup.label && html`${t.doneName}: <strong><bdi>${setup.label}</bdi>
      </strong>.`}</p>
    ${!isLive && html`<p><${State} tone=${state.tone}>${state.word}<//> ${sentences(setup.reason)}</p>`}
    ${setup.extension && html`<p>${t.extensionCan(setup.extension)}</p>`}
    <p class="actions">${
      after ??
      html`
      ${setup.extension && html`<${ButtonLink} to=${`/extensions/${part(setup.extension)}?retry=1`} tone="primary">
        ${t.backTo(setup.extension)}<//>`}
      ${setup.connection && html`<${ButtonLink} to=${`/connections/${part(setup.connection)}`}
        tone=${setup.extension ? '' : 'primary'}>${t.show}<//>`}
      <${ButtonLink} to="/connect">${t.another}<//>`
    }</p>
  </section>`;
}

/** The ways out of a setup that failed or was cancelled. */
function WaysOut({ setup, onBegin, isOfVisitor }) {
  const body = setup.reauthorizes ? { connection: setup.reauthorizes } : { kind: setup.kind };
  if (setup.extension) body.extension = setup.extension;
  const begin = useAction((more) => onBegin({ ...body, ...more }));
  const code = setup.reason?.code;
  return html`<${Problem} error=${begin.error} />
    <p class="actions">
      <${Button} tone="primary" isBusy=${begin.isBusy} onClick=${() => begin.run({})}>${t.again}<//>
      ${
        code === 'account_connected' &&
        !isOfVisitor &&
        html`<${Button} onClick=${() => begin.run({ again: true })}>${t.secondConnection}<//>
        <${ButtonLink} to=${`/?kind=${part(setup.kind)}`}>${t.existing}<//>`
      }
      ${
        code === 'account_changed' &&
        setup.reauthorizes &&
        !isOfVisitor &&
        html`
        <${Button} onClick=${() => begin.run({ anotherAccount: true })}>${t.anotherAccount}<//>`
      }
      ${!setup.reauthorizes && !isOfVisitor && html`<${ButtonLink} to="/connect" tone="quiet">${t.otherKind}<//>`}
    </p>`;
}

function Failed({ setup, onBegin, isOfVisitor }) {
  const section = useFocus();
  return html`<section class="outcome failed" ref=${section}>
    <p class="seal"><${Icon} name="cross" /></p>
    <div role="alert"><h2>${setup.reauthorizes ? t.failedReauthorize : t.failedTitle}</h2></div>
    <p><strong>${sentence(setup.reason.message)}</strong></p>
    <${ProviderSays} of=${setup.reason} />
    ${setup.reason.remedy && html`<p>${sentence(setup.reason.remedy)}</p>`}
    <${WaysOut} setup=${setup} onBegin=${onBegin} isOfVisitor=${isOfVisitor} />
  </section>`;
}

function Cancelled({ setup, onBegin, isOfVisitor }) {
  const section = useFocus();
  return html`<section class="outcome" ref=${section}><div role="status"><h2>${t.cancelledTitle}</h2></div>
    <p>${setup.reauthorizes ? t.cancelReauthorize : t.cancelledHelp}</p><${WaysOut} setup=${setup}
      onBegin=${onBegin} isOfVisitor=${isOfVisitor} /></section>`;
}

/** The reason why the setup waits, which one of the notices has. The others say what this section says. */
function Paused({ setup, loop }) {
  const { reason } = setup.beside.find((notice) => notice.reason);
  const section = useFocus();
  return html`<section class="outcome" role="status" ref=${section}><h2>${t.paused[reason.code] ?? t.paused.other}</h2>
    <p><strong>${sentence(reason.message)}</strong></p><${ProviderSays} of=${reason} /><p>${t.pausedHelp}</p>
    <p class="actions"><${Button} tone="primary" isBusy=${loop.isBusy} onClick=${loop.resume}>${t.resume}<//></p>
  </section>`;
}

/** The form of a step. If the browser comes back by itself, what it may otherwise enter is folded away. */
function Prompt({ setup, loop, title }) {
  const form = html`<${SetupForm} prompt=${setup} isBusy=${loop.isBusy} onSend=${loop.answer} title=${title}
    problems=${loop.actionError?.problems ?? NONE}>${
    // What the person enters at the provider, such as a redirect address, belongs to the question for its result.
    !setup.open && html`<${Notices} notices=${setup.beside ?? NONE} />`
  }<//>`;
  if (!setup.open) return form;
  if (!setup.returns) {
    return html`<${Redirect} setup=${setup} isWaiting=${false} /><p class="or"><span>${t.orPaste}</span></p>${form}`;
  }
  return html`<${Redirect} setup=${setup} />
    <details class="fold" open=${Boolean(setup.problem)}><summary>${t.notBack}</summary>${form}</details>`;
}

/** The content of the present step. */
function Step({ setup, loop, after, onBegin, title, isOfVisitor }) {
  const kindTitle = setup.kindTitle ?? setup.kind;
  const beside = setup.beside?.length > 0 && html`<${Notices} notices=${setup.beside} />`;
  switch (setup.type) {
    case 'confirm':
      return html`<${Confirm} setup=${setup} loop=${loop} />`;
    case 'working':
      return html`<section class="outcome"><${Progress}>${t.working(kindTitle)}<//><p class="quiet-text">
        ${t.workingHelp}</p></section>`;
    case 'redirect':
      return html`<${Redirect} setup=${setup} />${beside}`;
    case 'notice':
      return setup.resumable ? html`<${Paused} setup=${setup} loop=${loop} />` : beside;
    case 'prompt':
      return html`<${Prompt} key=${setup.step} setup=${setup} loop=${loop} title=${title} />${setup.open && beside}`;
    case 'done':
      return html`<${Done} setup=${setup} after=${after} />`;
    case 'failed':
      return html`<${Failed} setup=${setup} onBegin=${onBegin} isOfVisitor=${isOfVisitor} />`;
    default:
      return html`<${Cancelled} setup=${setup} onBegin=${onBegin} isOfVisitor=${isOfVisitor} />`;
  }
}
const NONE = [];

/**
 * A setup without the title of a screen.
 * @param {{id: string, after?: any, onBegin: (body: object) => Promise<any>, repairs?: string | null,
 *   isOfVisitor?: boolean}} props `after` replaces the buttons after success; `repairs` is the connection that the setup
 *   authorizes again, which a setup that has ended no longer names
 */
export function SetupSteps({ id, after, onBegin, repairs = null, isOfVisitor = false }) {
  const loop = useSetup(id);
  const { error, actionError } = loop;
  const setup = loop.setup && repairs ? { ...loop.setup, reauthorizes: repairs } : loop.setup;
  const [isCancelling, setIsCancelling] = useState(false);
  if (error && !setup) {
    if (error.status !== 404) return html`<${Title}>${texts.connect.title}<//><${Problem} error=${error} />`;
    return html`<${Title}>${t.gone}<//><p class="lead">${t.goneHelp}</p>
      <p class="actions"><${ButtonLink} to="/connect" tone="primary">${texts.connect.title}<//></p>`;
  }
  if (!setup) return html`<${Title}>${texts.connect.title}<//><${Loading} />`;
  const kindTitle = setup.kindTitle ?? setup.kind;
  const title = setup.reauthorizes ? t.reconnectTitle(kindTitle) : t.title(kindTitle);
  const isOpen = !hasEnded(setup);
  const cancel = () => {
    setIsCancelling(false);
    void loop.cancel();
  };
  return html`
    <header class="with-tile big"><${Tile} title=${kindTitle} seed=${setup.provider ?? setup.kind}
      kind=${setup.kind} />
      <div><${Title} key=${title}>${title}<//>
        ${setup.extension && html`<p class="quiet-text">${t.forExtension(setup.extension)}</p>`}</div>
    </header>
    ${loop.isOffline && html`<${Note} tone="off" icon="clock" role="status"><p>${t.reconnecting}</p><//>`}
    ${loop.isOtherTab && html`<${Note} role="status"><p>${t.otherTab}</p><//>`}
    ${actionError && !actionError.problems?.length && html`<${Problem} error=${actionError} />`}
    <div class="step" aria-live="polite"><${Step} setup=${setup} loop=${loop} after=${after} onBegin=${onBegin}
      title=${title} isOfVisitor=${isOfVisitor} /></div>
    ${
      isOpen &&
      html`<footer class="setup-end quiet-text">
      ${setup.expiresAt && html`<span><${Time} of=${setup.expiresAt} words=${t.expires} /></span>`}
      <${Button} tone="quiet" onClick=${() => setIsCancelling(true)}>${t.cancel}<//>
    </footer>`
    }
    ${
      isCancelling &&
      html`<${Dialog} title=${t.cancelTitle} onClose=${() => setIsCancelling(false)} actions=${html`
      <${Button} tone="danger" onClick=${cancel}>${t.cancel}<//><${Button} onClick=${() => setIsCancelling(false)}>
        ${t.keep}<//>`}>
      <p>${setup.reauthorizes ? t.cancelReauthorize : t.cancelHelp}</p>
    <//>`
    }`;
}

/** @param {{id: string}} props */
export default function Setup({ id }) {
  return html`<div class="screen setup"><${SetupSteps} id=${id} onBegin=${beginSetup} /></div>`;
}
