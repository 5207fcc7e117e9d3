// `cargo xtask bench accounts`: how long the server takes for the first page of the accounts list, over 100,000 of them, by
// filter and search, on both databases. KEYBEARER_BIN and SEED_BIN name the programs. The last line is `N held, M broken`.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const COUNT = Number(process.env.BENCH_ACCOUNTS ?? 100_000);
const LIMIT_MS = 150;
const TIMES = 15;

const KINDS = {
  'first page': '', state: 'state=EXPIRED', 'state and connection': 'state=EXPIRED&connection=bench-3', connection: 'connection=bench-3',
  connector: 'connector=postcards', 'exact user': 'person=user-050000@customer-150.example', 'unused > 30 days': 'unused=30',
  'ends within 7 days': 'ends=7', 'scopes behind': 'flag=scopes_behind', 'refresh failing': 'flag=refresh_failing',
  'search: user': 'q=user-0500', 'search: identity': 'q=person+99999', 'search: account id': 'q=ca_50000', 'search: nothing': 'q=no-such-text',
};

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

/** Lines that a program says, one at a time. */
const said = (stream) => { const lines = createInterface({ input: stream })[Symbol.asyncIterator](); return async () => (await lines.next()).value; };

const start = async (config, url) => {
  const child = spawn(process.env.KEYBEARER_BIN, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.on('data', (text) => { told += text; });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  for (let tries = 0; ; tries += 1) {
    if (await fetch(`${url}/ready`).then((answer) => answer.ok, () => false)) break;
    if (tries > 200 || child.exitCode !== null) throw new Error(`the server did not get ready: ${told}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  const link = async () => {
    for (let tries = 0; tries < 100; tries += 1) {
      const found = told.match(/http:\S+\/setup\?t=\w+/);
      if (found) return found[0];
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    throw new Error(`no set-up link: ${told}`);
  };
  return { link, stop: async () => { child.kill('SIGTERM'); await ended; } };
};

const cookies = (answer, jar) => {
  for (const cookie of answer.headers.getSetCookie()) { const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/); jar.set(name, value); }
  return [...jar].filter(([, value]) => value).map(([name, value]) => `${name}=${value}`).join('; ');
};

/** Makes the owner, as a person would; gives the cookies of the session. */
const own = async (url, link) => {
  const jar = new Map();
  const page = await fetch(link);
  const html = await page.text();
  const value = (name) => html.match(new RegExp(`name="${name}" value="([^"]*)"`))?.[1] ?? '';
  const body = new URLSearchParams({ csrf: value('csrf'), token: value('token'), email: 'bench@example.com', name: 'Bench', password: 'a long sentence for the bench' });
  const answer = await fetch(`${url}/setup`, { method: 'POST', body, redirect: 'manual', headers: { cookie: cookies(page, jar), origin: url } });
  if (answer.status !== 303) throw new Error(`no owner: ${answer.status} ${await answer.text()}`);
  return cookies(answer, jar);
};

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

const measure = async (url, cookie, query) => {
  const times = [];
  for (let round = 0; round < TIMES; round += 1) {
    const begun = performance.now();
    const answer = await fetch(`${url}/accounts?${query}`, { headers: { cookie }, redirect: 'manual' });
    const html = await answer.text();
    times.push(performance.now() - begun);
    if (answer.status !== 200 || !html.includes('<h1 class="grow">Accounts</h1>')) throw new Error(`${query}: ${answer.status}`);
  }
  return median(times);
};

const bench = async (kind) => {
  const folder = await mkdtemp(join(tmpdir(), 'keybearer-bench-'));
  const seed = spawn(process.env.SEED_BIN, [kind === 'sqlite' ? `sqlite:${join(folder, 'keybearer.db')}` : 'postgres', String(COUNT)], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const line = said(seed.stdout);
    const database = await line();
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const config = join(folder, 'keybearer.toml');
    await writeFile(config, [`public_url = "${url}"`, `listen = "127.0.0.1:${port}"`, `data = "${folder}/data"`, 'app_name = "Bench"', 'verification = "none"', '[database]', `url = "${database}"`, ''].join('\n'));
    const first = await start(config, url);
    const cookie = await own(url, await first.link());
    await first.stop();
    seed.stdin.write('\n');
    if (await line() !== 'seeded') throw new Error('the database was not filled');
    const server = await start(config, url);
    const found = {};
    for (const [name, query] of Object.entries(KINDS)) found[name] = await measure(url, cookie, query);
    await server.stop();
    return found;
  } finally {
    seed.stdin.end();
    await new Promise((resolve) => { if (seed.exitCode === null) seed.once('exit', resolve); else resolve(); });
    await rm(folder, { recursive: true, force: true });
  }
};

const [sqlite, postgres] = [await bench('sqlite'), await bench('postgres')];
let broken = 0;
console.log(`${COUNT} accounts, median of ${TIMES} in ms, at most ${LIMIT_MS}`);
console.log(`${''.padEnd(22)} sqlite postgres`);
for (const name of Object.keys(KINDS)) {
  const slow = [sqlite[name], postgres[name]].filter((time) => time > LIMIT_MS).length;
  broken += slow;
  console.log(`${name.padEnd(22)} ${sqlite[name].toFixed(0).padStart(6)} ${postgres[name].toFixed(0).padStart(8)}${slow ? '  BROKEN' : ''}`);
}
console.log(`${Object.keys(KINDS).length * 2 - broken} held, ${broken} broken`);
process.exitCode = broken ? 1 : 0;
