// Receives webhooks and checks each with the standardwebhooks and svix libraries. See README.md.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { load } from "../../.peers/node/load.mjs";

const { Webhook: Standard } = await load("standardwebhooks");
const { Webhook: Svix } = await load("svix");
const libraries = { standardwebhooks: Standard, svix: Svix };
const requests = [];
let secrets = [];

const accepts = (Library, secret, headers, body) => {
  try {
    new Library(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
};

/** The headers of the same event as the library itself signs it for another time. */
const signedAt = (Library, secret, headers, body, seconds) => {
  const when = new Date(Date.now() + seconds * 1000);
  const signature = new Library(secret).sign(headers["webhook-id"], when, body);
  const timestamp = String(Math.floor(when.getTime() / 1000));
  return { ...headers, "webhook-timestamp": timestamp, "webhook-signature": signature };
};

const wrong = ({ headers, body }) => {
  const found = [];
  const check = (name, good) => good || found.push(name);
  for (const [name, Library] of Object.entries(libraries)) {
    secrets.forEach((secret, number) => {
      const later = String(Number(headers["webhook-timestamp"]) + 1);
      check(`${name}: secret ${number} verifies`, accepts(Library, secret, headers, body));
      check(`${name}: a changed body`, !accepts(Library, secret, headers, body.replaceAll("1", "2")));
      check(`${name}: another id`, !accepts(Library, secret, { ...headers, "webhook-id": "evt_1" }, body));
      check(`${name}: another time`, !accepts(Library, secret, { ...headers, "webhook-timestamp": later }, body));
      check(`${name}: its own signature`, accepts(Library, secret, signedAt(Library, secret, headers, body, 0), body));
      for (const seconds of [-301, 302]) {
        check(`${name}: ${seconds} s`, !accepts(Library, secret, signedAt(Library, secret, headers, body, seconds), body));
      }
    });
    const foreign = `whsec_${randomBytes(24).toString("base64")}`;
    check(`${name}: another secret`, !accepts(Library, foreign, headers, body));
  }
  return found;
};

const summary = (request) => {
  const event = JSON.parse(request.body);
  return { id: event.id, type: event.type, user: event.data.identifier, wrong: wrong(request) };
};

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces).toString();
  if (request.url === "/_secrets") {
    secrets = JSON.parse(body);
    requests.length = 0;
  } else if (request.url !== "/_seen") requests.push({ headers: request.headers, body });
  response.end(JSON.stringify(request.url === "/_seen" ? requests.map(summary) : {}));
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
