/**
 * Icons, drawn for this page.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { hash, initials } from '../format.js';

const PATHS = {
  connections: 'M4 12h16M4 12a2.5 2.5 0 1 1 0-.01M20 12a2.5 2.5 0 1 1 0-.01',
  plus: 'M12 5v14M5 12h14',
  agents: 'M5 9h14v10H5zM12 9V5M9 14h.01M15 14h.01M2 13v3M22 13v3',
  approvals: 'M5 4h14v16H5zM9 12l2 2 4-5',
  extensions: 'M9 4h6v4h5v6h-4v6H4V9h5z',
  profiles: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6',
  usage: 'M5 20v-6M12 20V4M19 20v-9',
  activity: 'M3 12h4l3-8 4 16 3-8h4',
  system: 'M4 6h16M4 12h16M4 18h16M8 4v4M16 10v4M10 16v4',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M6 6l12 12M18 6L6 18',
  alert: 'M12 4l9 16H3zM12 10v4M12 17v.5',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.5',
  out: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  menu: 'M4 7h16M4 12h16M4 17h16',
  right: 'M9 5l7 7-7 7',
  back: 'M15 5l-7 7 7 7',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2',
  key: 'M8 15a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 11h9v4M17 11v3',
  theme: 'M12 21a9 9 0 1 0 0-18zM12 3a9 9 0 0 1 0 18',
};

/**
 * An icon of a line, in the colour of its text. It is hidden from screen readers.
 * @param {{name: keyof PATHS}} props
 */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`;
}

const TILES = [
  'M12 1h16a11 11 0 0 1 11 11v16a11 11 0 0 1-11 11H12A11 11 0 0 1 1 28V12A11 11 0 0 1 12 1z',
  'M20 1a19 19 0 1 1 0 38 19 19 0 0 1 0-38z',
  'M20 1h15a4 4 0 0 1 4 4v15a19 19 0 0 1-38 0 19 19 0 0 1 19-19z',
  'M20 1a19 19 0 0 1 19 19v15a4 4 0 0 1-4 4H5a4 4 0 0 1-4-4V20A19 19 0 0 1 20 1z',
  'M13.5 2.5a6 6 0 0 1 4-1.5h5a6 6 0 0 1 4 1.5l9 7.5a6 6 0 0 1 2.5 5v10a6 6 0 0 1-2.5 5l-9 7.5a6 6 0 0 1-4 ' +
    '1.5h-5a6 6 0 0 1-4-1.5l-9-7.5a6 6 0 0 1-2.5-5v-10a6 6 0 0 1 2.5-5z',
];

/** The logos, once they were loaded. */
let logos = null;
let loading = null;

/** Loads the logos, once. Without them, tiles keep their initials. */
function loadLogos() {
  loading ??= import('../vendor/simple-icons.js').then(
    ({ LOGOS }) => (logos = LOGOS),
    () => {},
  );
  return loading;
}

/**
 * Returns the logo of a kind or of its provider. The kind of an extension has none, because its author chose the names.
 */
const logoOf = (kind, provider) =>
  logos && kind && !kind.includes('/') ? (own(logos, kind) ?? own(logos, provider)) : undefined;
const own = (object, name) => (name && Object.hasOwn(object, name) ? object[name] : undefined);

/**
 * The tile of a kind: the logo of its provider, or initials on a shape and a colour that follow from the name of the
 * provider.
 * @param {{title: string, seed: string, kind?: string}} props `seed` is the name of the provider; without a `kind`, the
 *   tile has no logo
 */
export function Tile({ title, seed, kind }) {
  const [, show] = useState(Boolean(logos));
  useEffect(() => {
    let isShown = true;
    // The logos may have come since this tile was rendered.
    if (kind) void loadLogos().then(() => isShown && show(true));
    return () => {
      isShown = false;
    };
  }, [kind]);
  const logo = logoOf(kind, seed);
  if (logo) {
    return html`<svg class="tile logo" viewBox="-8 -8 40 40" aria-hidden="true" focusable="false">
      <rect x="-7.5" y="-7.5" width="39" height="39" rx="11" /><path d=${logo} />
    </svg>`;
  }
  const shape = TILES[hash(`${seed} shape`, TILES.length)];
  return html`<svg class=${`tile hue-${hash(seed, 12)}`} viewBox="0 0 40 40" aria-hidden="true" focusable="false">
    <path d=${shape} />
    <text x="20" y="20" dy=".35em" text-anchor="middle">${initials(title)}</text>
  </svg>`;
}

/** The mark of the product: two ends and a line. */
export function Mark() {
  return html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path class="mark-line" d="M9 16h14" />
    <circle class="mark-open" cx="8" cy="16" r="5" />
    <circle class="mark-end" cx="24" cy="16" r="6.5" />
  </svg>`;
}
