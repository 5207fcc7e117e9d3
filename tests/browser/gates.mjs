// `cargo xtask ui-gates`: measures the pages and holds them to the quality bar. KEYBEARER_BIN names the program.
// Prints a line for each gate; the last line is `N held, M broken`.
import { brands } from './gates/brand.mjs';
import { contrast } from './gates/contrast.mjs';
import { hosted, LANGUAGES, sandbox, untranslated } from './gates/hosted.mjs';
import { looks } from './gates/looks.mjs';
import { dashboard, outside } from './gates/screens.mjs';
import { bare, delay, firstPaint, keystrokes, shift } from './gates/speed.mjs';
import { heaviest, kilobytes } from './gates/weight.mjs';
import { errors } from './gates/errors.mjs';
import { leaks } from './gates/canary.mjs';
import { pictures } from './gates/pictures.mjs';
import { enter } from './lib/dashboard.mjs';
import { startKeybearer } from './lib/keybearer.mjs';
import { launch, Pages } from './lib/pages.mjs';
import { world } from './lib/world.mjs';

const verdicts = { held: 0, broken: 0 };
/** One gate: what was promised, what was measured, and what is wrong where it does not hold. */
const gate = (id, promise, measured, faults = []) => {
  const holds = faults.length === 0;
  verdicts[holds ? 'held' : 'broken'] += 1;
  console.log(`${holds ? 'held  ' : 'BROKEN'} ${id.padEnd(4)} ${promise}: ${measured}`);
  for (const fault of faults) console.log(`       ${fault.replaceAll('\n', '\n       ')}`);
};
const over = (value, most, words) => (value > most ? [`${words}: more than promised`] : []);

const browser = await launch();
const server = await startKeybearer(process.env.KEYBEARER_BIN);
try {
  const filled = await world(server);
  const pages = new Pages(browser);
  const keybearer = async () => server;
  const owner = await enter(pages, keybearer, { errors: true });
  const inside = dashboard(filled);
  const ends = hosted(filled);

  const found = { runs: 0, axe: [], wide: [], shots: process.argv.includes('--pictures') };
  await looks(() => pages.open(server.url, { share: owner, errors: true }), server.url, inside, found);
  await looks(() => pages.open(`${server.url}/login`, { errors: true }), server.url, { ...outside, ...ends }, found);
  await looks(() => pages.open(server.sandbox_url, { errors: true }), server.sandbox_url, sandbox, found, 1);
  gate('Q1', 'no axe violation in any screen, theme and width', `${found.axe.length} in ${found.runs} runs`, found.axe);
  gate('Q14', 'no sideways scroll at 320 px (1280 px at 400 %)', `${found.wide.length} screens`, found.wide);

  const hostedWeight = await heaviest(owner.request, server.url, ends);
  gate('Q3', 'hosted pages need no script', `${hostedWeight.inline.length} inline, ${kilobytes(hostedWeight.scripts)} optional (8 KB at most)`,
    [...hostedWeight.inline, ...over(hostedWeight.scripts, 8 * 1024, 'scripts')]);
  gate('Q4', 'hosted page, HTML and CSS gzipped, at most 12 KB', kilobytes(hostedWeight.text), over(hostedWeight.text, 12 * 1024, 'text'));
  gate('Q5', 'hosted page with fonts at most 70 KB', kilobytes(hostedWeight.text + hostedWeight.fonts), over(hostedWeight.text + hostedWeight.fonts, 70 * 1024, 'page'));
  const dashboardWeight = await heaviest(owner.request, server.url, inside);
  gate('Q6', 'dashboard scripts gzipped at most 40 KB', kilobytes(dashboardWeight.scripts),
    [...over(dashboardWeight.scripts, 40 * 1024, 'scripts'), ...dashboardWeight.inline.map((name) => `${name} has an inline script`)]);

  const [start] = Object.values(ends);
  const [bottom, key] = await bare(async (address) => {
    const paint = await firstPaint(pages, address, {});
    return [paint, await delay(await pages.open(address), 'Bare', 'read:user')];
  });
  const hostedPaint = await firstPaint(pages, new URL(start, server.url).href, {});
  const dashboardPaint = await firstPaint(pages, `${server.url}/`, { share: owner });
  gate('Q8', 'first paint at most 3 times that of an empty page, median of 7',
    `hosted ${(hostedPaint / bottom).toFixed(1)}, dashboard ${(dashboardPaint / bottom).toFixed(1)} of ${bottom.toFixed(0)} ms`,
    over(Math.max(hostedPaint, dashboardPaint) / bottom, 3, 'paint'));
  await owner.goto(server.url);
  const moved = await shift(owner);
  await owner.goto(new URL(inside['D5 set-up'], server.url).href);
  const slow = await delay(owner, 'Filter, or type a scope', 'read:user') - key;
  gate('Q9', 'layout shift at most 0.02, a key takes at most 100 ms more than on an empty page, at a quarter of the speed', `${moved.toFixed(3)}, ${slow.toFixed(0)} ms`,
    [...over(moved, 0.02, 'shift'), ...over(slow, 100, 'delay')]);
  const letter = await keystrokes(owner.request, server.url, 'calendar');
  gate('Q10', 'catalogue search, each letter at most 16 ms beyond any answer', `${letter.toFixed(1)} ms`, over(letter, 16, 'search'));

  gate('Q15', 'twelve languages of the hosted pages, one from right to left', `${LANGUAGES.length} languages`, await untranslated(owner.request, server.url, filled));
  const told = await errors();
  gate('Q16', 'every code says what, who and what to do; nowhere did something just go wrong', `${told.codes} codes`, told.faults);
  const pairs = await contrast();
  gate('Q12', 'contrast of every pair of colour tokens', `${pairs.pairs} pairs, the worst ${(pairs.worst * 100).toFixed(0)} % of its target`, pairs.faults);
  const branded = await brands(pages, server);
  gate('Q13', "text and links at least 4.5:1, focus 3:1, in any colour of a developer, as the browser paints it",
    `${branded.colours} colours, ${branded.pairs} pairs, the worst ${(branded.worst * 100).toFixed(0)} % of its target`, branded.faults);
  gate('Q18', 'no secret in HTML, URL, storage or history', `${filled.secrets.length} secrets looked for`,
    await leaks(owner, server.url, { ...inside, ...ends }, filled.secrets));
  gate('docs', 'the pictures of README and docs come from this run', await pictures(pages, owner, server, filled));

  const faults = await pages.close();
  gate('Q7', 'no request to another origin, no script error', `${faults.length} seen`, faults);
} finally {
  await browser.close();
  await server.stop();
}
console.log(`${verdicts.held} held, ${verdicts.broken} broken`);
process.exitCode = verdicts.broken === 0 && verdicts.held > 0 ? 0 : 1;
