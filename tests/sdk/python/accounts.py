"""Accounts from link to deletion, through `actions` and through `connected_accounts`."""

from scalekit.common import exceptions
from scalekit.v1.connected_accounts import connected_accounts_pb2 as wire

from support import approve, check, raises

WHO = {"connection_name": "postcards", "identifier": "py-ada"}
SECRET = "lk_" + "0" * 32
KEY = {"static_auth": {"api_key": SECRET}}


def run(client):
    actions = client.actions
    made = actions.get_or_create_connected_account(**WHO).connected_account
    check("get_or_create makes", made.id.startswith("ca_") and made.status == "PENDING_AUTH", made)
    again = actions.get_or_create_connected_account(**WHO).connected_account
    check("get_or_create gets", again.id == made.id, again)
    link = actions.get_authorization_link(**WHO)
    check("get_authorization_link", link.link.startswith("http") and link.expiry is not None, link)
    approve(link.link)
    account = actions.get_connected_account(**WHO).connected_account
    token = account.authorization_details["oauth_token"]
    check("active after consent", (account.status, account.authorization_type) == ("ACTIVE", "OAUTH"), account.status)
    check("tokens for who may read them", token["access_token"] and token["refresh_token"], "empty")
    check("an account by its id", actions.get_connected_account(connected_account_id=made.id).connected_account.id == made.id)
    details = actions.get_connected_account_details(**WHO)
    check("details hold no token", token["access_token"] not in str(details), "a token")
    again = actions.get_authorization_link(connected_account_id=made.id)
    check("a new link for an active account", again.link != link.link, again)
    listed(actions, "py-ada")
    updated = actions.update_connected_account(api_config={"version": "v2"}, **WHO).connected_account
    check("update_connected_account merges", (updated.id, updated.status) == (made.id, "ACTIVE"), updated)
    check("api_config is kept", updated.api_config.get("version") == "v2", updated.api_config)
    keys(actions)
    lower_level(client)
    scoped(actions)


def listed(actions, wanted):
    listed = actions.list_connected_accounts()
    check("list_connected_accounts", wanted in [item.identifier for item in listed.connected_accounts], listed)
    for name, filters in {
        "connection": {"connection_name": "postcards"}, "connections": {"connection_names": ["postcards", "luggage"]},
        "identifier": {"identifier": "py-ada"}, "provider": {"provider": "postcards"},
    }.items():
        found = actions.list_connected_accounts(**filters)
        check(f"accounts of a {name}", wanted in [item.identifier for item in found.connected_accounts], found)
    none = actions.list_connected_accounts(identifier="nobody-at-all")
    check("accounts of nobody", none.connected_accounts == [], none)
    raises("a page that is too large", exceptions.ScalekitBadRequestException, lambda: actions.list_connected_accounts(page_size=100))
    raises("a token of no page", exceptions.ScalekitBadRequestException, lambda: actions.list_connected_accounts(page_token="x"))


def keys(actions):
    key = {"connection_name": "luggage", "identifier": "py-key"}
    stored = actions.create_connected_account(authorization_details=KEY, **key).connected_account
    check("create with a key", (stored.status, stored.authorization_type) == ("ACTIVE", "API_KEY"), stored)
    raises("an account made twice", exceptions.ScalekitConflictException, lambda: actions.create_connected_account(authorization_details=KEY, **key))
    raises("a wrong kind of credential", exceptions.ScalekitBadRequestException, lambda: actions.create_connected_account(
        connection_name="postcards", identifier="x", authorization_details=KEY))
    fresh = {"static_auth": {"api_key": "lk_" + "1" * 32}}
    upserted = actions.upsert_connected_account(authorization_details=fresh, **key).connected_account
    check("upsert replaces the key", (upserted.id, upserted.status) == (stored.id, "ACTIVE"), upserted)
    read = actions.get_connected_account(**key).connected_account.authorization_details
    check("the new key is stored", read["static_auth"]["api_key"] == "lk_" + "1" * 32, "another")
    made = actions.upsert_connected_account(connection_name="luggage", identifier="py-key-2", authorization_details=KEY)
    check("upsert makes", made.connected_account.status == "ACTIVE", made)
    actions.delete_connected_account(connected_account_id=made.connected_account.id)
    actions.delete_connected_account(**key)
    raises("deleted is gone", exceptions.ScalekitNotFoundException, lambda: actions.get_connected_account(**key))
    raises("deleted twice", exceptions.ScalekitNotFoundException, lambda: actions.delete_connected_account(**key))


def lower_level(client):
    accounts, user = client.connected_accounts, "py-lower"
    made = accounts.create_connected_account("luggage", user, wire.CreateConnectedAccount())[0].connected_account
    check("an empty account waits", made.status == wire.PENDING_AUTH, made)
    # what the vendor's own scripts send to read tools again: an id beside empty names and an empty change
    same = accounts.update_connected_account("", "", wire.UpdateConnectedAccount(), connected_account_id=made.id)[0]
    check("an empty change by id", same.connected_account.id == made.id, same)
    got = accounts.get_connected_account_by_identifier("luggage", user)[0].connected_account
    check("get_connected_account_by_identifier", got.id == made.id, got)
    details = accounts.get_connected_account_details_by_identifier("luggage", user)[0].connected_account
    check("get_connected_account_details_by_identifier", details.id == made.id, details)
    link = accounts.get_magic_link_for_connected_account("luggage", user, state="s" * 512)[0]
    check("get_magic_link_for_connected_account", link.link and link.expiry.seconds > 0, link)
    listed = accounts.list_connected_accounts(connector="luggage", identifier=user)[0]
    check("list_connected_accounts of a user", [item.id for item in listed.connected_accounts] == [made.id], listed)
    raises("verify_connected_account_user", exceptions.ScalekitNotFoundException, lambda: accounts.verify_connected_account_user("unknown", user))
    accounts.delete_connected_account("luggage", user)
    raises("nothing is left of it", exceptions.ScalekitNotFoundException, lambda: accounts.delete_connected_account("luggage", user))


def scoped(actions):
    """Python forgets organization and user when it looks an account up, so the only one must be found."""
    key = {"connection_name": "luggage", "identifier": "py-scoped"}
    made = actions.get_or_create_connected_account(organization_id="org_7", user_id="usr_7", authorization_details=KEY, **key).connected_account
    again = actions.get_or_create_connected_account(organization_id="org_7", user_id="usr_7", **key).connected_account
    check("get_or_create finds a scoped account", again.id == made.id, again)
    check("a lookup without scope finds it", actions.get_connected_account(**key).connected_account.id == made.id)
    actions.delete_connected_account(**key)
