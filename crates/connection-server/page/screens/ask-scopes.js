/**
 * The button that begins a re-authorization with further scopes.
 */
import { html } from '../vendor/preact-htm.js';
import { api } from '../api.js';
import { useAction } from '../resource.js';
import { texts } from '../texts.js';
import { Button, Problem } from '../ui/parts.js';
import { goTo } from '../ui/shell.js';

/** @param {{connection: string, scopes: string[]}} props `connection` is an id */
export function AskScopes({ connection, scopes }) {
  const ask = useAction(async () => {
    const setup = await api.post('/setups', { connection, scopes }, { creates: true });
    goTo(`/setups/${setup.id}`);
  });
  return html`<div class="actions">
      <${Button} tone="primary" isBusy=${ask.isBusy} onClick=${ask.run}>${texts.extensions.askScopes}<//>
    </div>
    <${Problem} error=${ask.error} />`;
}
