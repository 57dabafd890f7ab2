/**
 * The page of a setup link: the end user of a host connects one account, under the name and the colours of that host.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { api } from '../api.js';
import { safeAddress } from '../format.js';
import { useAction } from '../resource.js';
import { texts } from '../texts.js';
import { Mark } from '../ui/icons.js';
import { Loading, Problem, Title } from '../ui/parts.js';
import { KindGrid, useKinds } from './connect.js';
import { SetupSteps } from './setup.js';

const t = texts.link;

/** Returns the luminance of a colour such as `#7a1fa2`. */
function luminance(colour) {
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Gives the page the colour of its host, if it is a colour. */
function useAccent(accent) {
  useEffect(() => {
    if (!/^#[0-9a-f]{6}$/i.test(accent ?? '')) return;
    const { style } = document.documentElement;
    const isLight = luminance(accent) > 0.3;
    style.setProperty('--primary', accent);
    style.setProperty('--primary-hover', accent);
    style.setProperty('--on-primary', isLight ? '#10201b' : '#ffffff');
  }, [accent]);
}

/** Returns the address of a logo if the policy of the page lets it load. */
function logoOf(logo) {
  if (/^data:image\/(png|jpeg|webp|gif|svg\+xml)[;,]/.test(logo ?? '')) return logo;
  const address = safeAddress(new URL(logo ?? '', location.href).href);
  return logo && address && new URL(address).origin === location.origin ? address : null;
}

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
  useAccent(host.accent);
  const id = setup ?? me?.setup;
  const onBegin = async (body) => setSetup((await api.post('/setups', body, { creates: true })).id);
  const back = safeAddress(host.returnTo);
  const after = back
    ? html`<a class="button primary" href=${back} rel="noreferrer">${t.returnTo(host.name ?? new URL(back).host)}</a>`
    : html`<span>${t.done} ${t.closeTab}</span>`;
  const logo = logoOf(host.logo);
  return html`<header class="link-head">
      ${logo ? html`<img src=${logo} alt="" />` : html`<${Mark} />`}<span>${host.name ?? texts.product}</span>
    </header>
    <main id="content" class="link-main"><div class="screen setup">
      <${Problem} error=${error} onRetry=${onRetry} />
      ${
        me &&
        html`<p class="receiver">${t.receiver} <strong><bdi>${me.ownerName ?? me.owner}</bdi></strong></p>`
      }
      ${!me && !error && html`<${Loading} />`}
      ${me && (id ? html`<${SetupSteps} key=${id} id=${id} after=${after} onBegin=${onBegin} isBranded />`
        : html`<${Pick} me=${me} onBegin=${onBegin} />`)}
    </div></main>
    <footer class="link-foot quiet-text">${t.poweredBy}</footer>`;
}
