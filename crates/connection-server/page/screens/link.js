/**
 * The page of a setup link: the end user of a host connects one account, or repairs one connection, under the name and
 * the colours of that host.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { api } from '../api.js';
import { safeAddress } from '../format.js';
import { useAction } from '../resource.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { Button, Loading, Problem, Title } from '../ui/parts.js';
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

/** The account that the visitor is asked to sign in to again. */
function Repair({ me, onBegin }) {
  const begin = useAction(() => onBegin());
  const { account, kind, kindTitle, providerTitle } = me.repairs;
  const name = me.host?.name;
  return html`<header class="with-tile big"><${Tile} title=${kindTitle} seed=${kind} kind=${kind} />
      <div><${Title}>${t.repairTitle(account, providerTitle)}<//></div></header>
    <p class="lead">${name ? t.repairIntro(name) : t.repairIntroPlain}</p>
    <p>${t.repairAccount(account)}</p>
    <${Problem} error=${begin.error} />
    <p class="actions"><${Button} tone="primary" isBusy=${begin.isBusy} onClick=${begin.run}>${t.repair}<//></p>`;
}

/** @param {{me: object | null, error: Error | null, onRetry: () => void}} props */
export default function Link({ me, error, onRetry }) {
  const [setup, setSetup] = useState(null);
  const host = me?.host ?? {};
  const id = setup ?? me?.setup;
  const repairs = me?.repairs?.connection ?? null;
  const onBegin = async (body) => {
    // A visitor states nothing but the kind, or the connection of the link.
    const begun = repairs ? { connection: repairs } : { kind: body.kind };
    setSetup((await api.post('/setups', begun, { creates: true })).id);
  };
  const back = safeAddress(host.returnTo);
  const after = back
    ? html`<a class="button primary" href=${back} rel="noreferrer">${t.returnTo(host.name ?? new URL(back).host)}</a>`
    : html`<span>${t.done} ${t.closeTab}</span>`;
  return html`<${LinkFrame} host=${host}>
    <${Problem} error=${error} onRetry=${onRetry} />
    ${me && html`<p class="receiver">${t.receiver} <strong><bdi>${me.ownerName ?? me.owner}</bdi></strong></p>`}
    ${me?.repairs && id && html`<p class="receiver">${t.account} <strong><bdi>${me.repairs.account}</bdi></strong></p>`}
    ${!me && !error && html`<${Loading} />`}
    ${
      me &&
      (id
        ? html`<${SetupSteps} key=${id} id=${id} after=${after} onBegin=${onBegin} repairs=${repairs} isOfVisitor />`
        : me.repairs
          ? html`<${Repair} me=${me} onBegin=${onBegin} />`
          : html`<${Pick} me=${me} onBegin=${onBegin} />`)
    }
  <//>`;
}
