"""scalekit-sdk-python against Keybearer: connections, accounts, link to consent, proxied calls, errors."""

import json
import os
import subprocess
import sys

READY = json.loads(os.environ["KEYBEARER_READY"])
os.environ["REQUESTS_CA_BUNDLE"] = os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = READY["ca_file"]

from scalekit import ScalekitClient  # noqa: E402
from scalekit.common import exceptions  # noqa: E402

CHECKS = 0


def check(name, good, seen=""):
    global CHECKS
    CHECKS += 1
    print(json.dumps({"check": name, "ok": bool(good), "seen": "" if good else str(seen)[:800]}), flush=True)


def raises(name, kind, call):
    try:
        seen = call()
    except kind as error:
        check(name, type(error) is kind, type(error))
    except Exception as error:  # noqa: BLE001: any other class is what the check is about
        check(name, False, f"{type(error).__name__}: {error}")
    else:
        check(name, False, seen)


def approve(link):
    subprocess.run([*json.loads(os.environ["KEYBEARER_APPROVE"]), link], check=True, stdout=subprocess.DEVNULL)


def run(environment_url):
    client = ScalekitClient(environment_url, READY["client_id"], READY["client_secret"])
    actions, who = client.actions, {"connection_name": "postcards", "identifier": "py-ada"}

    apps = client.connection.list_app_connections()[0]
    check("list_app_connections", "postcards" in [app.key_id for app in apps.connections], apps)
    one = client.connection.list_app_connections(page_size=1)[0]
    check("a page of connections", len(one.connections) == 1, one)
    got = client.connection.get_environment_connection(apps.connections[0].id)[0]
    check("get_environment_connection", got.connection.id == apps.connections[0].id, got)

    made = actions.get_or_create_connected_account(**who).connected_account
    check("get_or_create makes", made.id.startswith("ca_") and made.status == "PENDING_AUTH", made)
    again = actions.get_or_create_connected_account(**who).connected_account
    check("get_or_create gets", again.id == made.id, again)
    link = actions.get_authorization_link(**who)
    check("get_authorization_link", link.link.startswith("http") and link.expiry is not None, link)
    approve(link.link)
    account = actions.get_connected_account(**who).connected_account
    token = account.authorization_details["oauth_token"]
    check("active after consent", account.status == "ACTIVE", account.status)
    check("tokens for who may read them", token["access_token"] and token["refresh_token"], "empty")
    details = actions.get_connected_account_details(**who)
    check("details hold no token", token["access_token"] not in str(details), "a token")

    listed = actions.list_connected_accounts(connection_name="postcards") if False else actions.list_connected_accounts()
    check("list_connected_accounts", "py-ada" in [item.identifier for item in listed.connected_accounts], listed)
    me = actions.request(path="/me", **who)
    check("request GET", me.status_code == 200 and me.json()["name"] == "Ada Obi", me.text)
    sent = actions.request(path="/postcards", method="POST", body={"to": "Ben", "text": "json"}, **who)
    check("request with JSON", sent.status_code == 201, sent.text)
    query = actions.request(path="/postcards", query_params={"limit": 1}, **who)
    check("request with a query", query.status_code == 200, query.text)
    raw = actions.request(
        path="/postcards", method="POST", raw_body=b'{"to":"Cy","text":"raw"}', headers={"Content-Type": "application/json"}, **who
    )
    check("request with a raw body", raw.status_code == 201, raw.text)
    absent = actions.request(path="/nothing-here", **who)
    check("the provider's answer as it is", absent.status_code == 404, absent.status_code)

    updated = actions.update_connected_account(api_config={"version": "v2"}, **who).connected_account
    check("update_connected_account", updated.id == made.id and updated.status == "ACTIVE", updated)
    key = {"connection_name": "luggage", "identifier": "py-key"}
    secret = "lk_" + "0" * 32
    stored = actions.create_connected_account(authorization_details={"static_auth": {"api_key": secret}}, **key)
    check("create with a key", stored.connected_account.status == "ACTIVE", stored)

    raises("an account that is not there", exceptions.ScalekitNotFoundException, lambda: actions.get_connected_account(connection_name="postcards", identifier="nobody"))
    raises("a connection that is not there", exceptions.ScalekitNotFoundException, lambda: actions.get_authorization_link(connection_name="nothing", identifier="a"))
    raises("an account made twice", exceptions.ScalekitConflictException, lambda: actions.create_connected_account(authorization_details={"static_auth": {"api_key": secret}}, **key))
    raises("a wrong kind of credential", exceptions.ScalekitBadRequestException, lambda: actions.create_connected_account(connection_name="postcards", identifier="x", authorization_details={"static_auth": {"api_key": secret}}))
    raises("a verification nobody asked for", exceptions.ScalekitNotFoundException, lambda: actions.verify_connected_account_user(auth_request_id="unknown", identifier="py-ada"))

    client.core_client.access_token = "stale"
    check("a stale token is exchanged", actions.get_connected_account(**who).connected_account.id == made.id)
    for account in (who, key):
        actions.delete_connected_account(**account)
    raises("deleted is gone", exceptions.ScalekitNotFoundException, lambda: actions.get_connected_account(**who))


run(READY["tls_url"])
try:
    ScalekitClient(READY["tls_url"], READY["client_id"], "wrong")
    check("a wrong secret", False)
except Exception as error:  # noqa: BLE001
    check("a wrong secret", "wrong" not in str(error).split("secret")[0], error)
# a slash at the end of the address makes the SDK ask for //oauth/token and //keys
slash = ScalekitClient(READY["tls_url"] + "/", READY["client_id"], READY["client_secret"])
check("an address with a slash", slash.actions.list_connected_accounts() is not None)
claims = slash.validate_access_token_and_get_claims(slash.core_client.access_token)
check("the token validates against our keys", claims.get("iss") is not None, claims)
print(json.dumps({"checks": CHECKS}))
sys.exit(0)
