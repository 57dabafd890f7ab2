/**
 * The entry of the page: exchanges a code, reads who the visitor is, and shows the screen of the route.
 */
import { html, render, useEffect, useLayoutEffect, useState } from './vendor/preact-htm.js';
import { api, request, setForAllOwners, setOnSignedOut } from './api.js';
import { startLive, stopLive } from './live.js';
import { Me } from './me.js';
import { match, navigate, savedScroll, startRouter, useRoute } from './router.js';
import { useHints, useReadAgain } from './resource.js';
import { exchange, isLink, onTokenChange, takeCode, token } from './session.js';
import { texts } from './texts.js';
import { useWaiting } from './waiting.js';
import { Button, Guarded, Loading, Messages, Problem, Title } from './ui/parts.js';
import { applyTheme, Shell } from './ui/shell.js';
import { Connections, firstPage } from './screens/connections.js';

const lazy = (load) => ({ load });
const SCREENS = [
  ['/', Connections],
  ['/connections', Connections],
  ['/connect', lazy(() => import('./screens/connect.js'))],
  ['/connect/:kind', lazy(() => import('./screens/connect-kind.js'))],
  ['/setups/:id', lazy(() => import('./screens/setup.js'))],
  ['/connections/:id', lazy(() => import('./screens/connection.js'))],
  ['/extensions', lazy(() => import('./screens/extensions.js'))],
  ['/extensions/:name', lazy(() => import('./screens/extension.js'))],
  ['/agents', lazy(() => import('./screens/agents.js'))],
  ['/agents/:name', lazy(() => import('./screens/agent.js'))],
  ['/approvals', lazy(() => import('./screens/approvals.js'))],
  ['/approvals/:id', lazy(() => import('./screens/approval.js'))],
  ['/consent', lazy(() => import('./screens/consent.js'))],
  ['/profiles', lazy(() => import('./screens/profiles.js'))],
  ['/usage', lazy(() => import('./screens/usage.js'))],
  ['/activity', lazy(() => import('./screens/activity.js'))],
  ['/uses', lazy(() => import('./screens/uses.js'))],
  ['/system', lazy(() => import('./screens/system.js'))],
];
const LINK = lazy(() => import('./screens/link.js'));
const ENTRY = lazy(() => import('./screens/entry.js'));
const LINK_ENDED = lazy(() => import('./screens/link-ended.js'));

/** Renders a screen whose module is loaded when it is first needed. */
function Lazy({ screen, ...props }) {
  const [loaded, setLoaded] = useState({ screen: null, Screen: null, error: null });
  useEffect(() => {
    screen.load().then(
      (module) => setLoaded({ screen, Screen: module.default, error: null }),
      (error) => setLoaded({ screen, Screen: null, error }),
    );
  }, [screen]);
  if (loaded.screen !== screen) return html`<${Loading} />`;
  if (loaded.error) return html`<${Broken} message=${texts.common.newVersion} />`;
  return html`<${loaded.Screen} ...${props} />`;
}

function Broken({ message }) {
  return html`<${Title}>${texts.product}<//><${Problem} error=${{ message }}>
    <${Button} tone="primary" onClick=${() => location.reload()}>${texts.common.reload}<//>
  <//>`;
}

function NotFound() {
  return html`<${Title}>${texts.common.notFound}<//><p>${texts.common.notFoundHelp}</p>`;
}

function Screen({ path, query }) {
  const found = match(path, SCREENS);
  useLayoutEffect(() => {
    const scroll = savedScroll();
    window.scrollTo({ top: scroll, behavior: 'instant' });
    if (scroll) requestAnimationFrame(() => window.scrollTo({ top: scroll, behavior: 'instant' }));
  }, [path]);
  if (!found) return html`<${NotFound} />`;
  const props = { ...found.params, query };
  const key = JSON.stringify(found.params);
  return html`<${Guarded} key=${path} fallback=${(error) => html`<${Broken}
    message=${String(error.message ?? error)} />`}>
    ${
      found.value.load
        ? html`<${Lazy} key=${key} screen=${found.value} ...${props} />`
        : html`<${found.value} key=${key} ...${props} />`
    }
  <//>`;
}

