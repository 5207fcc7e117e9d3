// A server with something on every page: people who agreed, refused, left out a scope, signed off; calls; a webhook; a client.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The command line of the server under test: gives what it says with `--json`. A failing command rejects. */
export const cli = (server) => async (...words) => {
  const { stdout } = await run(process.env.KEYBEARER_BIN, [...words, '--json', '--data', server.data]);
  return stdout.trim() ? JSON.parse(stdout) : {};
};

const PEOPLE = [
  ['ada@fieldnote.example', 'ada'], ['cleo@fieldnote.example', 'dee'], ['mika@fieldnote.example', 'ada'],
  ['noor@fieldnote.example', 'eve'], ['sol@fieldnote.example', 'ada'], ['tam@fieldnote.example', 'ada'],
];

const fill = async (server) => {
  const keybearer = cli(server);
  await keybearer('sandbox', 'set', 'access=1'); // so that a call refreshes first
  for (const [user, person] of PEOPLE) {
    const { link } = await keybearer('link', 'postcards', '--user', user);
    await keybearer('sandbox', 'approve', link, '--as', person);
  }
  const { link: open } = await keybearer('link', 'postcards', '--user', 'waiting@fieldnote.example');
  for (const path of ['/postcards', '/me', '/nothing-here']) {
    await keybearer('call', 'postcards', '--user', PEOPLE[0][0], 'GET', path).catch(() => {});
  }
  await keybearer('sandbox', 'set', 'refresh=invalid_grant');
  await keybearer('call', 'postcards', '--user', 'sol@fieldnote.example', 'GET', '/me').catch(() => {});
  await keybearer('sandbox', 'set', 'refresh=off');
  await keybearer('call', 'postcards', '--user', 'mika@fieldnote.example', 'GET', '/me');
  await keybearer('sandbox', 'set', 'access=60');
  await keybearer('accounts', 'disconnect', 'postcards', '--user', 'tam@fieldnote.example');
  const secret = join(server.data, 'client-secret');
  await writeFile(secret, 'cnry-client-secret-0123456789abcdef');
  const github = await keybearer('connections', 'add', 'github', '--client-id', 'Ov23liExampleExample', '--secret-file', secret, '--label', 'Code');
  const datadog = await keybearer('connections', 'add', 'datadog', '--says', 'Fieldnote reads your monitors to explain an alert.');
  const file = join(server.data, 'connector.json');
  await writeFile(file, JSON.stringify({
    display_name: 'Parcel desk', description: 'Parcels of our warehouse', proxy_url: 'https://api.parcels.example/v1', proxy_enabled: true,
    auth_patterns: [{ type: 'OAUTH', setup_steps: ['Open the console.', 'Register an app.'], oauth_config: {
      authorize_uri: 'https://id.parcels.example/authorize', token_uri: 'https://id.parcels.example/token',
      available_scopes: [{ scope: 'parcels.read', display_name: 'See your parcels', required: true }, { scope: 'parcels.write' }],
    } }],
  }));
  const { identifier: parcels } = await keybearer('connectors', 'add', '--file', file);
  const { link: keys } = await keybearer('link', 'datadog', '--user', 'ada@fieldnote.example').catch(() => ({}));
  const { link: mine } = await keybearer('user-page', 'ada@fieldnote.example');
  const { link: choose } = await keybearer('user-page', 'ada@fieldnote.example', '--choose', '--connection', 'postcards', '--connection', 'datadog');
  const client = await keybearer('clients', 'create', '--name', 'The report agent');
  const hook = await keybearer('webhooks', 'add', 'https://hooks.fieldnote.example/keybearer', '--description', 'Our app').catch((error) => ({ error }));
  const accounts = await keybearer('accounts', 'list');
  const [{ id: postcards }] = await keybearer('connections', 'list').then((all) => all.filter(({ name }) => name === 'postcards'));
  const account = (user) => accounts.find(({ identifier }) => identifier === user)?.id;
  const logs = await keybearer('logs');
  return {
    postcards, parcels, github: github.id, datadog: datadog.id, client, hook, open, keys, mine, choose, reference: logs[0]?.reference,
    ada: account('ada@fieldnote.example'), sol: account('sol@fieldnote.example'), user: 'ada@fieldnote.example',
    secrets: ['cnry-client-secret-0123456789abcdef', server.client_secret, client.secret ?? client.client_secret, hook.secret].filter(Boolean),
  };
};

const worlds = new WeakMap();
/** Fills the server once; gives the ids of what is there, and the secrets that no page may show. */
export const world = (server) => {
  if (!worlds.has(server)) worlds.set(server, fill(server));
  return worlds.get(server);
};
