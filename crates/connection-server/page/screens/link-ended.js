/**
 * What the visitor of a setup link sees if the link does not work, or no longer: what the visitor can do.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { request } from '../api.js';
import { texts } from '../texts.js';
import { Loading, Title } from '../ui/parts.js';
import { LinkFrame } from './link-frame.js';

const t = texts.link;

/** @param {{failure: {code: string}}} props */
export default function LinkEnded({ failure }) {
  const [host, setHost] = useState(null);
  useEffect(() => {
    // Without its appearance, the page says the same.
    request('/appearance', { anonymous: true }).then(setHost, () => setHost({}));
  }, []);
  if (!host) return html`<${Loading} />`;
  const { name } = host;
  const [title, help] = t.endings[failure.code] ?? t.endings.other;
  return html`<${LinkFrame} host=${host}>
    <${Title}>${title}<//>
    <p class="lead">${help}</p>
    <p class="lead">${name ? t.askFor(name) : t.askAgain}</p>
  <//>`;
}
