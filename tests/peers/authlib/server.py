"""Authlib: PKCE S256 checked when used, RFC 9207 `iss`, every refresh token works once, RFC 7009 revocation.

A used refresh token answers invalid_grant and the newer one lives on (strict_single).
The protocol is Authlib's; here is only storage. There is no login: the one user has already agreed.
"""

import os
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import peer  # noqa: E402

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token  # noqa: E402
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants  # noqa: E402
from authlib.oauth2.rfc6750 import BearerTokenValidator  # noqa: E402
from authlib.oauth2.rfc7009 import RevocationEndpoint  # noqa: E402
from authlib.oauth2.rfc7636 import CodeChallenge  # noqa: E402
from authlib.oauth2.rfc9207 import IssuerParameter  # noqa: E402
from flask import Flask, jsonify  # noqa: E402

SCOPES = ["profile", "files"]
METHODS = ["client_secret_basic", "client_secret_post"]
USER = {"id": "user-7", "name": "Alice of Authlib"}


class Client(ClientMixin):
    def __init__(self):
        self.redirect_uris = list(peer.REDIRECT_URIS)

    def get_client_id(self):
        return peer.CLIENT_ID

    def get_default_redirect_uri(self):
        return self.redirect_uris[0] if self.redirect_uris else None

    def get_allowed_scope(self, scope):
        return " ".join(word for word in (scope or "").split() if word in SCOPES)

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret):
        return client_secret == peer.CLIENT_SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return method in METHODS

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in ("authorization_code", "refresh_token")


class Code(AuthorizationCodeMixin):
    def __init__(self, code, payload):
        self.code, self.redirect_uri, self.scope = code, payload.redirect_uri, payload.scope
        self.code_challenge = payload.data.get("code_challenge")
        self.code_challenge_method = payload.data.get("code_challenge_method")

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope


class Token(TokenMixin):
    def __init__(self, values, client):
        self.values, self.client, self.made_at = values, client, time.time()
        self.revoked = self.refresh_used = False

    def check_client(self, client):
        return client.get_client_id() == self.client.get_client_id()

    def get_scope(self):
        return self.values.get("scope", "")

    def get_expires_in(self):
        return self.values["expires_in"]

    def is_revoked(self):
        return self.revoked

    def is_expired(self):
        return time.time() > self.made_at + self.values["expires_in"]

    def get_user(self):
        return USER

    def get_client(self):
        return self.client


CLIENT, CODES, BY_ACCESS, BY_REFRESH = Client(), {}, {}, {}
# Reading a refresh token and marking it used must be one step, or two callers both win.
REFRESH = threading.Lock()


def save_token(values, request):
    token = Token(dict(values), CLIENT)
    BY_ACCESS[values["access_token"]] = token
    if values.get("refresh_token"):
        BY_REFRESH[values["refresh_token"]] = token


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code, request):
        CODES[code] = Code(code, request.payload)

    def query_authorization_code(self, code, client):
        return CODES.get(code)

    def delete_authorization_code(self, authorization_code):
        CODES.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):
        return USER


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        with REFRESH:
            token = BY_REFRESH.get(refresh_token)
            if token is None or token.revoked or token.refresh_used:
                return None
            token.refresh_used = True
            return token

    def authenticate_user(self, refresh_token):
        return USER

    def revoke_old_credential(self, refresh_token):
        refresh_token.revoked = True


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string, token_type_hint):
        return BY_REFRESH.get(token_string) or BY_ACCESS.get(token_string)

    def revoke_token(self, token, request):
        token.revoked = True


class Bearer(BearerTokenValidator):
    def authenticate_token(self, token_string):
        return BY_ACCESS.get(token_string)


def start(origin):
    app = Flask(__name__)
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    seconds = peer.ACCESS_TOKEN_SECONDS
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"authorization_code": seconds, "refresh_token": seconds}
    server = AuthorizationServer(
        app, query_client=lambda name: CLIENT if name == peer.CLIENT_ID else None, save_token=save_token
    )
    server.register_grant(CodeGrant, [CodeChallenge(required=True)])
    server.register_grant(RefreshGrant)
    server.register_endpoint(Revocation)

    class Issuer(IssuerParameter):
        def get_issuer(self):
            return origin

    server.register_extension(Issuer())
    protect = ResourceProtector()
    protect.register_token_validator(Bearer())
    add_routes(app, server, protect)
    paths = {"token": "/token", "revoke": "/revoke", "api": "/api/me"}
    return app, paths, CLIENT.redirect_uris.append, ready(origin)


def add_routes(app, server, protect):
    @app.get("/authorize")
    def authorize():
        grant = server.get_consent_grant(end_user=USER)
        return server.create_authorization_response(grant=grant, grant_user=USER)

    @app.post("/token")
    def token():
        return server.create_token_response()

    @app.post("/revoke")
    def revoke():
        return server.create_endpoint_response("revocation")

    @app.get("/api/me")
    @protect("profile")
    def me():
        return jsonify(**current_token.get_user())


def ready(origin):
    return {
        "peer": "authlib",
        "version": version("authlib"),
        "issuer": origin,
        "iss_supported": True,
        "refresh_class": "strict_single",
        "authorize_url": origin + "/authorize",
        "token_url": origin + "/token",
        "revoke_url": origin + "/revoke",
        "userinfo_url": origin + "/api/me",
        "client_id": peer.CLIENT_ID,
        "client_secret": peer.CLIENT_SECRET,
        "client_auth": "client_secret_basic",
        "scopes": SCOPES,
        "login": {},
    }


peer.serve(start)
