"""An OAuth 1.0a provider: signatures, nonces, timestamps and verifiers are judged by oauthlib; only storage is ours.

CONSENT 1: a person presses Allow in a form; 0: everybody agrees at once (default 0)
"""

import sys
import threading
from importlib.metadata import version
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import peer  # noqa: E402

from flask import Flask, request  # noqa: E402
from oauthlib.oauth1 import RequestValidator, WebApplicationServer  # noqa: E402
from oauthlib.oauth1.rfc5849.errors import OAuth1Error  # noqa: E402

REALM = "things"
NOBODY = "nobodyKnowsThisOne0123456789"
FORM = """<!doctype html><html lang="en"><title>Allow?</title><h1>Allow this app to read your things?</h1>
<form method="post" action="/authorize"><input type="hidden" name="oauth_token" value="%s">
<button type="submit" name="allow" value="yes">Allow</button></form></html>"""


class Store:
    def __init__(self):
        self.requests, self.accesses, self.verifiers, self.nonces = {}, {}, {}, set()
        self.redirect_uris = list(peer.REDIRECT_URIS)
        self.lock = threading.Lock()


STORE = Store()


class Validator(RequestValidator):
    """Answers oauthlib's questions about what is stored; it decides."""

    enforce_ssl = False
    client_key_length = request_token_length = access_token_length = (10, 80)
    nonce_length = verifier_length = (8, 80)
    dummy_client = dummy_request_token = dummy_access_token = NOBODY
    realms = [REALM]
    allowed_signature_methods = ("HMAC-SHA1", "HMAC-SHA256")

    def check_nonce(self, nonce):
        # The default takes letters and digits only; RFC 5849 §3.3 allows any string.
        return 8 <= len(nonce) <= 80

    def validate_client_key(self, client_key, request):
        return client_key == peer.CLIENT_ID

    def validate_request_token(self, client_key, token, request):
        return token in STORE.requests

    def validate_access_token(self, client_key, token, request):
        return token in STORE.accesses

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        key = (client_key, timestamp, nonce, request_token, access_token)
        with STORE.lock:
            fresh = key not in STORE.nonces
            STORE.nonces.add(key)
        return fresh

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri in STORE.redirect_uris

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def validate_verifier(self, client_key, token, verifier, request):
        return STORE.verifiers.get(token) == verifier

    def verify_request_token(self, token, request):
        return token in STORE.requests

    def verify_realms(self, token, realms, request):
        return True

    def get_client_secret(self, client_key, request):
        return peer.CLIENT_SECRET if client_key == peer.CLIENT_ID else NOBODY

    def get_request_token_secret(self, client_key, token, request):
        return STORE.requests.get(token, {}).get("oauth_token_secret", NOBODY)

    def get_access_token_secret(self, client_key, token, request):
        return STORE.accesses.get(token, {}).get("oauth_token_secret", NOBODY)

    def get_default_realms(self, client_key, request):
        return [REALM]

    def get_realms(self, token, request):
        return [REALM]

    def get_redirect_uri(self, token, request):
        return STORE.requests[token]["callback"]

    def invalidate_request_token(self, client_key, request_token, request):
        STORE.requests.pop(request_token, None)
        STORE.verifiers.pop(request_token, None)

    def save_request_token(self, token, request):
        STORE.requests[token["oauth_token"]] = {**token, "callback": request.redirect_uri}

    def save_access_token(self, token, request):
        STORE.accesses[token["oauth_token"]] = dict(token)

    def save_verifier(self, token, verifier, request):
        STORE.verifiers[token] = verifier["oauth_verifier"]


def judge(operation, **extra):
    """Hands the current request to oauthlib and its answer to Flask."""
    body = request.get_data(as_text=True) or None
    try:
        headers, body, status = operation(request.url, request.method, body, dict(request.headers), **extra)
    except OAuth1Error as error:
        return error.urlencoded, error.status_code
    return body or "", status, headers


def start(origin):
    server, app = WebApplicationServer(Validator()), Flask(__name__)

    @app.post("/request_token")
    def request_token():
        return judge(server.create_request_token_response)

    @app.get("/authorize")
    def ask():
        if peer.flag("CONSENT", "0"):
            token = request.args.get("oauth_token", "")
            return (FORM % token) if token in STORE.requests else ("unknown token", 400)
        return judge(server.create_authorization_response, realms=[REALM], credentials={})

    @app.post("/authorize")
    def allow():
        return judge(server.create_authorization_response, realms=[REALM], credentials={})

    @app.post("/access_token")
    def access_token():
        return judge(server.create_access_token_response)

    @app.route("/api/me", methods=["GET", "POST"])
    def me():
        good, _ = server.validate_protected_resource_request(
            request.url, request.method, request.get_data(as_text=True) or None, dict(request.headers), realms=[REALM]
        )
        return ({"id": "user-1", "name": "Alice of OAuth 1"}, 200) if good else ({"error": "bad signature"}, 401)

    paths = {"token": "/access_token", "api": "/api/me"}
    return app, paths, STORE.redirect_uris.append, ready(origin)


def ready(origin):
    return {
        "peer": "oauthlib-oauth1",
        "version": version("oauthlib"),
        "request_token_url": origin + "/request_token",
        "authorize_url": origin + "/authorize",
        "token_url": origin + "/access_token",
        "userinfo_url": origin + "/api/me",
        "client_id": peer.CLIENT_ID,
        "client_secret": peer.CLIENT_SECRET,
        "signature_methods": ["HMAC-SHA1", "HMAC-SHA256"],
        "login": {},
    }


peer.serve(start)
