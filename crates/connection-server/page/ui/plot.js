/**
 * A plot of values over time, with the same values as a table. uPlot is loaded when the first plot is shown.
 */
import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { at, clock, shortDate } from '../format.js';
import { texts } from '../texts.js';

const t = texts.usage;
const HEIGHT = 180;
const DAY = 86400;
/** The smallest number of pixels between two marks of the axis of time. */
const MARK = 50;
const COLOURS = ['--plot-1', '--plot-2', '--plot-3', '--plot-4'];
const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

let loading = null;

/** Loads uPlot and its styles, once. */
function load() {
  loading ??= new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = new URL('../vendor/uplot.css', import.meta.url).href;
    document.head.append(link);
    import('../vendor/uplot.js').then((module) => resolve(module.default), reject);
  });
  return loading;
}

/** Joins the points of several series into the columns that uPlot draws. */
function columns(series) {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([time]) => time)))].sort((a, b) => a - b);
  const rows = series.map(({ points }) => {
    const values = new Map(points);
    return times.map((time) => values.get(time));
  });
  return [times, ...rows];
}

/** Returns the label of a time on the axis, whose marks are `step` seconds apart. A mark at midnight has the date. */
export function timeLabel(time, step) {
  const day = new Date(time);
  const isMidnight = day.getHours() === 0 && day.getMinutes() === 0;
  return step >= DAY || isMidnight ? shortDate(time) : clock(time);
}

/**
 * Returns the number of pixels between two marks on the axis of time, which is at least that of a day if the plot shows
 * several days. So the labels are either times or days, and do not alternate.
 * @param {number} seconds the time that the plot shows
 * @param {number} width in pixels
 */
export function markSpace(seconds, width) {
  const days = seconds / DAY;
  return days > 3 ? Math.max(MARK, Math.floor(width / days)) : MARK;
}

function draw(UPlot, element, { series, format, isShare }) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  const size = parseFloat(style.fontSize) * 0.8;
  const axis = {
    stroke: colour('--ink-3'),
    font: `${size}px ${colour('--sans')}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return new UPlot(
    {
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      padding: [8, 8, 0, 0],
      scales: { y: { range: (_, low, high) => [isShare ? 0 : Math.min(0, low), isShare ? 1 : high * 1.08 || 1] } },
      axes: [
        {
          ...axis,
          space: (_, __, low, high, width) => markSpace(high - low, width),
          values: (_, times, __, ___, step) => times.map((time) => timeLabel(time * 1000, step)),
        },
        { ...axis, size: size * 5, values: (_, values) => values.map(format) },
      ],
      series: [
        {},
        ...series.map(({ name }, index) => ({
          label: name,
          stroke: colour(COLOURS[index % COLOURS.length]),
          dash: DASHES[index % DASHES.length],
          width: 2,
          spanGaps: true,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [(plot) => element.dispatchEvent(new CustomEvent('point', { detail: plot.cursor.idx }))] },
    },
    columns(series),
    element,
  );
}

/** What the plot shows at the pointer, or now. */
function Legend({ series, format, index, times }) {
  const time = index === null ? null : times[index];
  const valueAt = (points) => (time === null ? points.at(-1) : points.find(([each]) => each === time))?.[1];
  return html`<ul class="legend">
    ${series.map(({ name, points }, row) => {
      const value = valueAt(points);
      return html`<li key=${name} class=${`plot-${(row % COLOURS.length) + 1}`}><svg viewBox="0 0 24 4"
        aria-hidden="true"><path d="M0 2h24" /></svg>
        ${name} <strong>${value === undefined ? '' : format(value)}</strong></li>`;
    })}
    ${time !== null && html`<li class="quiet-text">${at(time * 1000)}</li>`}
  </ul>`;
}

/**
 * @param {{series: {name: string, points: [number, number][]}[], format: (value: number) => string,
 *   isShare: boolean}} props
 */
export function Plot({ series, format, isShare }) {
  const ref = useRef(null);
  const [index, setIndex] = useState(null);
  const times = columns(series)[0];
  const key = JSON.stringify(series.map(({ points }) => points.at(-1)));
  useEffect(() => {
    let plot = null;
    let isEnded = false;
    const element = ref.current;
    const again = () => {
      plot?.destroy();
      plot = null;
      load().then(
        (UPlot) => {
          if (!isEnded && !plot && element.clientWidth) plot = draw(UPlot, element, { series, format, isShare });
        },
        () => {},
      );
    };
    const onPoint = (event) => setIndex(event.detail ?? null);
    let width = 0;
    const observer = new ResizeObserver(([entry]) => {
      if (Math.abs(entry.contentRect.width - width) < 1) return;
      width = entry.contentRect.width;
      if (plot) plot.setSize({ width, height: HEIGHT });
    });
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    const theme = new MutationObserver(again);
    again();
    observer.observe(element);
    dark.addEventListener('change', again);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    element.addEventListener('point', onPoint);
    return () => {
      isEnded = true;
      observer.disconnect();
      theme.disconnect();
      dark.removeEventListener('change', again);
      element.removeEventListener('point', onPoint);
      plot?.destroy();
    };
  }, [key]);
  const summary = series
    .map(({ name, points }) => {
      const values = points.map(([, value]) => value);
      return t.plotSummary(name, format(values.at(-1)), format(Math.max(...values)));
    })
    .join(' ');
  const step = Math.max(1, Math.floor(times.length / 12));
  const rows = times.filter((_, row) => row % step === 0 || row === times.length - 1);
  return html`<figure class="plot">
    <div ref=${ref} class="canvas" role="img" aria-label=${summary}></div>
    <${Legend} series=${series} format=${format} index=${index} times=${times} />
    <details><summary>${t.table}</summary><div class="scroll" tabindex="0" role="region" aria-label=${t.table}><table>
      <thead><tr><th scope="col">${t.time}</th>${series.map(({ name }) => html`<th scope="col" key=${name}>
        ${name}</th>`)}</tr></thead>
      <tbody>${rows.map(
        (time) => html`<tr key=${time}><th scope="row">${at(time * 1000)}</th>
        ${series.map(({ name, points }) => {
          const value = points.find(([each]) => each === time)?.[1];
          return html`<td key=${name}>${value === undefined ? '' : format(value)}</td>`;
        })}</tr>`,
      )}</tbody>
    </table></div></details>
  </figure>`;
}