/** Reads who the visitor is, and how many connections need attention. */
function useVisit(hasToken) {
  const [visit, setVisit] = useState({ me: null, attention: 0, error: null });
  const count = () =>
    api.get('/connections', { limit: 1 }).then(
      (page) => setVisit((was) => ({ ...was, attention: page.counts ? texts.connections.badge(page.counts) : 0 })),
      () => {},
    );
  const load = async () => {
    try {
      const me = await api.get('/me');
      setForAllOwners(me.owner === null && me.role === 'admin');
      setVisit((was) => ({ ...was, me, error: null }));
      const hasList = ['read', 'use', 'manage', 'admin'].includes(me.role);
      if (hasList) startLive();
    } catch (error) {
      if (error.status !== 401) setVisit((was) => ({ ...was, error }));
    }
  };
  useEffect(() => {
    if (!hasToken) {
      stopLive();
      setVisit({ me: null, attention: 0, error: null });
      return;
    }
    void load();
  }, [hasToken]);
  useEffect(() => firstPage.subscribe((attention) => setVisit((was) => ({ ...was, attention }))), []);
  const isListed = ['read', 'use', 'manage', 'admin'].includes(visit.me?.role);
  useEffect(() => {
    const path = location.pathname;
    if (isListed && !firstPage.isShown(path)) void count();
  }, [isListed]);
  useHints(isListed ? ['connection'] : [], undefined, count);
  useReadAgain(visit.error, [], load);
  return { ...visit, reload: load };
}

function App({ failure }) {
  const { path, query } = useRoute();
  const [access, setAccess] = useState({ token: token(), failure });
  const visit = useVisit(access.token !== null);
  const waiting = useWaiting(['manage', 'admin'].includes(visit.me?.role));
  useEffect(() => {
    const changed = () => setAccess({ token: token(), failure: null });
    setOnSignedOut((wasLink) => setAccess({ token: null, failure: { code: 'ended', isLink: wasLink } }));
    onTokenChange(changed);
    const onHash = () =>
      void start(true).then((next) => next !== undefined && setAccess({ token: token(), failure: next }));
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);

  // The page of a link whose visitor has no token any more is at the path of links.
  const isOfLink = access.failure ? access.failure.isLink : access.token === null && path === '/link';
  if (isOfLink) {
    const failure = access.failure ?? { code: 'ended' };
    return html`<${Lazy} screen=${LINK_ENDED} failure=${failure} /><${Messages} />`;
  }
  if (access.token === null || access.failure) {
    const go = () => {
      setAccess({ token: token(), failure: null });
      navigate('/', { replace: true });
    };
    return html`<${Lazy} screen=${ENTRY} failure=${access.failure} onContinue=${token() ? go : null} /><${Messages} />`;
  }
  if (visit.me?.role === 'extension') {
    return html`<${Lazy} screen=${ENTRY} failure=${{ code: 'extension' }} /><${Messages} />`;
  }
  if (visit.me?.role === 'link' || isLink()) {
    return html`<${Me.Provider} value=${visit.me}>
      <${Lazy} screen=${LINK} me=${visit.me} error=${visit.error} onRetry=${visit.reload} /><${Messages} />
    <//>`;
  }
  return html`<${Me.Provider} value=${visit.me}>
    <${Shell} path=${path} me=${visit.me} attention=${visit.attention} waiting=${waiting}>
      ${visit.error && html`<${Problem} error=${visit.error} onRetry=${visit.reload} />`}
      <${Screen} key=${visit.me?.owner === null} path=${path} query=${query} />
    <//>
    <${Messages} />
  <//>`;
}

/**
 * Exchanges the code in the address, if there is one.
 * @returns {Promise<null | undefined | {code: string}>} `undefined` without a code, `null` after success
 */
async function start() {
  const taken = takeCode();
  if (!taken) return undefined;
  try {
    await exchange(taken, request);
    if (!taken.isLink && /\/link$/.test(location.pathname)) navigate('/', { replace: true, quiet: true });
    return null;
  } catch (error) {
    // A visitor who opens the link again in the same tab is let in already.
    if (taken.isLink && isLink() && error.code === 'code_used') return null;
    return { code: error.code, isLink: taken.isLink, error };
  }
}

applyTheme();
startRouter();
const failure = (await start()) ?? null;
render(html`<${App} failure=${failure} />`, document.getElementById('app'));
