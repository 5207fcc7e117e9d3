"""The key that signs access tokens changes while clients are alive: nobody has to sign in again."""

import jwt
from scalekit import ScalekitClient

from support import READY, api, check

WHO = {"connection_name": "postcards", "identifier": "py-ada"}


def key_of(token):
    return jwt.get_unverified_header(token)["kid"]


def run(client):
    old = client.get_client_access_token()
    client.core_client.access_token = old
    check("validated before the rotation", client.validate_access_token(old))
    api("POST", "/api/v1/keys/signing:rotate", {"ahead_seconds": 0})
    check("a call with a token of the former key", client.actions.get_connected_account_details(**WHO).connected_account.status == "ACTIVE")
    check("which the SDK did not exchange", client.core_client.access_token == old)
    check("it still validates", client.validate_access_token(old))
    client.core_client.access_token = "stale"
    client.actions.list_connected_accounts()
    new = client.core_client.access_token
    check("signed in again with the new key", key_of(new) != key_of(old), key_of(new))

    fresh = ScalekitClient(READY["tls_url"], READY["client_id"], READY["client_secret"])
    check("a client that comes later validates both", fresh.validate_access_token(old) and fresh.validate_access_token(new))
    # a key that is published before it signs: who reads the keys meanwhile knows it when its first token comes
    published = {one["id"] for one in api("POST", "/api/v1/keys/signing:rotate", {"ahead_seconds": 3600})["keys"]}
    early = ScalekitClient(READY["tls_url"], READY["client_id"], READY["client_secret"])
    early.validate_access_token(early.core_client.access_token)
    check("the next key is published", published <= set(early.core_client.keys), early.core_client.keys)
    check("but does not sign yet", key_of(early.core_client.access_token) == key_of(new))
