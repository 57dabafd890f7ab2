#!/usr/bin/env node
/**
 * Visits every screen in both themes and three widths, and fails on what axe-core finds, script errors, violations of
 * the content security policy, and screens that are wider than the window.
 *
 * Run it in a directory with the packages: `npm install puppeteer-core axe-core`, then
 * `node PAGE/dev/check.mjs [--only NAME] [--shots DIRECTORY]`. `CHROMIUM` names the browser.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { startMock } from './mock.mjs';
import { SCREENS } from './screens.mjs';

const require = createRequire(join(process.cwd(), 'package.json'));
const { default: puppeteer } = await import(require.resolve('puppeteer-core'));
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : null);
const only = option('--only');
const shots = option('--shots');
const WIDTHS = [
  [360, 780],
  [1024, 768],
  [2560, 1440],
];
const THEMES = ['light', 'dark'];
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Repeats a question until its answer is yes, for ten seconds at most. */
async function until(ask) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await ask().catch(() => false)) return true;
    await pause(100);
  }
  return false;
}

/** Waits until a screen has its title and nothing on it loads. */
const isReady = (page) =>
  until(() => page.evaluate(() => document.querySelector('h1') && !document.querySelector('.bone')));

/** Runs in the page: clicks the first visible control whose name begins with the text. */
function clickOn(text, inDialog) {
  const scope = document.querySelector('dialog[open]') && inDialog ? document.querySelector('dialog[open]') : document;
  const isVisible = (element) =>
    element.checkVisibility() && !(element.closest('dialog') === null && document.querySelector('dialog[open]'));
  const nameOf = (element) =>
    (element.querySelector('strong')?.textContent ?? element.getAttribute('aria-label') ?? element.textContent).trim();
  const found = [...scope.querySelectorAll('button, a, summary')].filter(isVisible);
  const target =
    found.find((element) => nameOf(element) === text) ?? found.find((element) => nameOf(element).startsWith(text));
  target?.click();
  return Boolean(target);
}

async function take(page, step, fail) {
  const [verb, ...rest] = step.split(' ');
  const inDialog = rest[0] === 'dialog' && rest.shift();
  const text = rest.join(' ');
  if (verb === 'click' && !(await until(() => page.evaluate(clickOn, text, Boolean(inDialog)))))
    fail(`there is nothing to click named ${text}`);
  if (verb === 'type') {
    await page.evaluate(() => {
      const isField = document.activeElement.matches('input, select, textarea');
      if (!isField) document.querySelector('main :is(input, textarea):not([type=checkbox])')?.focus();
    });
    await page.keyboard.type(text);
  }
  if (verb === 'press') await page.keyboard.press(text);
  if (verb === 'wait') await pause(Number(text));
  if (verb === 'scroll') await page.evaluate((y) => window.scrollTo(0, y), Number(text));
  await pause(300);
  await isReady(page);
}

/** Replaces `@kind:label` by the id of that connection. */
async function resolve(page, path) {
  const found = /@([\w-]+)(?::([\w-]+))?/.exec(path);
  if (!found) return path;
  const id = await page.evaluate(
    async (kind, label) => {
      const base = document.querySelector('script').src.replace(/assets\/.*/, '');
      const headers = { Authorization: `Bearer ${localStorage['connections.token']}` };
      const { items } = await (await fetch(`${base}api/v1/connections?limit=500`, { headers })).json();
      return items.find((each) => each.kind === kind && (!label || each.label === label))?.id;
    },
    found[1],
    found[2] ?? null,
  );
  return path.replace(found[0], id);
}

let visits = 0;

async function open(page, address, [, code, path, steps], fail) {
  const isLink = code?.startsWith('link');
  visits += 1;
  const fragment = code ? `#${isLink ? 'link' : 'code'}=${code}.${visits}` : '';
  await page.goto(`${address}${isLink ? '/link' : '/'}${fragment}`, { waitUntil: 'load' });
  await isReady(page);
  if (path !== '/' && !isLink) {
    await page.goto(address + (await resolve(page, path)), { waitUntil: 'load' });
    await isReady(page);
  }
  for (const step of steps) await take(page, step, fail);
}

async function audit(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map(({ target, failureSummary }) => `${target} ${failureSummary.split('\n').slice(1, 3).join(' ')}`)
        .join(' | ')}`,
  );
}

async function visit(browser, address, screen, [width, height], theme) {
  const [name, , , , options = {}] = screen;
  const problems = [];
  const fail = (text) => problems.push(text);
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.on('pageerror', (error) => fail(`script error: ${error.message}`));
  page.on('console', (message) => {
    const isRefusal = options.refuses && message.text().startsWith('Failed to load resource');
    if (['error', 'warn', 'warning'].includes(message.type()) && !isRefusal) fail(`console: ${message.text()}`);
  });
  await page.evaluateOnNewDocument(() =>
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    ),
  );
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: theme },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ]);
  await page.setViewport({ width, height });
  await open(page, address, screen, fail);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (excess > 0) fail(`the screen is ${excess} pixels too wide`);
  const titles = await page.evaluate(() => document.querySelectorAll('h1').length);
  if (titles !== 1) fail(`there are ${titles} headings of the first level`);
  if (shots) await page.screenshot({ path: join(shots, `${name}-${width}-${theme}.png`) });
  // The script of axe-core is evaluated through the debugger, which the policy of the page does not concern.
  for (const text of await audit(page)) fail(`axe: ${text}`);
  await context.close();
  return problems;
}

if (shots) mkdirSync(shots, { recursive: true });
const { server, address } = await startMock({ port: 0, base: '/some/prefix' });
const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
const launch = () => puppeteer.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
let failed = 0;
let visited = 0;
const jobs = [];
for (const screen of SCREENS.filter(([name]) => !only || name.startsWith(only))) {
  for (const size of WIDTHS.filter(([width]) => !screen[4]?.width || screen[4].width === width))
    for (const theme of THEMES) jobs.push([screen, size, theme]);
}
/** Visits once more, with another browser, if the browser itself ended. */
const attempt = async (holder, job) => {
  for (let left = 3; ; left -= 1) {
    if (!holder.browser?.connected) holder.browser = await launch();
    const problems = await visit(holder.browser, address, ...job).catch((error) => [error.message]);
    if (holder.browser.connected || !left) return problems;
  }
};
const work = async () => {
  const holder = {};
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    const [screen, size, theme] = job;
    const problems = await attempt(holder, job);
    visited += 1;
    if (problems.length) failed += 1;
    for (const problem of problems) console.log(`${screen[0]} ${size[0]} ${theme}: ${problem}`);
  }
  await holder.browser?.close();
};
await Promise.all([work(), work()]);
server.close();
console.log(`${visited} visits, ${failed} with problems`);
process.exit(failed ? 1 : 0);
