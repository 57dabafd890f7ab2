/**
 * The parts from which screens are built.
 */
import { Component, html, useEffect, useLayoutEffect, useRef, useState } from '../vendor/preact-htm.js';
import { ago, exactly, hostOf, providerSays, safeAddress, sentence } from '../format.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { setTitle } from '../title.js';
import { Icon } from './icons.js';

const t = texts.common;
/** A title with more characters is smaller. */
const LONG_TITLE = 40;
let ids = 0;

/** Returns an id that no other element of the page has. */
export function useId() {
  const ref = useRef(null);
  ref.current ??= `i${(ids += 1)}`;
  return ref.current;
}

/**
 * A button. `tone` is `primary`, `danger`, `quiet` or nothing.
 * @param {{tone?: string, icon?: string, isBusy?: boolean, onClick?: Function, type?: string, children: any}} props
 */
export function Button({ tone = '', icon, isBusy, onClick, type = 'button', children, ...rest }) {
  return html`<button
    ...${rest}
    type=${type}
    class=${`button ${tone} ${isBusy ? 'busy' : ''}`}
    aria-disabled=${isBusy ? 'true' : undefined}
    onClick=${(event) => (isBusy ? event.preventDefault() : onClick?.(event))}
  >${icon && html`<${Icon} name=${icon} />`}<span>${children}</span></button>`;
}

/** A link that looks like a button, to a path of this page. The title of the next screen receives the focus. */
export function ButtonLink({ to, tone = '', icon, children }) {
  return html`<a class=${`button ${tone}`} href=${href(to)} onClick=${() => (takeFocus.wanted = true)}>
    ${icon && html`<${Icon} name=${icon} />`}<span>${children}</span>
  </a>`;
}

/** A link to an address outside. An address that a browser must not open is shown as text. */
export function Outside({ to, tone, children }) {
  const address = safeAddress(to);
  if (!address) return html`<span>${children ?? to}</span>`;
  return html`<a class=${tone ? `button ${tone}` : 'outside'} href=${address} target="_blank" rel="noopener noreferrer">
    <span>${children ?? hostOf(address)}</span><${Icon} name="out" /><span class="for-readers"> ${t.opensTab}</span>
  </a>`;
}

/** The state of something, in words. */
export function State({ tone, children }) {
  return html`<span class=${`state ${tone}`}><span class="dot" aria-hidden="true"></span><span>${children}</span>
    </span>`;
}

/** A time relative to now in the given form, which keeps itself current. `words` builds a sentence around it. */
export function Time({ of, form = ago, words = (when) => when }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 30000);
    return () => clearInterval(timer);
  }, []);
  return html`<time dateTime=${of} title=${exactly(of)}>${words(form(of))}</time>`;
}

/**
 * A heading of a screen. It receives the focus after a navigation, and names the page. When it is replaced, for example
 * because the screen has loaded, it passes the focus on to the next title.
 */
export function Title({ children, name }) {
  const ref = useRef(null);
  const text = name ?? (typeof children === 'string' ? children : texts.product);
  useEffect(() => {
    setTitle(text === texts.product ? text : `${text} · ${texts.product}`);
  }, [text]);
  useEffect(() => {
    if (takeFocus.wanted) ref.current?.focus({ preventScroll: true });
    takeFocus.wanted = false;
    return () => {
      if (ref.current && document.activeElement === ref.current) takeFocus.wanted = true;
    };
  }, []);
  const isLong = typeof children === 'string' && children.length > LONG_TITLE;
  return html`<h1 ref=${ref} tabindex="-1" class=${isLong ? 'long' : undefined}>${children}</h1>`;
}

/** Set before a navigation, so that the next title receives the focus. */
export const takeFocus = { wanted: false };

/**
 * What went wrong, and what to do.
 * @param {{error: {message: string, remedy?: string | null, code?: string}, onRetry?: Function, tone?: string}} props
 */
export function Problem({ error, onRetry, tone = 'bad', children }) {
  if (!error) return null;
  return html`<div class=${`note ${tone}`} role="alert">
    <${Icon} name="alert" />
    <div>
      <p class="note-title">${sentence(error.message)}</p>
      <${ProviderSays} of=${error} />
      ${error.remedy && html`<p>${sentence(texts.connections.remedy(error.remedy))}</p>`}
      ${
        (onRetry || children) &&
        html`<p class="actions">
        ${onRetry && html`<${Button} onClick=${onRetry}>${t.retry}<//>`}${children}
      </p>`
      }
    </div>
  </div>`;
}

/** The provider's own words about a failure, marked as the provider's, if there are some. */
export function ProviderSays({ of }) {
  const words = providerSays(of);
  return words && html`<p class="quiet-text">${words}</p>`;
}

/** A note that is no problem. */
export function Note({ tone = 'info', icon = 'info', title, children, role }) {
  return html`<div class=${`note ${tone}`} role=${role}>
    <${Icon} name=${icon} />
    <div>${title && html`<p class="note-title">${title}</p>`}${children}</div>
  </div>`;
}

/** A state without content that says what the screen is for, and what to do first. */
export function Empty({ title, children, action }) {
  return html`<section class="empty">
    <svg class="empty-art" viewBox="0 0 240 80" aria-hidden="true" focusable="false">
      <path class="wire" d="M44 40C90 40 90 16 120 16s30 48 76 48" />
      <circle class="ring" cx="36" cy="40" r="9" />
      <circle class="end" cx="206" cy="64" r="10" />
      <circle class="ring faint" cx="206" cy="20" r="9" />
      <circle class="ring faint" cx="36" cy="72" r="5" />
    </svg>
    <h2>${title}</h2>
    <p>${children}</p>
    ${action && html`<p class="actions">${action}</p>`}
  </section>`;
}

