// What every JavaScript peer shares: settings, the ready line, counting, holding answers back, stopping.
import { createServer } from 'node:http';

export const settings = {
  port: Number(process.env.PORT ?? 0),
  redirectUris: (process.env.REDIRECT_URI ?? '').split(' ').filter(Boolean),
  clientId: process.env.CLIENT_ID ?? 'peer-client',
  clientSecret: process.env.CLIENT_SECRET ?? 'peer-client-secret-0123456789abcdef',
  accessTokenSeconds: Number(process.env.ACCESS_TOKEN_SECONDS ?? 3600),
};

// Standard output carries the ready line and nothing else.
console.log = console.info = console.error;

const counts = { by_grant: {}, by_status: {}, revocations: 0, api_calls: 0 };
let holdMs = 0;

const readBody = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
};

const bump = (table, key) => { table[key] = (table[key] ?? 0) + 1; };

/** Answers `/_peer/...`: the test's own door, not part of the protocol. */
const control = async (request, response, addRedirectUri) => {
  const { pathname, searchParams } = new URL(request.url, 'http://peer');
  const body = (await readBody(request)).toString();
  if (pathname === '/_peer/redirect-uri' && request.method === 'POST') await addRedirectUri(body.trim());
  else if (pathname === '/_peer/hold' && request.method === 'POST') holdMs = Number(searchParams.get('ms') ?? 0);
  else if (pathname !== '/_peer/counts') { response.writeHead(404).end(); return; }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(counts));
};

/** Counts a token request by grant and status, and delays its answer after the peer has acted on it. */
const watchToken = (request, response, body) => {
  bump(counts.by_grant, new URLSearchParams(body.toString()).get('grant_type') ?? 'none');
  const end = response.end.bind(response);
  response.end = (...args) => {
    bump(counts.by_status, String(response.statusCode));
    if (holdMs > 0) setTimeout(() => end(...args), holdMs);
    else end(...args);
    return response;
  };
};

/**
 * Listens on loopback and prints the ready line.
 * `start(origin)` gives `{ handler, ready, tokenPath, revokePath, apiPath, addRedirectUri }`.
 */
export const run = async (start) => {
  let peer;
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://peer').pathname;
    if (path.startsWith('/_peer/')) return control(request, response, peer.addRedirectUri);
    if (path === peer.tokenPath) {
      request.body = await readBody(request);
      watchToken(request, response, request.body);
    }
    if (path === peer.revokePath) counts.revocations += 1;
    if (path === peer.apiPath) counts.api_calls += 1;
    return peer.handler(request, response);
  });
  server.listen(settings.port, '127.0.0.1', async () => {
    const origin = `http://127.0.0.1:${server.address().port}`;
    peer = await start(origin);
    process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, origin, ...peer.ready })}\n`);
  });
  server.on('error', (error) => { console.error(`cannot listen: ${error.message}`); process.exit(1); });
  const stop = () => process.exit(0);
  process.on('SIGTERM', stop);
  process.stdin.on('end', stop).on('error', stop).resume();
};
