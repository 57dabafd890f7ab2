#!/usr/bin/env node
/**
 * Tests what a person does with the page, against the mock server. It needs `puppeteer-core`, as `check.mjs` does.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { testSetups } from './behaviour-setups.mjs';
import { startMock } from './mock.mjs';
import { click, enter, hasField, hasText, hasTitle, pathOf, pick, until } from './visitor.mjs';

const require = createRequire(join(process.cwd(), 'package.json'));
const { default: puppeteer } = await import(require.resolve('puppeteer-core'));
const only = process.argv[2];
const tests = [];
const test = (name, run) => tests.push({ name, run });

test('a code is exchanged, removed from the address, and kept for further tabs', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await hasTitle(page, 'need you');
  assert.equal(await pathOf(page), '/base/');
  const second = await context.newPage();
  await second.goto(`${mock.address}/activity`);
  await hasTitle(second, 'Activity');
});

test('a visitor without access, or with a code that was used, is told how to get in', async ({ context, mock }) => {
  const page = await context.newPage();
  await page.goto(`${mock.address}/usage`);
  await hasTitle(page, 'Open this page from your terminal');
  await page.goto(`${mock.address}/#code=used`);
  await page.reload();
  await page.goto('about:blank');
  await page.goto(`${mock.address}/#code=used`);
  await hasText(page, 'This address was used before.');
  assert.equal(await pathOf(page), '/base/');
});

test('a token that the server refuses leads to the entry, without a loop', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await page.evaluate(() => (localStorage['connections.token'] = 'gone'));
  await page.reload();
  await hasText(page, 'Your access has ended.');
  assert.equal(await page.evaluate(() => localStorage['connections.token'] ?? null), null);
});

test('a token that is revoked while the page is open leads to the entry without a click', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await until(page, () => document.querySelector('.live-state.live'));
  await page.setRequestInterception(true);
  const requests = [];
  page.on('request', (request) => {
    requests.push(request.url());
    return request.url().endsWith('/live') ? request.respond({ status: 401, body: '{}' }) : request.continue();
  });
  mock.server.closeAllConnections();
  await hasText(page, 'Your access has ended.');
  const live = requests.filter((url) => url.endsWith('/live'));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.deepEqual([live.length, requests.filter((url) => url.endsWith('/live')).length], [1, 1], 'it asks once');
  assert.deepEqual(page.problems, []);
});

test('an account is connected with the keyboard alone', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await hasTitle(page, 'need you');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  for (
    let step = 0;
    step < 10 && !(await page.evaluate(() => document.activeElement.innerText.includes('Connect an account')));
    step += 1
  )
    await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await hasTitle(page, 'Connect an account');
  await until(page, () => document.activeElement.type === 'search' && document.querySelector('.kind'));
  await page.keyboard.type('openai');
  await until(page, () => document.querySelectorAll('.kind').length === 1);
  await page.keyboard.press('Enter');
  await hasTitle(page, 'Connect OpenAI');
  await until(page, () => document.activeElement.dataset.field === 'apiKey');
  await page.keyboard.press('Enter');
  await hasText(page, 'Enter a value for');
  await page.keyboard.type('sk-test');
  await page.keyboard.press('Enter');
  await hasText(page, 'Connected as Ada Lovelace');
  assert.deepEqual(page.problems, []);
});

test('arrow keys walk through the list, and Escape closes a dialog and returns the focus', async ({
  context,
  mock,
}) => {
  const page = await enter(context, mock);
  await until(page, () => document.querySelector('.row-who a'));
  await page.focus('.row-who a');
  const focused = () => page.evaluate(() => document.activeElement.innerText);
  const first = await focused();
  for (let step = 0; step < 20; step += 1) {
    await page.keyboard.press('ArrowDown');
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 60)));
  }
  assert.notEqual(await focused(), first);
  assert.ok(
    await page.evaluate(() => {
      const { top, bottom } = document.activeElement.getBoundingClientRect();
      return document.activeElement.matches('.row-who a') && top >= 0 && bottom <= innerHeight;
    }),
  );
  await page.keyboard.press('Enter');
  await click(page, 'button', 'Rename');
  await until(page, () => document.querySelector('dialog[open] input') === document.activeElement);
  await page.keyboard.press('Escape');
  await until(page, () => !document.querySelector('dialog') && document.activeElement.innerText === 'Rename');
});

test('a page whose server stopped says only what it knows, until the server is back', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await hasTitle(page, '5 connections need you');
  const { port } = mock.server.address();
  mock.server.closeAllConnections();
  await new Promise((resolve) => mock.server.close(resolve));
  await hasText(page, 'The server cannot be reached.');
  await hasText(page, 'The last answer came at');
  const shown = () =>
    page.evaluate(() => ({
      title: document.querySelector('h1').innerText,
      footer: document.querySelector('.live-state').innerText.trim(),
      counts: document.querySelectorAll('.counts, .share').length,
      rows: document.querySelectorAll('.row').length > 0,
    }));
  const expected = { title: 'Connections', footer: 'Last updated less than a minute ago', counts: 0, rows: true };
  // While the page tries again, it does not say that it is up to date.
  for (let turn = 0; turn < 40; turn += 1) {
    assert.deepEqual(await shown(), expected);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  Object.assign(mock, await startMock({ port, base: '/base', worlds: mock.worlds }));
  await page.waitForFunction(() => !document.querySelector('.note.bad'), { timeout: 30000 });
  await hasTitle(page, '5 connections need you');
  await until(page, () => document.querySelector('.live-state').innerText.trim() === 'Live updates');
});

test('a screen without live events reads again what it could not read', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await hasTitle(page, 'need you');
  await page.setRequestInterception(true);
  let isDown = true;
  page.on('request', (request) => {
    if (isDown && request.url().endsWith('/api/v1/system')) return request.respond({ status: 503, body: '' });
    return request.continue();
  });
  await page.goto(`${mock.address}/system`);
  await hasText(page, 'The server answered with status 503.');
  isDown = false;
  await page.waitForFunction(() => document.body.innerText.includes('Its identifier is'), { timeout: 30000 });
});

test('a page that was hidden reads again what changed meanwhile', async ({ context, mock }) => {
  const page = await context.newPage();
  await page.evaluateOnNewDocument(() => {
    const { setTimeout: set } = window;
    window.setTimeout = (run, time, ...rest) => set(run, time === 30000 ? 50 : time, ...rest);
    window.hide = (isHidden) => {
      Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    };
  });
  await page.goto(`${mock.address}/#code=demo.hidden`);
  await hasTitle(page, '5 connections need you');
  await until(page, () => document.querySelector('.live-state.live'));
  await page.evaluate(() => window.hide(true));
  const world = mock.worlds.get('demo.hidden');
  while (world.listeners.size) await new Promise((resolve) => setTimeout(resolve, 50));
  const of = world.connections.find((each) => each.kind === 'twilio');
  Object.assign(of, { needsAttention: false, remedyAction: null, liveness: 'live', reason: null });
  await page.evaluate(() => window.hide(false));
  await hasTitle(page, '4 connections need you');
});

test('the axis of a week has days, and no times of day', async ({ context, mock }) => {
  const page = await context.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  await page.evaluateOnNewDocument(() => {
    window.drawn = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function draw(text, ...rest) {
      window.drawn.push(text);
      return fillText.call(this, text, ...rest);
    };
  });
  await page.goto(`${mock.address}/#code=demo.axis`);
  await hasTitle(page, 'need you');
  await page.goto(`${mock.address}/usage`);
  await until(page, () => window.drawn.filter((text) => /^[A-Z][a-z]+ \d+$/.test(text)).length >= 6);
  const drawn = await page.evaluate(() => window.drawn);
  assert.deepEqual(drawn.filter((text) => text.includes(':')), []);
});

test('the activity names connections, also those that were removed', async ({ context, mock }) => {
  const page = await enter(context, mock, 'demo', '/activity');
  await hasText(page, 'Removed old board');
  await hasText(page, 'State changed old board');
  await hasText(page, 'State changed ada@acme.example');
  assert.equal(await page.evaluate(() => document.querySelector('.event a').innerText), 'ada@acme.example');
  assert.deepEqual(page.problems, []);
  const many = await enter(context, mock, 'many', '/activity');
  await hasText(many, 'Removed old board');
  await until(many, () => [...document.querySelectorAll('.event')].every((event) => event.querySelector('bdi')));
});

test('an extension that lacks a grant alone offers the grant', async ({ context, mock }) => {
  const page = await enter(context, mock, 'demo', '/extensions/meeting-notes?hand-off=1');
  await hasText(page, 'The extension may not use the connected account yet');
  assert.ok(!(await page.evaluate(() => document.body.innerText)).includes('Create a token'));
  await click(page, '.condition > button', 'Grant');
  await click(page, 'dialog button', 'Grant');
  await hasText(page, 'Nothing more is needed.');
  await until(page, () => document.querySelector('.switch[aria-checked=true]'));
});

test('the accounts of an extension are searched in a list that does not grow', async ({ context, mock }) => {
  const page = await enter(context, mock, 'many', '/extensions/issues');
  await until(page, () => document.querySelectorAll('.bounded > li').length > 20);
  const height = await page.evaluate(() => document.querySelector('.bounded').clientHeight);
  assert.ok(height < 800, `${height} pixels`);
  const [granted] = page.world().extensions[0].grants;
  assert.equal(await page.evaluate(() => document.querySelector('.bounded strong').innerText), granted.label);
  const last = page.world().connections.findLast((each) => each.provider === 'github');
  await page.type('.panel input[type=search]', last.label);
  await until(page, () => document.querySelectorAll('.bounded > li').length === 1);
  await until(page, (label) => document.querySelector('.bounded strong').innerText === label, last.label);
  await page.evaluate(() => document.querySelector('.panel input[type=search]').select());
  await page.keyboard.press('Backspace');
  await until(page, () => document.querySelectorAll('.bounded > li').length > 20);
  assert.ok(await page.evaluate(() => document.activeElement.type === 'search'), 'the field keeps the focus');
});

test('markup in what others supply is shown as text', async ({ context, mock }) => {
  const corpus = [
    '<img src=x onerror="window.hit=1">',
    '"><script>window.hit=1</script>',
    '{{constructor.constructor("window.hit=1")()}}',
    "';window.hit=1;//",
    '<svg/onload=window.hit=1>',
    '&lt;b&gt;',
  ];
  const page = await enter(context, mock);
  await hasTitle(page, 'need you');
  const world = page.world();
  const poison = (value, depth = 0) => {
    if (Array.isArray(value)) return value.forEach((each) => poison(each, depth + 1));
    if (!value || typeof value !== 'object' || depth > 6) return undefined;
    for (const [name, inner] of Object.entries(value)) {
      const isText = [
        'label',
        'message',
        'remedy',
        'title',
        'kindTitle',
        'providerTitle',
        'account',
        'description',
        'reason',
        'error',
        'provider',
      ].includes(name);
      if (typeof inner === 'string' && isText) value[name] = corpus[name.length % corpus.length] + inner;
      else poison(inner, depth + 1);
    }
    return undefined;
  };
  ['connections', 'extensions', 'usage', 'profiles', 'events', 'kinds', 'tokens'].forEach((name) =>
    poison(world[name]),
  );
  const { id } = world.connections[0];
  for (const path of [
    '/',
    '/connect',
    `/connections/${id}`,
    '/extensions',
    '/extensions/issues',
    '/profiles',
    '/usage',
    '/activity',
    '/system',
    '/connect/%3Cscript%3E',
    '/?search=%3Cscript%3E',
  ]) {
    await page.goto(mock.address + path);
    await until(page, () => document.querySelector('h1') && !document.querySelector('.bone'));
    const found = await page.evaluate(() => ({
      hit: window.hit ?? null,
      images: document.querySelectorAll('#app img, #app script').length,
    }));
    assert.deepEqual(found, { hit: null, images: 0 }, path);
  }
  assert.deepEqual(page.problems, []);
});

test('an event changes the list of another tab', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await hasTitle(page, '5 connections need you');
  await until(page, () => document.querySelector('.live-state.live'));
  const of = page.world().connections.find((each) => each.kind === 'twilio');
  Object.assign(of, { needsAttention: false, remedyAction: null, liveness: 'live', reason: null });
  for (const listener of page.world().listeners) listener('connection', of.id);
  await hasTitle(page, '4 connections need you');
});

test('10,000 connections are loaded while scrolling, and few rows exist at once', async ({ context, mock }) => {
  const page = await enter(context, mock, 'many');
  await until(page, () => document.querySelectorAll('.row').length > 5);
  let most = 0;
  let slowest = 0;
  const started = Date.now();
  for (let turn = 0; turn < 400; turn += 1) {
    const state = await page.evaluate(async () => {
      const begun = performance.now();
      window.scrollTo(0, document.body.scrollHeight);
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return {
        rows: document.querySelectorAll('.row').length,
        took: performance.now() - begun,
        height: document.body.scrollHeight,
        isLoading: Boolean(document.querySelector('.bone')),
      };
    });
    most = Math.max(most, state.rows);
    slowest = Math.max(slowest, state.took);
    const index = await page.evaluate(() =>
      Math.max(0, ...[...document.querySelectorAll('li[data-index]')].map((row) => Number(row.dataset.index))),
    );
    if (index > 10000 && !state.isLoading) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const last = await page.evaluate(() =>
    Math.max(...[...document.querySelectorAll('li[data-index]')].map((row) => Number(row.dataset.index))),
  );
  console.log(
    `  all loaded after ${Date.now() - started} ms, at most ${most} rows, slowest step ${Math.round(slowest)} ms`,
  );
  assert.ok(last >= 10000, `only ${last} rows`);
  assert.ok(most < 120, `${most} rows at once`);
  const jump = await page.evaluate(async () => {
    const times = [];
    for (let turn = 0; turn < 40; turn += 1) {
      const begun = performance.now();
      window.scrollTo(0, (document.body.scrollHeight / 40) * turn);
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      times.push(performance.now() - begun);
    }
    return times.sort((a, b) => a - b)[20];
  });
  console.log(`  a jump takes ${Math.round(jump)} ms (median)`);
  assert.ok(jump < 150, `${jump} ms`);
  await page.evaluate(() => window.scrollTo(0, 200000));
  await until(page, () => document.querySelector('.row-who a'));
  const before = await page.evaluate(() => scrollY);
  await page.evaluate(() =>
    [...document.querySelectorAll('.row-who a')].find((link) => link.getBoundingClientRect().top > 200).click(),
  );
  await until(page, () => location.pathname.includes('/connections/'));
  await hasText(page, 'Actions');
  await page.goBack();
  await until(page, (wanted) => Math.abs(scrollY - wanted) < 400 && document.querySelector('.row'), before);
});

test('the first screen reads its data at once, after the page', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await page.reload();
  await hasTitle(page, 'need you');
  const timing = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .map(({ name, startTime, responseEnd }) => ({ name, startTime, responseEnd })),
  );
  const of = (text) => timing.find(({ name }) => name.includes(text));
  assert.ok(of('/api/v1/connections').startTime < of('/api/v1/me').responseEnd, 'the list waits for /me');
  const modules = timing.filter(({ name }) => name.endsWith('.js') && name.includes('/assets/'));
  const main = of('/main.js');
  assert.ok(
    modules.every(
      ({ startTime }) => startTime <= main.responseEnd + 1 || startTime > of('/api/v1/connections').startTime,
    ),
    'a module was found late',
  );
});

test('a setup link shows the host, one setup, and the way back', async ({ context, mock }) => {
  const page = await context.newPage();
  await page.goto(`${mock.address}/link#link=link-acme.t`);
  await hasTitle(page, 'Connect your account to Acme Flow');
  assert.equal(await pathOf(page), '/base/link');
  assert.equal(await page.evaluate(() => localStorage['connections.token'] ?? null), null);
  assert.equal(await page.evaluate(() => document.querySelector('nav')), null);
  await pick(page, 'GitHub');
  await hasField(page, 'accessToken');
  await page.reload();
  await hasField(page, 'accessToken');
  assert.equal(
    await page.evaluate(() => getComputedStyle(document.querySelector('.button.primary')).backgroundColor),
    'rgb(122, 31, 162)',
  );
  await page.type('[data-field=accessToken]', 'ghp_abc');
  await click(page, 'button', 'Continue');
  await hasText(page, 'Return to Acme Flow');
  assert.equal(await page.evaluate(() => document.querySelector('.outcome a').href), 'https://flow.acme.example/done');
});

test('removal says what will happen, and then what did', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await hasTitle(page, 'need you');
  const of = page.world().connections.find((each) => each.kind === 'github' && each.isDefault);
  await page.goto(`${mock.address}/connections/${of.id}`);
  await click(page, 'button', 'Remove');
  await hasText(page, 'will no longer be able to use it');
  await click(page, 'dialog button', 'Remove the connection');
  await hasText(page, 'The credential was not revoked');
  await hasText(page, 'Delete it at github.example');
  await new Promise((resolve) => setTimeout(resolve, 800));
  await hasText(page, 'The connection was removed');
  await click(page, 'dialog a', 'All connections');
  await hasTitle(page, '4 connections need you');
});

test('a removal revokes an entered credential only if the box is ticked', async ({ context, mock }) => {
  const page = await enter(context, mock);
  await hasTitle(page, 'need you');
  for (const [box, outcome] of [
    [false, 'The credential was not revoked'],
    [true, 'The provider revoked the credential'],
  ]) {
    const of = page.world().connections.find((each) => each.kind === 'figma');
    const again = structuredClone(of);
    await page.goto(`${mock.address}/connections/${of.id}`);
    await click(page, 'button', 'Remove');
    await hasText(page, 'Revoke the credential at the provider, too');
    assert.equal(await page.evaluate(() => document.querySelector('dialog input[type=checkbox]').checked), false);
    if (box) await page.click('dialog input[type=checkbox]');
    await click(page, 'dialog button', 'Remove the connection');
    await hasText(page, outcome);
    page.world().connections.push(again);
  }
});

test('the poll replaces events that cannot be read', async ({ context, mock }) => {
  const page = await context.newPage();
  await page.setRequestInterception(true);
  let reads = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/live')) return request.abort();
    if (request.url().includes('/connections?')) reads += 1;
    return request.continue();
  });
  await page.goto(`${mock.address}/#code=demo.poll`);
  await until(page, () => document.querySelector('.live-state.polling'));
  const before = reads;
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.ok(reads > before, 'nothing was read again');
});

testSetups(test);

const mock = await startMock({ port: 0, base: '/base' });
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
let failed = 0;
for (const { name, run } of tests.filter((each) => !only || each.name.includes(only))) {
  const context = await browser.createBrowserContext();
  try {
    await run({ context, mock });
    console.log(`ok     ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n  ${error.stack.split('\n').slice(0, 14).join('\n  ')}`);
  }
  await context.close();
}
await browser.close();
mock.server.closeAllConnections();
process.exit(failed ? 1 : 0);
