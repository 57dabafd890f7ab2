/** Tests what a person does with a setup, for `behaviour.mjs`. */
import assert from 'node:assert/strict';
import { startMock } from './mock.mjs';
import { click, enter, hasField, hasText, hasTitle, pathOf, pick, until } from './visitor.mjs';

/**
 * Adds the tests of setups.
 * @param {(name: string, run: (given: {context: object, mock: object}) => Promise<void>) => void} test
 */
export function testSetups(test) {
  test('a setup is found by a reload, a second tab and the back button', async ({ context, mock }) => {
    const page = await enter(context, mock, 'demo', '/connect');
    await pick(page, 'OpenAI');
    await hasTitle(page, 'Connect OpenAI');
    const path = await pathOf(page);
    await page.reload();
    await hasField(page, 'apiKey');
    assert.equal(await pathOf(page), path);
    await page.goBack();
    await hasText(page, 'Unfinished');
    await click(page, 'a.button', 'Continue');
    await hasField(page, 'apiKey');
    const second = await context.newPage();
    await second.goto(new URL(path, mock.address).href);
    await hasField(second, 'apiKey');
    await page.bringToFront();
    await page.type('[data-field=apiKey]', 'sk-test');
    await click(page, 'button', 'Continue');
    await hasText(page, 'Connected as');
    await second.bringToFront();
    await hasText(second, 'Connected as');
  });

  test('a setup continues after the server was restarted', async ({ context, mock }) => {
    const page = await enter(context, mock, 'demo', '/connect');
    await pick(page, 'GitHub');
    await hasField(page, 'accessToken');
    await page.type('[data-field=accessToken]', 'ghp_abc');
    const { port } = mock.server.address();
    mock.server.closeAllConnections();
    await new Promise((resolve) => mock.server.close(resolve));
    await hasText(page, 'The server cannot be reached. Trying again');
    // The answer that was not sent says it in place of the note, until the server is back.
    await click(page, 'button', 'Continue');
    await hasText(page, 'Check that it is running, and try again.');
    const notes = () =>
      page.evaluate(() => document.querySelector('main').innerText.split('The server cannot be reached.').length - 1);
    for (let turn = 0; turn < 20; turn += 1) {
      assert.equal(await notes(), 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    Object.assign(mock, await startMock({ port, base: '/base', worlds: mock.worlds }));
    await until(page, () => !document.body.innerText.includes('cannot be reached'));
    assert.equal(await page.evaluate(() => document.querySelector('[data-field=accessToken]').value), 'ghp_abc');
    await click(page, 'button', 'Continue');
    await hasText(page, 'Connected as');
  });

  test('the problem with an answer is shown at its field, and the answer stays', async ({ context, mock }) => {
    const page = await enter(context, mock, 'demo', '/connect');
    await pick(page, 'GitHub');
    await hasField(page, 'accessToken');
    await page.type('[data-field=accessToken]', 'not a token');
    await click(page, 'button', 'Continue');
    await hasText(page, 'This does not have the expected form.');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-invalid')), 'true');
  });

  test('an address that is no web address is never a link', async ({ context, mock }) => {
    const page = await enter(context, mock, 'demo', '/connect');
    await pick(page, 'Gmail');
    await hasText(page, 'Sign in at');
    const [setup] = page.world().setups.values();
    clearTimeout(setup.timer);
    setup.script[0].open = 'javascript:alert(1)';
    await page.reload();
    await hasText(page, 'This address cannot be opened from the page.');
    assert.equal(await page.evaluate(() => document.querySelectorAll('a[href^="javascript"]').length), 0);
  });

  test('the end of each step of a setup leaves the focus on what comes next', async ({ context, mock }) => {
    const hasFocus = (page, text) => until(page, (wanted) => document.activeElement.innerText.trim() === wanted, text);
    const page = await enter(context, mock, 'demo', '/connect');
    const begin = async (title) => {
      await page.goto(`${mock.address}/connect`);
      await pick(page, title);
      await hasTitle(page, `Connect ${title}`);
    };
    const type = async (name) => {
      await until(page, (wanted) => document.activeElement.dataset.field === wanted, name);
      await page.keyboard.type('x');
      await page.keyboard.press('Enter');
    };
    await begin('Gmail');
    await hasFocus(page, 'Is this the right account?');
    await page.keyboard.press('Tab');
    await hasFocus(page, 'Yes, connect this account');
    await page.keyboard.press('Enter');
    await hasFocus(page, 'Show the connection');
    await begin('Anthropic');
    await type('apiKey');
    await hasFocus(page, 'Show the connection');
    await begin('Todoist');
    await click(page, 'button', 'Cancel this setup');
    await click(page, 'dialog button', 'Cancel this setup');
    await hasFocus(page, 'Begin again');
    await begin('Intercom');
    await hasFocus(page, 'Try again now');
    await begin('Zendesk');
    await type('token');
    await hasFocus(page, 'Begin again');
    assert.deepEqual(page.problems, []);
  });

  test('only a kind that asks for nothing is said to need nothing in advance', async ({ context, mock }) => {
    const page = await enter(context, mock, 'demo', '/connect/zoom');
    await hasText(page, 'Nothing in advance.');
    await page.goto(`${mock.address}/connect/xero`);
    await hasText(page, 'Client ID and Client secret');
    assert.ok(!(await page.evaluate(() => document.body.innerText)).includes('Nothing in advance.'));
  });
}