/** Lines in the place of content that is loading. */
export function Loading({ lines = 4 }) {
  const rows = Array.from({ length: lines }, (_, index) => html`<div class="bone" key=${index}></div>`);
  return html`<div class="loading" role="status"><span class="for-readers">${t.loading}</span>${rows}</div>`;
}

/**
 * The button that shows the next page of a list, if there is one.
 * @param {{pages: ReturnType<import('../resource.js').usePages>}} props
 */
export function More({ pages }) {
  const { next, isLoading, more } = pages;
  return next && !isLoading && html`<p class="actions"><${Button} onClick=${more}>${t.more}<//></p>`;
}

/**
 * A field that searches. It tells of a text once the person stops to type for a moment.
 * @param {{label: string, placeholder?: string, value: string, onChange: (text: string) => void}} props
 */
export function Search({ label, placeholder = '', value, onChange }) {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => setText(value), [value]);
  const change = (event) => {
    const next = event.target.value;
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(next.trim()), 250);
  };
  return html`<div class="search" role="search">
    <${Icon} name="search" />
    <input type="search" aria-label=${label} placeholder=${placeholder} value=${text} onInput=${change}
      autocomplete="off" spellcheck="false" />
  </div>`;
}

/** A button that copies a text. */
export function Copy({ text, label = t.copy, tone = '' }) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setIsCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      copyBySelection(text);
    }
    setIsCopied(true);
    announce(t.copied);
  };
  return html`<${Button} tone=${tone} icon=${isCopied ? 'check' : 'copy'} onClick=${copy}>
    ${isCopied ? t.copied : label}
  <//>`;
}

/** Copies without the clipboard interface, which browsers offer only in secure contexts. */
function copyBySelection(text) {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'for-readers';
  const host = document.querySelector('dialog[open]') ?? document.body;
  host.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

/** A dialog. It opens when it is rendered, keeps the focus inside, and closes with Escape. */
export function Dialog({ title, onClose, children, actions }) {
  const ref = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = ref.current;
    dialog.showModal();
    (dialog.querySelector('.dialog-body :is(input, select, textarea)') ?? dialog.querySelector('h2')).focus();
    return () => {
      dialog.close();
      before?.focus?.({ preventScroll: true });
    };
  }, []);
  return html`<dialog ref=${ref} class="dialog" aria-labelledby=${id}
    onCancel=${(event) => {
      event.preventDefault();
      onClose();
    }}>
    <header><h2 id=${id} tabindex="-1">${title}</h2>
      <button type="button" class="plain" aria-label=${t.close} onClick=${onClose}><${Icon} name="cross" /></button>
    </header>
    <div class="dialog-body">${children}</div>
    ${actions && html`<footer class="actions">${actions}</footer>`}
  </dialog>`;
}

/** A field with its label, help and problem. `children` gets the attributes of the control. */
export function Field({ label, help, problem, isOptional, children }) {
  const id = useId();
  const described = [help && `${id}h`, problem && `${id}p`].filter(Boolean).join(' ') || undefined;
  return html`<div class=${`field ${problem ? 'wrong' : ''}`}>
    <label for=${id}>${label}${isOptional && html` <span class="quiet-text">${t.optional}</span>`}</label>
    ${children({ id, 'aria-describedby': described, 'aria-invalid': problem ? 'true' : undefined })}
    ${problem && html`<p class="problem" id=${`${id}p`}><${Icon} name="alert" />${problem}</p>`}
    ${help && html`<p class="help" id=${`${id}h`}>${help}</p>`}
  </div>`;
}

/** A switch that is on or off. */
export function Switch({ label, isOn, isBusy, onChange }) {
  return html`<button type="button" role="switch" class="switch" aria-checked=${isOn ? 'true' : 'false'}
    aria-label=${label}
    aria-disabled=${isBusy ? 'true' : undefined} onClick=${() => !isBusy && onChange(!isOn)}><span></span></button>`;
}

/** A choice of one among a few, in one row. `choices` is an object of value to text. */
export function Choices({ label, choices, value, onChange }) {
  return html`<div class="choices" role="group" aria-label=${label}>
    ${Object.entries(choices).map(
      ([key, text]) => html`<button key=${key} type="button"
      aria-pressed=${key === value ? 'true' : 'false'} onClick=${() => onChange(key)}>${text}</button>`,
    )}
  </div>`;
}

let announced = () => {};

/**
 * Shows a short message, which screen readers read aloud.
 * @param {string} text
 */
export const announce = (text) => announced(text);

/**
 * Shows that something was taken back, and which processes have not confirmed it.
 * @param {string} text
 * @param {{remaining: string[]} | null} answer `null` if all have
 */
export const announceWithdrawn = (text, answer) =>
  announce(answer?.remaining.length ? `${text} ${t.remaining(answer.remaining)}` : text);

/** The place of short messages. */
export function Messages() {
  const [message, setMessage] = useState({ text: '', count: 0 });
  useEffect(() => {
    announced = (text) => setMessage((was) => ({ text, count: was.count + 1 }));
  }, []);
  useEffect(() => {
    if (!message.text) return undefined;
    // A long message stays until it is read.
    const time = Math.max(5000, message.text.length * 80);
    const timer = setTimeout(() => setMessage((was) => ({ ...was, text: '' })), time);
    return () => clearTimeout(timer);
  }, [message.count]);
  return html`<div class="messages" role="status" aria-live="polite">
    ${message.text && html`<p key=${message.count}>${message.text}</p>`}
  </div>`;
}

/** Shows `fallback` in place of a part that threw an error. */
export class Guarded extends Component {
  componentDidCatch(error) {
    this.setState({ error });
    console.error(error);
  }

  render({ children, fallback }, { error }) {
    return error ? fallback(error) : children;
  }
}
