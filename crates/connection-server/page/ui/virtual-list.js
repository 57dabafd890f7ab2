/**
 * A list that renders only the rows near the visible part of the page, for any number of rows.
 */
import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../vendor/preact-htm.js';

/** The number of pixels above and below the visible part in which rows are rendered. */
const OVERSCAN = 600;

/**
 * @param {{items: any[], keyOf: (item: any) => string, estimate: (item: any) => number, render: (item: any) => any,
 *   label: string, total?: number, onNearEnd?: () => void, heights: Map<string, number>}} props `heights` keeps the
 *   measured heights between two visits
 */
export function VirtualList({ items, keyOf, estimate, render, label, total, onNearEnd, heights }) {
  const ref = useRef(null);
  const [view, setView] = useState({ top: 0, bottom: 1600 });
  const [measured, setMeasured] = useState(0);
  const keepFocused = useRef(-1);

  const tops = useMemo(() => {
    const sums = new Float64Array(items.length + 1);
    items.forEach((item, index) => {
      sums[index + 1] = sums[index] + (heights.get(keyOf(item)) ?? estimate(item));
    });
    return sums;
  }, [items, measured]);

  const look = useCallback(() => {
    const { top } = ref.current.getBoundingClientRect();
    const next = { top: -top - OVERSCAN, bottom: -top + window.innerHeight + OVERSCAN };
    setView((was) => (Math.abs(was.top - next.top) + Math.abs(was.bottom - next.bottom) < 200 ? was : next));
  }, []);

  useLayoutEffect(() => {
    let frame = 0;
    const onScroll = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(look);
    };
    const onResize = () => {
      heights.clear();
      setMeasured((count) => count + 1);
      onScroll();
    };
    look();
    window.addEventListener('scroll', onScroll, { passive: true });
    window.addEventListener('resize', onResize);
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener('scroll', onScroll);
      window.removeEventListener('resize', onResize);
    };
  }, [look]);

  const first = Math.max(0, position(tops, view.top));
  const last = Math.min(items.length - 1, position(tops, view.bottom));

  useLayoutEffect(() => {
    let changed = false;
    for (const row of ref.current.querySelectorAll(':scope > li[data-key]')) {
      const height = row.getBoundingClientRect().height;
      if (Math.abs((heights.get(row.dataset.key) ?? -1) - height) > 0.5) {
        heights.set(row.dataset.key, height);
        changed = true;
      }
    }
    if (changed) setMeasured((count) => count + 1);
  });

  useEffect(() => {
    if (last >= items.length - 30) onNearEnd?.();
  }, [last, items.length, onNearEnd]);

  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const row = event.target.closest('li[data-index]');
    if (!step || !row || event.target.closest('input, select, textarea')) return;
    event.preventDefault();
    focusFrom(Number(row.dataset.index), step);
  };

  /** Moves the focus to the next row that has a link, which may not be rendered yet. */
  const focusFrom = (from, step) => {
    const direction = Math.sign(step);
    let index = Number.isFinite(step) ? from + step : step < 0 ? 0 : items.length - 1;
    const seek = Number.isFinite(step) ? direction : -direction;
    while (items[index]?.isHeading) index += seek;
    if (!items[index]) return;
    keepFocused.current = index;
    const top = ref.current.getBoundingClientRect().top + window.scrollY + tops[index];
    const height = tops[index + 1] - tops[index];
    const margin = 120;
    if (top < window.scrollY + margin) window.scrollTo({ top: top - margin, behavior: 'instant' });
    else if (top + height > window.scrollY + window.innerHeight - margin) {
      window.scrollTo({ top: top + height - window.innerHeight + margin, behavior: 'instant' });
    }
    look();
    const focus = () => ref.current?.querySelector(`li[data-index="${index}"] a`)?.focus({ preventScroll: true });
    requestAnimationFrame(() => requestAnimationFrame(focus));
  };

  const rows = [];
  const add = (index) =>
    rows.push(html`<li key=${keyOf(items[index])} data-key=${keyOf(items[index])} data-index=${index}
    aria-setsize=${total ?? -1} aria-posinset=${index + 1}
    ref=${(row) => row && row.style.setProperty('transform', `translateY(${tops[index]}px)`)}>
      ${render(items[index])}</li>`);
  // The heading of the first rows stays, so that they belong to a heading also for screen readers.
  let heading = first;
  while (heading > 0 && !items[heading]?.isHeading) heading -= 1;
  const kept = keepFocused.current;
  const above = new Set([Math.min(kept, heading), Math.max(kept, heading)]);
  for (const index of above) if (index >= 0 && index < first && index < items.length) add(index);
  for (let index = first; index <= last; index += 1) add(index);
  if (kept > last && kept < items.length) add(kept);

  return html`<ul class="virtual" role="list" aria-label=${label} onKeyDown=${onKeyDown}
    onFocusIn=${(event) => (keepFocused.current = Number(event.target.closest('li')?.dataset.index ?? -1))}
    ref=${(list) => {
      ref.current = list ?? ref.current;
      list?.style.setProperty('height', `${tops[items.length]}px`);
    }}>${rows}</ul>`;
}

/** Returns the index of the row at a height, by bisection. */
function position(tops, height) {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= height) low = middle;
    else high = middle - 1;
  }
  return low;
}
