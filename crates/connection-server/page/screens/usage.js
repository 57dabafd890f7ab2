/**
 * How much of each account's quota is used, and its history.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { part } from '../api.js';
import { ago, at, clock, date, dollars, number, percent, sentences } from '../format.js';
import { usePages, useResource } from '../resource.js';
import { href } from '../router.js';
import { texts } from '../texts.js';
import { Tile } from '../ui/icons.js';
import { Choices, Empty, Loading, More, Note, Problem, takeFocus, Time, Title } from '../ui/parts.js';
import { Plot } from '../ui/plot.js';

const t = texts.usage;

/** Returns the share of a metric that is used, what it says, and when it resets; `null` for an unknown metric. */
function reading(metric) {
  switch (metric.kind) {
    case 'time_window': {
      const counted = metric.used !== undefined && metric.limit !== undefined;
      const amount = counted
        ? `${t.of(number(metric.used), number(metric.limit))} ${metric.unit ?? ''}`
        : t.percent(percent(metric.utilization));
      return { share: metric.utilization, amount, end: metric.resetsAt, words: t.resets };
    }
    case 'token_utilization':
      return {
        share: metric.max ? metric.used / metric.max : null,
        amount: metric.max ? t.of(number(metric.used), number(metric.max)) : number(metric.used),
      };
    case 'monthly_spend': {
      const { spentUsd, budgetUsd } = metric;
      const amount = budgetUsd ? t.ofBudget(dollars(spentUsd), dollars(budgetUsd)) : t.spent(dollars(spentUsd));
      return {
        share: budgetUsd ? spentUsd / budgetUsd : null,
        amount,
        end: metric.cycleEnd,
        words: () => t.cycle(date(metric.cycleEnd)),
      };
    }
    default:
      return null;
  }
}

const toneOf = (share) => (share >= 0.9 ? 'bad' : share >= 0.75 ? 'warn' : 'live');

/** Returns the time of day of a moment today or tomorrow, and otherwise its date, too. */
const near = (time) => (new Date(time) - Date.now() < 72000000 ? clock(time) : at(time));

/** A metric as a bar, with the time when it resets. */
function Metric({ metric }) {
  const read = reading(metric);
  const label = metric.label ?? metric.id ?? metric.kind;
  if (!read) return html`<div class="metric"><p><strong>${label}</strong></p></div>`;
  const { share, amount, end, words } = read;
  const width = share === null ? 0 : Math.max(0.4, Math.min(100, share * 100));
  return html`<div class="metric">
    <p class="metric-head"><strong>${label}</strong><span>${amount}</span></p>
    ${
      share !== null &&
      html`<svg class=${`bar ${toneOf(share)}`} viewBox="0 0 100 6" preserveAspectRatio="none" role="meter"
        aria-label=${label}
      aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share * 100)}>
      <rect class="bar-back" width="100" height="6" /><rect class="bar-used" width=${width} height="6" /></svg>`
    }
    <p class="quiet-text">${end ? html`<time dateTime=${end}>${words(ago(end), near(end))}</time>`
      : share === null && t.noLimit}</p>
  </div>`;
}

/** The plots of one account's metrics. */
function History({ usage, days }) {
  const path = `/connections/${part(usage.connection)}/usage`;
  const { data, error, reload } = useResource(path, { query: { days }, hints: ['usage'] });
  if (error) return html`<${Problem} error=${error} onRetry=${reload} />`;
  if (!data) return html`<${Loading} lines=${2} />`;
  const own = data.series.filter((series) => series.points.length > 1);
  if (!own.length) return html`<p class="quiet-text">${t.noHistory}</p>`;
  const metricOf = (id) => usage.snapshot?.metrics.find((metric) => metric.id === id);
  const groups = new Map();
  for (const series of own) {
    const metric = metricOf(series.metric);
    const form = metric?.kind ?? 'other';
    if (!groups.has(form)) groups.set(form, []);
    groups.get(form).push({ name: metric?.label ?? series.metric, points: series.points });
  }
  const formats = { time_window: (value) => percent(value), monthly_spend: (value) => dollars(value) };
  return [...groups].map(
    ([form, series]) => html`<${Plot} key=${`${form} ${days}`} series=${series} format=${formats[form] ?? number}
    isShare=${form === 'time_window'} />`,
  );
}

function Account({ usage, days }) {
  const { kind, account, authMode, connection, error, snapshot } = usage;
  return html`<section class="panel">
    <header><div class="with-tile"><${Tile} title=${usage.kindTitle ?? kind} seed=${usage.provider ?? kind}
      kind=${kind} />
      <div><h2>${connection ? html`<a href=${href(`/connections/${part(connection)}`)}
        onClick=${() => (takeFocus.wanted = true)}><bdi>${account ?? kind}</bdi></a>` : (account ?? kind)}</h2>
        <p class="quiet-text">${usage.kindTitle ?? kind}${authMode && ` · ${t.authMode[authMode] ?? authMode}`}</p>
          </div></div>
      ${snapshot && html`<p class="quiet-text"><${Time} of=${snapshot.observedAt} words=${t.age} /></p>`}</header>
    ${error && html`<${Note} tone="warn" icon="clock"><p>${sentences(error)}</p><//>`}
    ${snapshot && html`<div class="metrics">${snapshot.metrics.map((metric, index) => html`<${Metric}
      key=${metric.id ?? index} metric=${metric} />`)}</div>`}
    ${connection && html`<div class="plots"><h3>${t.history}</h3><${History} usage=${usage} days=${days} /></div>`}
  </section>`;
}

/** The usage of every account. */
export default function Usage() {
  const pages = usePages('/usage', {}, ['usage']);
  const { items, isLoading, error, reload } = pages;
  const [days, setDays] = useState('7');
  return html`<div class="screen wide">
    <header class="head"><div><${Title}>${t.title}<//><p class="lead">${t.intro}</p></div>
      ${items.length > 0 && html`<${Choices} label=${t.range} choices=${t.days} value=${days} onChange=${setDays} />`}
        </header>
    <${Problem} error=${error} onRetry=${reload} />
    ${isLoading && !items.length && html`<${Loading} />`}
    ${!isLoading && !error && !items.length && html`<${Empty} title=${t.emptyTitle}>${t.empty}<//>`}
    ${items.length > 0 && html`<div class="accounts">${items.map((usage) => html`<${Account}
      key=${`${usage.kind} ${usage.profile} ${usage.connection}`} usage=${usage} days=${days} />`)}</div>`}
    <${More} pages=${pages} />
  </div>`;
}
