// Q16: every code says what, who, what to do; and nobody is told that something went wrong.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = new URL('../../../', import.meta.url).pathname;
const EMPTY_WORDS = /something went wrong|an error occurred|an error has occurred|oops|unknown error|unexpected error/i;
const FAULTS = { Caller: 'you', Developer: 'set-up', Provider: 'provider', Server: 'server' };

const files = async (folder) => (await readdir(join(root, folder), { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && !/\.(woff2|ico|png)$|tests\.rs$/.test(entry.name)).map(({ parentPath, name }) => join(parentPath, name));

/** How many codes there are, and what is missing or empty. */
export const errors = async () => {
  const source = await readFile(join(root, 'crates/core/src/error.rs'), 'utf8');
  const codes = [...source.matchAll(/^ {4}\w+ = "(\w+)", \d+, (\d+), (\w+), (true|false), "([^"]+)";/gm)];
  const rows = new Map([...(await readFile(join(root, 'docs/errors.md'), 'utf8')).matchAll(/^\| `(\w+)` \|(.*)\|$/gm)]
    .map(([, code, rest]) => [code, rest.split('|').map((cell) => cell.trim())]));
  const faults = codes.flatMap(([, code, http, fault, again, title]) => {
    const row = rows.get(code);
    rows.delete(code);
    if (!row) return [`docs/errors.md lacks ${code}`];
    const wanted = [http, FAULTS[fault], again === 'true' ? 'yes' : 'no'];
    return [...wanted.map((value, at) => (value === row[at] ? '' : `docs/errors.md says ${row[at]} of ${code}, the program ${value}`)),
      ...row.slice(3).map((text) => (text.length > 10 ? '' : `${code} is told with too few words: ${text}`)), title.length > 10 ? '' : `${code} has no title`].filter(Boolean);
  });
  const places = (await Promise.all(['crates/server/templates', 'crates/server/words', 'crates/server/static', 'crates/server/src', 'crates/app/src', 'crates/sandbox/src/pages'].map(files))).flat();
  for (const file of places) {
    const found = (await readFile(file, 'utf8')).match(EMPTY_WORDS);
    if (found) faults.push(`${file.slice(root.length)} says “${found[0]}”`);
  }
  return { codes: codes.length, faults: [...faults, ...[...rows.keys()].map((code) => `docs/errors.md has ${code}, the program has not`)] };
};
