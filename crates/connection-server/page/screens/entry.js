/**
 * What a visitor without access sees: how to get in, or why the address did not work.
 */
import { html } from '../vendor/preact-htm.js';
import { texts } from '../texts.js';
import { Mark } from '../ui/icons.js';
import { Button, Copy, Note, Problem, Title } from '../ui/parts.js';

const t = texts.entry;

/** Returns the sentences about why an address did not work. */
function reasonOf({ code, error }) {
  const known = {
    code_used: [t.used, t.usedHelp],
    code_expired: [t.expired, t.expiredHelp],
    code_unknown: [t.unknown, t.unknownHelp],
    ended: [t.ended, t.endedHelp],
    extension: [t.extension, t.extensionHelp],
  }[code];
  return known ?? [error?.message ?? t.unknown, error?.remedy ?? t.unknownHelp];
}

/** @param {{failure: {code: string, error?: Error} | null, onContinue: (() => void) | null}} props */
export default function Entry({ failure, onContinue }) {
  const reason = failure && reasonOf(failure);
  return html`<main class="entry" id="content">
    <p class="brand"><${Mark} /><span>${texts.product}</span></p>
    <${Title}>${t.title}<//>
    ${
      reason &&
      html`<${Problem} error=${{ message: reason[0], remedy: reason[1] }} tone="warn">
      ${onContinue && html`<${Button} onClick=${onContinue}>${texts.common.toConnections}<//>`}
    <//>`
    }
    <p class="lead">${onContinue ? t.introKept : failure ? t.introAgain : t.intro}</p>
    <ol class="steps">
      <li><p>${t.step1}</p><div class="command"><code>${t.command}</code><${Copy} text=${t.command} /></div></li>
      <li><p>${t.step2}</p><p class="quiet-text">${t.step2Help}</p></li>
    </ol>
    <${Note}><p>${t.running}</p><//>
  </main>`;
}
