/**
 * The page of a setup link: the end user of a host connects one account, under the name and the colours of that host.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { api } from '../api.js';
import { safeAddress } from '../format.js';
import { useAction } from '../resource.js';
import { texts } from '../texts.js';
import { Loading, Problem, Title } from '../ui/parts.js';
import { KindGrid, useKinds } from './connect.js';
import { LinkFrame } from './link-frame.js';
import { SetupSteps } from './setup.js';

const t = texts.link;

function Pick({ me, onBegin }) {
  const { items, error, reload } = useKinds('');
  const begin = useAction((kind) => onBegin({ kind: kind.kind }));
  const name = me.host?.name;
  const offered = items?.filter((kind) => !me.kinds || me.kinds.includes(kind.kind));
  useEffect(() => {
    if (offered?.length === 1) void begin.run(offered[0]);
  }, [offered?.length]);
  return html`<${Title}>${name ? t.title(name) : t.titlePlain}<//>
    <p class="lead">${name ? t.intro(name) : t.introPlain}</p>
    <${Problem} error=${error} onRetry=${reload} /><${Problem} error=${begin.error} />
    ${!offered && !error && html`<${Loading} lines=${3} />`}
    ${offered && html`<section class="section"><h2>${t.pick}</h2><${KindGrid} items=${offered} onPick=${begin.run}
      isBusy=${begin.isBusy} hasAbout=${false} /></section>`}`;
}

/** @param {{me: object | null, error: Error | null, onRetry: () => void}} props */
export default function Link({ me, error, onRetry }) {
  const [setup, setSetup] = useState(null);
  const host = me?.host ?? {};
  const id = setup ?? me?.setup;
  const onBegin = async (body) => setSetup((await api.post('/setups', body, { creates: true })).id);
  const back = safeAddress(host.returnTo);
  const after = back
    ? html`<a class="button primary" href=${back} rel="noreferrer">${t.returnTo(host.name ?? new URL(back).host)}</a>`
    : html`<span>${t.done} ${t.closeTab}</span>`;
  return html`<${LinkFrame} host=${host}>
    <${Problem} error=${error} onRetry=${onRetry} />
    ${me && html`<p class="receiver">${t.receiver} <strong><bdi>${me.ownerName ?? me.owner}</bdi></strong></p>`}
    ${!me && !error && html`<${Loading} />`}
    ${me && (id ? html`<${SetupSteps} key=${id} id=${id} after=${after} onBegin=${onBegin} isBranded />`
      : html`<${Pick} me=${me} onBegin=${onBegin} />`)}
  <//>`;
}
