/**
 * The parts of a setup's steps: the guide, an address to open, a device code, and progress.
 */
import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { hostOf, safeAddress, sentence } from '../format.js';
import { texts } from '../texts.js';
import { Icon } from '../ui/icons.js';
import { Copy, Note, Outside } from '../ui/parts.js';

const t = texts.setup;

/** The guide of a kind: sentences as steps, and the addresses that belong to them. */
export function Guide({ parts }) {
  const steps = [];
  for (const { text, open } of parts) {
    if (open && steps.length) steps.at(-1).links.push({ text, open });
    else if (open) steps.push({ text: null, links: [{ text, open }] });
    else steps.push({ text, links: [] });
  }
  return html`<ol class="guide">${steps.map(
    ({ text, links }, index) => html`<li key=${index}>
    ${text && html`<p>${text}</p>`}
    ${links.map(({ text: name, open }) => html`<p key=${open}><${Outside} to=${open}>${name}<//></p>`)}
  </li>`,
  )}</ol>`;
}

/**
 * An address that the person opens, with the provider that asks there. The address may be one of this server, which
 * sends the browser on, so the server names the host of the provider.
 * @param {{setup: object, isWaiting?: boolean}} props
 */
export function Redirect({ setup, isWaiting = true }) {
  const { open, openHost, providerTitle } = setup;
  const address = safeAddress(open);
  const [isOpened, setIsOpened] = useState(false);
  const button = useRef(null);
  useEffect(() => button.current?.querySelector('a').focus({ preventScroll: true }), []);
  if (!address) return html`<${Note} tone="warn" icon="alert"><p>${t.unsafeAddress}</p><p class="mono">${open}</p><//>`;
  const host = openHost ?? hostOf(address);
  return html`<section class="redirect" aria-labelledby="redirect-title">
    <h2 id="redirect-title">${t.openTitle(providerTitle)}</h2>
    <p>${t.openHelp(providerTitle)}</p>
    <dl class="asks"><div><dt>${t.asks}</dt><dd><${Icon} name="key" /><strong>${providerTitle}</strong></dd></div>
      <div><dt>${t.opens}</dt><dd class="mono address">${host}</dd></div></dl>
    <p class="actions">
      <span ref=${button} onClick=${() => setIsOpened(true)}><${Outside} to=${address} tone="primary">
        ${t.openTitle(providerTitle)}<//></span>
      <${Copy} text=${address} label=${t.copyAddress} tone="quiet" />
    </p>
    ${isWaiting && isOpened && html`<${Progress}>${t.waiting(host)}<//>`}
  </section>`;
}

/** A QR code; nothing for an address that is too long for one. Its module is loaded when it is needed. */
function Qr({ text, host }) {
  const [code, setCode] = useState(null);
  useEffect(() => {
    let isCurrent = true;
    import('../qr.js')
      .then(({ encode }) => isCurrent && setCode(encode(text)))
      .catch(() => {});
    return () => {
      isCurrent = false;
    };
  }, [text]);
  if (!code) return null;
  const size = code.length + 8;
  let path = '';
  code.forEach((row, y) =>
    row.forEach((isDark, x) => {
      if (isDark) path += `M${x + 4} ${y + 4}h1v1h-1z`;
    }),
  );
  return html`<figure class="qr">
    <svg viewBox=${`0 0 ${size} ${size}`} role="img" aria-label=${t.qr(host)} shape-rendering="crispEdges">
      <rect width=${size} height=${size} fill="#fff" /><path d=${path} fill="#000" />
    </svg>
    <figcaption class="quiet-text">${t.scan}</figcaption>
  </figure>`;
}

/** A code that the person enters on any device. */
export function DeviceCode({ message, open, userCode }) {
  const address = safeAddress(open);
  const host = address ? hostOf(address) : '';
  return html`<section class="device" aria-labelledby="device-title">
    <div>
      <h2 id="device-title">${t.deviceTitle}</h2>
      <p>${sentence(message)}</p>
      <p class="user-code" aria-label=${t.code}><span>${userCode}</span></p>
      <p class="actions">
        ${address && html`<${Outside} to=${address} tone="primary">${t.openButton(host)}<//>`}
        <${Copy} text=${userCode} label=${t.copyCode} />
      </p>
      ${address && html`<p class="quiet-text">${t.deviceHelp(host)}</p><${Progress}>${t.waiting(host)}<//>`}
    </div>
    ${address && html`<${Qr} text=${address} host=${host} />`}
  </section>`;
}

/** Returns the address that the person enters elsewhere by a message, such as a redirect address, or `undefined`. */
const addressIn = (message) => message.match(/https?:\/\/[^\s]+[^\s.,;:)]/)?.[0];

/** Notices that stay beside a step. */
export function Notices({ notices }) {
  return notices.map((notice, index) =>
    notice.userCode
      ? html`<${DeviceCode} key=${index} ...${notice} />`
      : html`<${Note} key=${index}>
      <p>${sentence(notice.message)}</p>
      ${
        addressIn(notice.message) &&
        html`<p class="actions">
        <${Copy} text=${addressIn(notice.message)} label=${t.copyAddress} /></p>`
      }
      ${notice.open && html`<p><${Outside} to=${notice.open} /></p>`}
    <//>`,
  );
}

/** A bar that moves while something is awaited. */
export function Progress({ children }) {
  return html`<div class="progress" role="status"><span class="progress-bar" aria-hidden="true"><span></span></span><p>
    ${children}</p></div>`;
}
