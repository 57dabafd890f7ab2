/** What a visitor does with the page and waits for, for `behaviour.mjs`. */

let visitors = 0;

/** Waits until a function in the page returns something true. */
export const until = (page, ask, ...values) => page.waitForFunction(ask, { timeout: 15000, polling: 50 }, ...values);
export const hasText = (page, text) => until(page, (wanted) => document.body.innerText.includes(wanted), text);
export const hasTitle = (page, text) =>
  until(page, (wanted) => document.querySelector('h1')?.innerText.includes(wanted), text);
export const hasField = (page, name) =>
  until(page, (wanted) => document.querySelector(`[data-field=${wanted}]`), name);
export const pathOf = (page) => page.evaluate(() => location.pathname + location.search + location.hash);
export const click = (page, selector, text) =>
  until(
    page,
    (css, wanted) => {
      const found = [...document.querySelectorAll(css)].find((element) => element.innerText.trim().startsWith(wanted));
      found?.focus();
      found?.click();
      return Boolean(found);
    },
    selector,
    text,
  );
export const pick = (page, title) =>
  until(
    page,
    (wanted) => {
      const found = [...document.querySelectorAll('.kind-pick')].find(
        (element) => element.querySelector('strong').innerText === wanted,
      );
      found?.click();
      return Boolean(found);
    },
    title,
  );

/** Opens the page as a visitor with data of their own. */
export async function enter(context, mock, form = 'demo', path = '') {
  visitors += 1;
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(error.message));
  await page.setViewport({ width: 1100, height: 800 });
  const code = `${form}.t${visitors}`;
  await page.goto(`${mock.address}/#code=${code}`);
  await until(page, () => document.querySelector('h1'));
  if (path) await page.goto(mock.address + path);
  return Object.assign(page, { world: () => mock.worlds.get(code) });
}
