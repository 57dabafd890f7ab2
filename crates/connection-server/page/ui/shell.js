/**
 * The frame around every screen: navigation, appearance, owner, and the state of live updates.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { onReach, reached } from '../api.js';
import { past } from '../format.js';
import { listen, liveState } from '../live.js';
import { href, navigate } from '../router.js';
import { owner, setOwner } from '../session.js';
import { texts } from '../texts.js';
import { Icon, Mark } from './icons.js';
import { Button, ButtonLink, Dialog, Field, takeFocus, Time } from './parts.js';

const t = texts.nav;
const PLACES = [
  ['/', 'connections', t.connections],
  ['/extensions', 'extensions', t.extensions],
  ['/agents', 'agents', t.agents],
  ['/approvals', 'approvals', t.approvals],
  ['/profiles', 'profiles', t.profiles],
  ['/usage', 'usage', t.usage],
  ['/activity', 'activity', t.activity],
  ['/system', 'system', t.system],
];
const THEME = 'connections.theme';

/** Applies the appearance that a person chose, if one is kept. */
export function applyTheme() {
  let theme = '';
  try {
    theme = localStorage.getItem(THEME) ?? '';
  } catch {
    // Without storage, the page follows the system.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  return theme;
}

function isAt(place, path) {
  if (place === '/') return path === '/' || path.startsWith('/connections');
  // Uses are a part of the activity.
  if (place === '/activity' && path === '/uses') return true;
  return path === place || path.startsWith(`${place}/`);
}

/** Returns `true` if the visitor may use a place. */
function isFor(place, area, me) {
  if (place === '/') return true;
  const isAllowed = place !== '/approvals' || ['manage', 'admin'].includes(me?.role);
  return isAllowed && (me?.areas?.includes(area) ?? false);
}

function Theme() {
  const [theme, setTheme] = useState(applyTheme);
  const change = (event) => {
    try {
      localStorage.setItem(THEME, event.target.value);
    } catch {
      // The choice then lasts until the page is loaded again.
    }
    document.documentElement.dataset.theme = event.target.value;
    if (!event.target.value) delete document.documentElement.dataset.theme;
    setTheme(event.target.value);
  };
  const choice = (value, text) => html`<option value=${value} selected=${theme === value}>${text}</option>`;
  return html`<label class="theme"><${Icon} name="theme" /><span class="for-readers">${t.theme}</span>
    <select onChange=${change}>
      ${choice('', t.themeSystem)}${choice('light', t.themeLight)}${choice('dark', t.themeDark)}
    </select>
  </label>`;
}

function Live() {
  const [state, setState] = useState(liveState);
  const [isReached, setIsReached] = useState(() => reached().isReached);
  useEffect(() => listen((hint) => hint.name === 'state' && setState(liveState())), []);
  useEffect(() => onReach(setIsReached), []);
  const { at } = reached();
  if (!isReached && at !== null) {
    return html`<p class="live-state lost"><span class="dot" aria-hidden="true"></span>
      <${Time} of=${new Date(at).toISOString()} form=${past} words=${t.updated} /></p>`;
  }
  return html`<p class=${`live-state ${state}`}><span class="dot" aria-hidden="true"></span>${t[state]}</p>`;
}

function Owner() {
  const [isOpen, setIsOpen] = useState(false);
  const [name, setName] = useState(owner);
  const save = (event) => {
    event.preventDefault();
    setOwner(name.trim() || 'local');
    location.reload();
  };
  return html`<${Button} tone="quiet" onClick=${() => setIsOpen(true)}>${t.owner(owner())}<//>
    ${
      isOpen &&
      html`<${Dialog} title=${t.changeOwner} onClose=${() => setIsOpen(false)}>
      <form onSubmit=${save} class="form">
        <${Field} label=${t.ownerField} help=${t.ownerHelp}>${(control) =>
          html`<input ...${control} value=${name} onInput=${(event) => setName(event.target.value)} />`}<//>
        <p class="actions"><${Button} type="submit" tone="primary">${texts.common.save}<//></p>
      </form>
    <//>`
    }`;
}

/**
 * @param {{path: string, me: object | null, attention: number | string, waiting: number, children: any}} props
 */
export function Shell({ path, me, attention, waiting, children }) {
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => setIsOpen(false), [path]);
  const go = () => {
    takeFocus.wanted = true;
  };
  const toContent = (event) => {
    event.preventDefault();
    document.querySelector('main h1')?.focus();
  };
  const canConnect = !me || me.role === 'manage' || me.role === 'admin';
  return html`<a class="skip" href="#content" onClick=${toContent}>${t.skip}</a>
    <header class=${`rail ${isOpen ? 'open' : ''}`}>
      <div class="rail-top">
        <a class="brand" href=${href('/')} onClick=${go}><${Mark} /><span>${texts.product}</span></a>
        <button type="button" class="plain menu" aria-expanded=${isOpen ? 'true' : 'false'} aria-controls="places"
          onClick=${() => setIsOpen(!isOpen)}><${Icon} name=${isOpen ? 'cross' : 'menu'} /><span>${t.menu}</span>
            </button>
      </div>
      <div class="rail-body" id="places">
        ${
          canConnect &&
          html`<div class="rail-connect" onClick=${go}>
          <${ButtonLink} to="/connect" tone="primary" icon="plus">${t.connectAccount}<//>
        </div>`
        }
        <nav aria-label=${t.label}>
          <ul>${PLACES.filter(([place, area]) => isFor(place, area, me)).map(
            ([place, icon, text]) => html`<li key=${place}>
            <a href=${href(place)} aria-current=${isAt(place, path) ? 'page' : undefined} onClick=${go}>
              <${Icon} name=${icon} /><span>${text}</span>
              ${
                place === '/' &&
                attention !== 0 &&
                html`<span class="count" title=${texts.connections.attention}>
                ${attention}<span class="for-readers"> ${texts.connections.attention}</span></span>`
              }
              ${
                place === '/approvals' &&
                waiting > 0 &&
                html`<span class="count" title=${texts.approvals.count}>
                ${waiting}<span class="for-readers"> ${texts.approvals.count}</span></span>`
              }
            </a>
          </li>`,
          )}</ul>
        </nav>
        <div class="rail-end">
          ${me && me.owner === null && html`<${Owner} />`}
          <${Theme} /><${Live} />
        </div>
      </div>
    </header>
    <main id="content">${children}</main>`;
}

/** Goes to a path, and moves the focus to its title. */
export function goTo(path, options) {
  takeFocus.wanted = true;
  navigate(path, options);
}
