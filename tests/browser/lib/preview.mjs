// The hosted pages with sample data, served by the example hosted_preview for as long as this process lives.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const cwd = new URL('../../..', import.meta.url).pathname;
const example = spawn('cargo', ['run', '-q', '-p', 'keybearer-server', '--example', 'hosted_preview'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
process.once('exit', () => example.kill('SIGKILL'));
/** Where it answers. */
export const site = await new Promise((resolve, reject) => {
  createInterface({ input: example.stdout }).once('line', resolve);
  example.once('exit', () => reject(new Error('the example hosted_preview does not run')));
});
example.unref();
example.stdout.unref();

/** The names of its pages. */
export const NAMES = [...(await (await fetch(`${site}/_hosted`)).text()).matchAll(/href="\/_hosted\/([^"]+)"/g)].map(([, name]) => name);
