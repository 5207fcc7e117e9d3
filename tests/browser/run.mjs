// Runs the page tests: every *.test.mjs beside this file, or those whose file name contains one of the arguments.
// KEYBEARER_BIN names the program; VERBOSE=1 shows its log. The last line is `N passed, N failed`.
import { readdir, readFile } from 'node:fs/promises';
import { launch, Pages } from './lib/pages.mjs';
import { startKeybearer } from './lib/keybearer.mjs';

const LIMIT_MS = 240_000;
/** What measures time waits for the others. */
const ALONE = ['weight.test.mjs'];
// each server that a test starts is ended with this process
process.setMaxListeners(100);
const wanted = process.argv.slice(2);
const here = new URL('.', import.meta.url);
const files = (await readdir(here)).filter((file) => file.endsWith('.test.mjs')).sort()
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)));

let server;
/** The one running server of this run; the first test that asks starts it. */
const keybearer = () => {
  if (!process.env.KEYBEARER_BIN) throw new Error('KEYBEARER_BIN does not name the program');
  server ??= startKeybearer(process.env.KEYBEARER_BIN);
  return server;
};

/** Whether a file has a test that takes the one server: those run one after the other, and beside them those that do not. */
const shares = async (file) => /\{[^{}]*\bkeybearer\b[^{}]*\}\) =>/.test(await readFile(new URL(file, here), 'utf8'));

const within = (work) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

const counts = { passed: 0, failed: 0 };
/** A test fails when it throws, and when a page it opened had a script error or asked another origin. */
const runTest = async (browser, file, name, work) => {
  const pages = new Pages(browser);
  const begun = performance.now();
  const faults = [];
  await within(work({ pages, keybearer })).catch((error) => faults.push(error.stack ?? String(error)));
  faults.push(...await pages.close());
  const took = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  counts[faults.length === 0 ? 'passed' : 'failed'] += 1;
  console.log(`${faults.length === 0 ? 'ok    ' : 'FAILED'} ${file}: ${name} (${took})`);
  for (const fault of faults) console.log(`       ${fault.replaceAll('\n', '\n       ')}`);
};

/** Runs files in a browser of their own: a clipboard belongs to one. */
const runFiles = async (lane) => {
  if (lane.length === 0) return;
  const browser = await launch();
  try {
    for (const file of lane) {
      const tests = (await import(new URL(file, here))).default;
      for (const [name, work] of Object.entries(tests)) await runTest(browser, file, name, work);
    }
  } finally {
    await browser.close();
  }
};

const lanes = { true: [], false: [] };
for (const file of files.filter((file) => !ALONE.includes(file))) lanes[await shares(file)].push(file);
try {
  await Promise.all(Object.values(lanes).map(runFiles));
  await runFiles(files.filter((file) => ALONE.includes(file)));
} finally {
  await server?.then(({ stop }) => stop(), () => {});
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
