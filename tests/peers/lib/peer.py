"""What every Python peer shares: settings, the ready line, counting, holding answers back, stopping."""

import json
import os
import signal
import socketserver
import sys
import threading
import time
from io import BytesIO
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

PORT = int(os.environ.get("PORT", "0"))
REDIRECT_URIS = os.environ.get("REDIRECT_URI", "").split()
CLIENT_ID = os.environ.get("CLIENT_ID", "peerClient0123456789abcdef")
CLIENT_SECRET = os.environ.get("CLIENT_SECRET", "peerClientSecret0123456789abcdef")
ACCESS_TOKEN_SECONDS = int(os.environ.get("ACCESS_TOKEN_SECONDS", "3600"))


def flag(name, default):
    """A yes/no setting: 1 or 0."""
    return os.environ.get(name, default) == "1"


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """One thread per request, on loopback; a hundred callers may knock at once."""

    daemon_threads = True
    request_queue_size = 256
    address_family = WSGIServer.address_family

    def server_bind(self):
        # The standard class looks its own name up, which can hang on a machine without DNS.
        socketserver.TCPServer.server_bind(self)
        self.server_name = "127.0.0.1"
        self.server_port = self.server_address[1]
        self.setup_environ()


class Handler(WSGIRequestHandler):
    def log_message(self, format, *args):
        sys.stderr.write("%s\n" % (format % args))


class Watch:
    """WSGI layer that counts protocol requests and delays token answers after the peer has acted."""

    def __init__(self, app, paths, add_redirect_uri):
        self.app, self.paths, self.add_redirect_uri = app, paths, add_redirect_uri
        self.counts = {"by_grant": {}, "by_status": {}, "revocations": 0, "api_calls": 0}
        self.hold_ms = 0
        self.lock = threading.Lock()

    def bump(self, table, key):
        with self.lock:
            table[key] = table.get(key, 0) + 1

    def control(self, environ, start_response):
        path, post = environ["PATH_INFO"], environ["REQUEST_METHOD"] == "POST"
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        status = "200 OK"
        if path == "/_peer/redirect-uri" and post:
            self.add_redirect_uri(body.strip())
        elif path == "/_peer/hold" and post:
            self.hold_ms = int(parse_qs(environ["QUERY_STRING"]).get("ms", ["0"])[0])
        elif path != "/_peer/counts":
            status = "404 Not Found"
        start_response(status, [("content-type", "application/json")])
        return [json.dumps(self.counts).encode()]

    def token(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        self.bump(self.counts["by_grant"], parse_qs(body.decode()).get("grant_type", ["none"])[0])

        def watched(status, headers, exc_info=None):
            self.bump(self.counts["by_status"], status.split()[0])
            return start_response(status, headers, exc_info)

        answer = b"".join(self.app(environ, watched))
        time.sleep(self.hold_ms / 1000)
        return [answer]

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith("/_peer/"):
            return self.control(environ, start_response)
        if path == self.paths["token"]:
            return self.token(environ, start_response)
        if path == self.paths.get("revoke"):
            self.bump(self.counts, "revocations")
        if path == self.paths.get("api"):
            self.bump(self.counts, "api_calls")
        return self.app(environ, start_response)


def stop_with_parent(at_exit):
    """Ends the process on SIGTERM and when standard input closes, which it does when the parent dies."""

    def stop(*_):
        at_exit()
        os._exit(0)

    def wait_for_end():
        while sys.stdin.buffer.read(4096):
            pass
        stop()

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=wait_for_end, daemon=True).start()


def serve(start, at_exit=lambda: None):
    """Binds, builds the peer with `start(origin) -> (app, paths, add_redirect_uri, ready)`, prints the ready line."""
    stop_with_parent(at_exit)
    server = make_server("127.0.0.1", PORT, None, server_class=Server, handler_class=Handler)
    origin = "http://127.0.0.1:%d" % server.server_port
    app, paths, add_redirect_uri, ready = start(origin)
    server.set_app(Watch(app, paths, add_redirect_uri))
    ready = {"ready": True, "pid": os.getpid(), "origin": origin, **ready}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    server.serve_forever()
