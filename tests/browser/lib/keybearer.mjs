// Starts the program under test on free ports with an empty folder.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const LIMIT_MS = 30_000;

const freeAddress = () => new Promise((resolve, reject) => {
  const server = createServer().on('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(`127.0.0.1:${port}`));
  });
});

const firstLine = (child) => new Promise((resolve, reject) => {
  const lines = createInterface({ input: child.stdout });
  lines.once('line', resolve);
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`keybearer dev ended with ${code} before it was ready`)));
  setTimeout(() => reject(new Error(`keybearer dev was not ready in ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
});

/** Gives what `keybearer dev --json` said when it was ready, and `stop`. */
export const startKeybearer = async (program, extra = []) => {
  const data = await mkdtemp(join(tmpdir(), 'keybearer-browser-'));
  const [listen, sandbox] = [await freeAddress(), await freeAddress()];
  const words = ['dev', '--json', '--data', data, '--listen', listen, '--sandbox-listen', sandbox, ...extra];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'] });
  const exited = new Promise((resolve) => { child.once('exit', resolve); });
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(data, { recursive: true, force: true });
  };
  // Without this a harness that dies leaves the server running.
  process.once('exit', () => child.kill('SIGKILL'));
  try {
    return { ...JSON.parse(await firstLine(child)), data, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
