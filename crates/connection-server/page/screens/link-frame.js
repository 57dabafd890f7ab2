/**
 * The frame of a setup link's pages: the name, the logo and the colour of the host.
 */
import { html, useEffect } from '../vendor/preact-htm.js';
import { safeAddress } from '../format.js';
import { texts } from '../texts.js';
import { Mark } from '../ui/icons.js';

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

/** @param {{host: {name?: string | null, logo?: string | null, accent?: string | null}, children: any}} props */
export function LinkFrame({ host, children }) {
  useAccent(host.accent);
  const logo = logoOf(host.logo);
  return html`<header class="link-head">
      ${logo ? html`<img src=${logo} alt="" />` : html`<${Mark} />`}<span>${host.name ?? texts.product}</span>
    </header>
    <main id="content" class="link-main"><div class="screen setup">${children}</div></main>
    <footer class="link-foot quiet-text">${texts.link.poweredBy}</footer>`;
}
