"""Receives webhooks and checks each with the standardwebhooks and svix libraries. See README.md."""

import base64
import datetime
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import standardwebhooks
import svix.webhooks

LIBRARIES = {"standardwebhooks": standardwebhooks.Webhook, "svix": svix.webhooks.Webhook}
REQUESTS, SECRETS = [], []


def accepts(library, secret, headers, body):
    try:
        library(secret).verify(body, headers)
    except Exception:  # noqa: BLE001: the two libraries have classes of their own
        return False
    return True


def signed_at(library, secret, headers, body, seconds):
    """The headers of the same event as the library itself signs it for another time."""
    when = datetime.datetime.now(tz=datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    signature = library(secret).sign(headers["webhook-id"], when, body.decode())
    return {**headers, "webhook-timestamp": str(int(when.timestamp())), "webhook-signature": signature}


def wrong(headers, body):
    found = []

    def check(name, good):
        if not good:
            found.append(name)

    for name, library in LIBRARIES.items():
        for number, secret in enumerate(SECRETS):
            later = str(int(headers["webhook-timestamp"]) + 1)
            check(f"{name}: secret {number} verifies", accepts(library, secret, headers, body))
            check(f"{name}: a changed body", not accepts(library, secret, headers, body.replace(b"1", b"2")))
            check(f"{name}: another id", not accepts(library, secret, {**headers, "webhook-id": "evt_1"}, body))
            check(f"{name}: another time", not accepts(library, secret, {**headers, "webhook-timestamp": later}, body))
            check(f"{name}: its own signature", accepts(library, secret, signed_at(library, secret, headers, body, 0), body))
            for seconds in (-301, 302):
                old = signed_at(library, secret, headers, body, seconds)
                check(f"{name}: {seconds} s", not accepts(library, secret, old, body))
        foreign = "whsec_" + base64.b64encode(os.urandom(24)).decode()
        check(f"{name}: another secret", not accepts(library, foreign, headers, body))
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):  # noqa: N802: the name is the library's
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/_secrets":
            SECRETS[:], REQUESTS[:] = json.loads(body), []
        else:
            REQUESTS.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.answer({})

    def do_GET(self):  # noqa: N802
        seen = []
        for headers, body in list(REQUESTS):
            event = json.loads(body)
            user = event["data"]["identifier"]
            seen.append({"id": event["id"], "type": event["type"], "user": user, "wrong": wrong(headers, body)})
        self.answer(seen)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
sys.stdin.read()
