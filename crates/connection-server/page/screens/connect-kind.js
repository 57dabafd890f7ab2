/**
 * One kind: what it needs, and the beginning of its setup.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { part } from '../api.js';
import { useCanManage } from '../me.js';
import { useAction, useResource } from '../resource.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { Button, Copy, Field, Loading, Problem, Title } from '../ui/parts.js';
import { beginSetup } from './connect.js';
import { Guide } from './setup-parts.js';

const t = texts.connect;

/** @param {{kind: string}} props */
export default function ConnectKind({ kind }) {
  const canManage = useCanManage();
  const { data, error, reload } = useResource(`/kinds/${part(kind)}`);
  const [label, setLabel] = useState('');
  const begin = useAction(() => beginSetup({ kind, label: label.trim() || null }));
  if (error)
    return html`<div class="screen narrow"><${Title}>${t.title}<//><${Problem} error=${error} onRetry=${reload} />
      </div>`;
  if (!data) return html`<div class="screen narrow"><${Title}>${t.title}<//><${Loading} /></div>`;
  // A field of one way to finish a setup is answered during that way.
  const needsNothing = !data.fields.some((field) => field.required && !field.way);
  const onSubmit = (event) => {
    event.preventDefault();
    void begin.run();
  };
  return html`<div class="screen narrow">
    <header class="with-tile big"><${Tile} title=${data.title} seed=${data.provider}
      kind=${data.kind} />
      <div><${Title}>${texts.setup.title(data.title)}<//><p class="quiet-text">${t.auth[data.auth] ?? data.auth}</p>
        </div>
    </header>
    ${data.extension && html`<p>${t.onlyFor(data.extension)}</p>`}
    <section class="panel"><h2>${t.youNeed}</h2>
      ${data.fields.some((field) => field.once) && html`<p>${t.neededOnce}</p>`}
      ${data.guide.length ? html`<${Guide} parts=${data.guide} />` : needsNothing && html`<p>${t.nothingNeeded}</p>`}
      ${data.fields.length > 0 && html`<p><span class="quiet-text">
        ${t.fields}</span> ${texts.common.list(data.fields.map((field) => field.label))}</p>`}
      ${
        data.redirectUri &&
        data.fields.length > 0 &&
        html`<div><p class="label">${t.redirect}</p>
        <div class="command"><code>${data.redirectUri}</code><${Copy} text=${data.redirectUri} /></div></div>`
      }
    </section>
    ${
      data.capabilities.length > 0 &&
      html`<p><span class="quiet-text">${t.capabilities}</span> ${data.capabilities.map(
        (name) => html` <span class="chip" key=${name}>${t.can[name] ?? name}</span>`,
      )}</p>`
    }
    ${
      canManage &&
      html`<form class="panel form" onSubmit=${onSubmit}>
      <${Field} label=${t.label} help=${t.labelHelp}>${(
        control,
      ) => html`<input ...${control} value=${label} autocomplete="off"
        onInput=${(event) => setLabel(event.target.value)} />`}<//>
      <${Problem} error=${begin.error} />
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${begin.isBusy}>${t.begin}<//></p>
    </form>`
    }
  </div>`;
}
