"""Custom verification: the account waits until the app names the person who signed in."""

from urllib.parse import parse_qs, urlsplit

from scalekit.common import exceptions

from support import api, check, consent, raises

VERIFY = "http://localhost:9/verify?keep=1"


def run(client):
    environment = api("GET", "/api/v1/environments")["environments"][0]["id"]
    setting = f"/api/v1/environments/{environment}/settings/agent-actions"
    api("PATCH", setting, {"user_verify_mode": "USER_VERIFY_MODE_B2B"})
    try:
        verified(client.actions)
        mismatch(client.actions)
    finally:
        api("PATCH", setting, {"user_verify_mode": "USER_VERIFY_MODE_NONE"})


def waiting(actions, user):
    who = {"connection_name": "postcards", "identifier": user}
    link = actions.get_authorization_link(state="app-state", user_verify_url=VERIFY, **who)
    back = urlsplit(consent(link.link))
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    check(f"{user}: sent to the app", (back.netloc, back.path, query.get("keep")) == ("localhost:9", "/verify", "1"), back)
    check(f"{user}: with the state it gave", query.get("state") == "app-state", query)
    account = actions.get_connected_account_details(**who).connected_account
    check(f"{user}: the account waits", account.status == "PENDING_VERIFICATION", account)
    return who, query["auth_request_id"]


def verified(actions):
    who, request = waiting(actions, "py-verify")
    refused = actions.request(path="/me", **who)
    check("no call before that", refused.status_code == 409, refused.text)
    done = actions.verify_connected_account_user(auth_request_id=request, identifier="py-verify")
    check("verify_connected_account_user", done.post_user_verify_redirect_url.startswith("http"), done)
    account = actions.get_connected_account_details(**who).connected_account
    check("active after verification", account.status == "ACTIVE", account)
    check("a call after that", actions.request(path="/me", **who).status_code == 200)
    raises("verified twice", exceptions.ScalekitNotFoundException,
           lambda: actions.verify_connected_account_user(auth_request_id=request, identifier="py-verify"), "no longer valid")


def mismatch(actions):
    who, request = waiting(actions, "py-victim")
    raises("another person", exceptions.ScalekitForbiddenException,
           lambda: actions.verify_connected_account_user(auth_request_id=request, identifier="py-attacker"))
    raises("the code is destroyed", exceptions.ScalekitNotFoundException,
           lambda: actions.verify_connected_account_user(auth_request_id=request, identifier="py-victim"))
    account = actions.get_connected_account_details(**who).connected_account
    check("and the account is not connected", account.status != "ACTIVE", account)
