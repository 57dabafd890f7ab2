/**
 * The health of a connection over the last thirty days.
 */
import { html } from '../vendor/preact-htm.js';
import { part } from '../api.js';
import { date, percent } from '../format.js';
import { useResource } from '../resource.js';
import { texts } from '../texts.js';
import { Loading, Problem } from '../ui/parts.js';

const t = texts.connection;
const PARTS = ['live', 'offline', 'failing'];
const HEIGHT = 48;

function describe(day) {
  const total = PARTS.reduce((sum, name) => sum + day[name], 0);
  const shares = PARTS.filter((name) => day[name] > 0).map(
    (name) => `${t.healthParts[name]} ${percent(day[name] / total)}`,
  );
  return t.day(date(`${day.day}T12:00:00`), shares.join(', ') || t.noData);
}

/** A column for each day: what of it the connection was working, unavailable and failing. */
function Strip({ days }) {
  const columns = days.map((day, index) => {
    const total = PARTS.reduce((sum, name) => sum + day[name], 0);
    let y = HEIGHT;
    const x = index * 10;
    const bars = total
      ? PARTS.filter((name) => day[name] > 0).map((name) => {
          const height = Math.max(3, (day[name] / total) * HEIGHT);
          y = Math.max(0, y - height);
          return html`<rect key=${name} class=${name} x=${x} y=${y} width="8" height=${Math.min(height, HEIGHT)} />`;
        })
      : html`<rect class="no-data" x=${x} y=${HEIGHT - 4} width="8" height="4" />`;
    return html`<g key=${day.day}><title>${describe(day)}</title><rect class="hit" x=${x} y="0" width="10"
      height=${HEIGHT} />${bars}</g>`;
  });
  return html`<svg class="health" viewBox=${`0 0 ${days.length * 10 - 2} ${HEIGHT}`} preserveAspectRatio="none"
    aria-hidden="true" focusable="false">${columns}</svg>`;
}

/** @param {{id: string, hints: string[]}} props */
export function Health({ id, hints }) {
  const { data, error, reload } = useResource(`/connections/${part(id)}/health`, { query: { days: 30 }, hints, id });
  if (error) return html`<${Problem} error=${error} onRetry=${reload} />`;
  if (!data) return html`<${Loading} lines=${1} />`;
  const sum = (name) => data.days.reduce((total, day) => total + day[name], 0);
  const measured = PARTS.reduce((total, name) => total + sum(name), 0);
  if (!measured) return html`<p class="quiet-text">${t.healthNone}</p>`;
  const troubled = data.days.filter((day) => day.offline + day.failing > 0);
  return html`<${Strip} days=${data.days} />
    <div class="health-ends quiet-text"><span>${date(`${data.days[0].day}T12:00:00`)}</span><span>
      ${texts.activity.today}</span></div>
    <p>${t.healthSummary(percent(sum('live') / measured, 1))}</p>
    ${troubled.length > 0 && html`<ul class="quiet-text">${troubled.slice(-4).map((day) => html`<li key=${day.day}>
      ${describe(day)}</li>`)}</ul>`}`;
}
