/**
 * Events as a timeline, newest first, by day.
 */
import { html } from '../vendor/preact-htm.js';
import { part } from '../api.js';
import { eventSentence, eventTone } from '../connection-words.js';
import { clock, day, exactly } from '../format.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Loading, More, Problem, takeFocus } from './parts.js';

/** The name of the connection of an event. One that was removed has no screen. */
function Name({ id, name: { label, kind, isGone } }) {
  if (isGone) {
    return html` <bdi>${label ?? texts.activity.gone}</bdi> <span class="quiet-text">${kind}</span>`;
  }
  return html` <a href=${href(`/connections/${part(id)}`)} onClick=${() => (takeFocus.wanted = true)}>
    <bdi>${label}</bdi></a> <span class="quiet-text">${kind}</span>`;
}

/** One event, with the name of its connection if that is known. */
function Event({ event, connection }) {
  const sentence = eventSentence(event);
  const name = texts.events.names[event.event] ?? event.event;
  return html`<li class=${`event ${eventTone(event)}`}>
    <time dateTime=${event.at} title=${exactly(event.at)}>${clock(event.at)}</time>
    <span class="event-dot" aria-hidden="true"></span>
    <div>
      <p><strong>${name}</strong>${connection && html`<${Name} id=${event.connection} name=${connection} />`}</p>
      ${sentence && html`<p class="quiet-text">${sentence}</p>`}
    </div>
  </li>`;
}

/**
 * @param {{pages: ReturnType<import('../resource.js').usePages>, nameOf?: (id: string) => object | undefined,
 *   none: string}} props `nameOf` returns the name of a connection; without it, all events are of one connection
 */
export function Timeline({ pages, nameOf, none }) {
  const { items, isLoading, error, reload } = pages;
  const days = [];
  for (const event of items) {
    const name = day(event.at);
    if (days.at(-1)?.name !== name) days.push({ name, events: [] });
    days.at(-1).events.push(event);
  }
  return html`<div class="timeline">
    ${days.map(
      ({ name, events }) => html`<section key=${name}>
        ${nameOf ? html`<h2>${name}</h2>` : html`<h3>${name}</h3>`}
      <ol>${events.map((event) => html`<${Event} key=${event.id} event=${event}
        connection=${nameOf?.(event.connection)} />`)}</ol>
        </section>`,
    )}
    <${Problem} error=${error} onRetry=${reload} />
    ${isLoading && html`<${Loading} lines=${items.length ? 1 : 4} />`}
    ${!isLoading && !error && !items.length && html`<p class="quiet-text">${none}</p>`}
    <${More} pages=${pages} />
  </div>`;
}
