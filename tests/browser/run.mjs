// Runs the page tests: every *.test.mjs beside this file, or those whose file name contains one of the arguments.
// KEYBEARER_BIN names the program; VERBOSE=1 shows its log. The last line is `N passed, N failed`.
import { readdir } from 'node:fs/promises';
import { launch, Pages } from './lib/pages.mjs';
import { startKeybearer } from './lib/keybearer.mjs';

const LIMIT_MS = 240_000;
/** Files that run side by side. */
const LANES = 2;
/** What measures time waits for the others. */
const ALONE = ['weight.test.mjs'];
// each server that a test starts is ended with this process
process.setMaxListeners(100);
const wanted = process.argv.slice(2);
const here = new URL('.', import.meta.url);
const files = (await readdir(here)).filter((file) => file.endsWith('.test.mjs')).sort()
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)));

const within = (work) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

const counts = { passed: 0, failed: 0 };
/** A test fails when it throws, and when a page it opened had a script error or asked another origin. */
const runTest = async ({ browser, keybearer }, file, name, work) => {
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

/** Takes files from the queue, with a browser of its own (a clipboard belongs to one) and one server for those that ask. */
const runFiles = async (queue) => {
  let server;
  const keybearer = () => {
    if (!process.env.KEYBEARER_BIN) throw new Error('KEYBEARER_BIN does not name the program');
    server ??= startKeybearer(process.env.KEYBEARER_BIN);
    return server;
  };
  const browser = await launch();
  try {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const tests = (await import(new URL(file, here))).default;
      for (const [name, work] of Object.entries(tests)) await runTest({ browser, keybearer }, file, name, work);
    }
  } finally {
    await browser.close();
    await server?.then(({ stop }) => stop(), () => {});
  }
};

const queue = files.filter((file) => !ALONE.includes(file));
await Promise.all(Array.from({ length: LANES }, () => runFiles(queue)));
await runFiles(files.filter((file) => ALONE.includes(file)));
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
