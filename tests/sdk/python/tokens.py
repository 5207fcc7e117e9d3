"""Access tokens: asked for, validated against our keys, replaced when they are refused; signatures of webhooks."""

import base64
import hashlib
import hmac
import time

from scalekit import ScalekitClient
from scalekit.common.scalekit import TokenValidationOptions

from support import READY, check, keybearer


def run(client):
    token = client.get_client_access_token()
    check("get_client_access_token", token.count(".") == 2, "no JWT")
    asked = client.generate_client_token(READY["client_id"], READY["client_secret"], scopes=["connected_accounts:read"])
    check("generate_client_token", asked.count(".") == 2, "no JWT")
    claims = client.validate_access_token_and_get_claims(token)
    check("claims", claims["iss"] and claims["sub"] == READY["client_id"], claims)
    check("validate_access_token", client.validate_access_token(token) is True)
    issuer = TokenValidationOptions(issuer=claims["iss"])
    check("validate_token for an issuer", client.validate_token(token, options=issuer)["sub"] == READY["client_id"])
    check("another issuer", client.validate_access_token(token, options=TokenValidationOptions(issuer="https://other.example")) is False)
    check("verify_scopes", client.verify_scopes(token, ["connected_accounts:read"]))
    head, body, signature = token.split(".")
    check("a changed token", client.validate_access_token(f"{head}.{body}.{signature[::-1]}") is False)
    slash()
    replaced(client)
    signatures(client)


def slash():
    """A slash at the end of the address makes the SDK ask for //oauth/token and //keys."""
    client = ScalekitClient(READY["tls_url"] + "/", READY["client_id"], READY["client_secret"])
    check("an address with a slash", client.actions.list_connected_accounts() is not None)
    check("keys of an address with a slash", client.validate_access_token(client.core_client.access_token))
    check("a proxied call with a slash", client.actions.request(
        path="/me", connection_name="postcards", identifier="py-ada").status_code == 200)


def replaced(client):
    """A token that stopped counting is exchanged by the SDK itself, though its channel holds the first one for ever."""
    who = {"connection_name": "postcards", "identifier": "py-ada"}
    made = keybearer("clients", "create", "--name", "short-lived")
    identity, secret = made["client"]["id"], made["client_secret"]
    other = client.generate_client_token(identity, secret)
    keybearer("clients", "delete", identity)
    for name, token in {"nonsense": "stale", "a token of a deleted client": other}.items():
        client.core_client.access_token = token
        check(f"{name} is exchanged", client.actions.get_connected_account_details(**who).connected_account.identifier == "py-ada")
        check(f"{name} is forgotten", client.core_client.access_token != token)
    # a client whose secret is rotated goes on with the new one; the old secret is refused
    made = keybearer("clients", "create", "--name", "rotated")
    identity, secret = made["client"]["id"], made["client_secret"]
    second = ScalekitClient(READY["tls_url"], identity, secret)
    fresh = keybearer("clients", "rotate", identity)["client_secret"]
    second.core_client.client_secret, second.core_client.access_token = fresh, "stale"
    check("a rotated secret", second.actions.list_connected_accounts() is not None)
    try:
        ScalekitClient(READY["tls_url"], identity, secret)
        check("the old secret is refused", False)
    except Exception as error:  # noqa: BLE001
        check("the old secret is refused", secret not in str(error) and "unauthorized" in type(error).__name__.lower(), type(error))


def signatures(client):
    key, body, now = b"k" * 24, '{"type":"connected_account.created"}', str(int(time.time()))
    secret = "whsec_" + base64.b64encode(key).decode()
    signed = base64.b64encode(hmac.new(key, f"evt_1.{now}.{body}".encode(), hashlib.sha256).digest()).decode()
    for kind, verify in {"webhook": client.verify_webhook_payload, "interceptor": client.verify_interceptor_payload}.items():
        headers = {f"{kind}-id": "evt_1", f"{kind}-timestamp": now, f"{kind}-signature": f"v1,{signed}"}
        check(f"verify_{kind}_payload", verify(secret, headers, body) is True)
