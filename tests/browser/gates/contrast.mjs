// Q12: every pair of colour tokens that the pages put on each other, computed from the stylesheets as they are (WCAG 2.x).
import { readFile } from 'node:fs/promises';

const STATIC = new URL('../../../crates/server/static/', import.meta.url);

/** foreground, backgrounds, the least ratio. */
const PAIRS = [
  ['text', ['bg', 'surface', 'surface-2', 'surface-3'], 7],
  ['text-2', ['bg', 'surface', 'surface-2', 'surface-3'], 4.5],
  ['text-3', ['bg', 'surface', 'surface-2'], 4.5],
  ['on-primary', ['primary', 'primary-hover'], 4.5],
  ['primary', ['surface', 'bg'], 3],
  ['primary-text', ['surface', 'bg', 'surface-2', 'primary-soft'], 4.5],
  ['brass-text', ['brass-soft'], 4.5],
  ['brass', ['surface'], 3],
  ['focus', ['bg', 'surface', 'surface-2', 'surface-3'], 3],
  ['border-strong', ['surface', 'bg', 'surface-2'], 3],
  ...['ok', 'warn', 'bad', 'info', 'mute'].map((kind) => [`${kind}-text`, [`${kind}-soft`, 'surface', 'bg'], 4.5]),
  ...['ok', 'warn', 'bad', 'info'].map((kind) => [`${kind}-solid`, ['surface'], 3]),
  ['on-bad', ['bad-solid'], 4.5],
  ...[1, 2, 3, 4, 5, 6].map((series) => [`chart-${series}`, ['surface'], 3]),
  ...Array.from({ length: 12 }, (_, tint) => [`ink-${tint}`, [`tile-${tint}`], 4.5]),
];

const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const luminance = (hex) => {
  const [red, green, blue] = [1, 3, 5].map((at) => linear(Number.parseInt(hex.slice(at, at + 2), 16) / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
/** The contrast of two colours, `#rrggbb` each. */
export const ratio = (one, other) => {
  const [more, less] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (more + 0.05) / (less + 0.05);
};

/** The tokens of a stylesheet in both themes: `light-dark(…)`, or a block for dark that names them again. */
const tokens = (css) => {
  const themes = { light: {}, dark: {} };
  for (const [, name, light, dark] of css.matchAll(/--([\w-]+):\s*light-dark\((#\w{6}),\s*(#\w{6})\)/g)) {
    Object.assign(themes.light, { [name]: light });
    Object.assign(themes.dark, { [name]: dark });
  }
  for (const [, name, value] of css.matchAll(/--([\w-]+):\s*(#\w{6})/g)) {
    const theme = name in themes.light ? themes.dark : themes.light;
    if (!(name in theme)) theme[name] = value;
  }
  return themes;
};

/** Looks at both stylesheets; the hosted one has only the tokens that it uses. */
export const contrast = async () => {
  const found = { pairs: 0, worst: Infinity, faults: [] };
  for (const [file, whole] of [['dashboard/dashboard.css', true], ['hosted/hosted.css', false]]) {
    const themes = tokens(await readFile(new URL(file, STATIC), 'utf8'));
    for (const [theme, colours] of Object.entries(themes)) {
      for (const [front, backs, least] of PAIRS) {
        for (const back of backs) {
          if (!(front in colours && back in colours)) {
            if (whole) found.faults.push(`${file} ${theme}: no token --${front in colours ? back : front}`);
            continue;
          }
          const value = ratio(colours[front], colours[back]);
          found.pairs += 1;
          found.worst = Math.min(found.worst, value / least);
          if (value < least) found.faults.push(`${file} ${theme}: ${front} on ${back} is ${value.toFixed(2)} of ${least}`);
        }
      }
    }
  }
  return found;
};
