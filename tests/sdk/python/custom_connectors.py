"""Custom connectors: made and changed with the SDK, then used: each kind of credential as the API receives it."""

import base64

from scalekit.actions.models.custom_provider import AuthField, AuthPattern, OAuthConfig
from scalekit.actions.models.requests.create_custom_provider_request import CreateCustomProviderRequest
from scalekit.actions.models.requests.delete_custom_provider_request import DeleteCustomProviderRequest
from scalekit.actions.models.requests.list_providers_request import ListProvidersRequest
from scalekit.actions.models.requests.update_custom_provider_request import UpdateCustomProviderRequest
from scalekit.common import exceptions
from scalekit.providers import ProvidersClient
from scalekit.v1.connections import connections_pb2 as wire

from support import Upstream, approve, api, check, raises

CUSTOM, ALL = 1, 2


def field(name, **more):
    return AuthField(field_name=name, label=name, input_type="password", required=True, **more)


KINDS = {
    "BASIC": (AuthPattern(type="BASIC", display_name="Basic", fields=[field("username"), field("password")]), wire.BASIC,
              {"username": "u", "password": "p"}, {"authorization": "Basic " + base64.b64encode(b"u:p").decode()}),
    "BEARER": (AuthPattern(type="BEARER", display_name="Bearer", fields=[field("token")]), wire.BEARER,
               {"token": "t-1"}, {"authorization": "Bearer t-1"}),
    "API_KEY": (AuthPattern(type="API_KEY", display_name="Key", fields=[field("api_key")], auth_header_key_override="X-Key"),
                wire.API_KEY, {"api_key": "k-1"}, {"x-key": "k-1"}),
    "API_KEY with two headers": (
        AuthPattern(type="API_KEY", display_name="Keys", fields=[field("one", header_name="X-One"), field("two", header_name="X-Two")]),
        wire.API_KEY, {"one": "1", "two": "2"}, {"x-one": "1", "x-two": "2"}),
    "NO_AUTH": (AuthPattern(type="NO_AUTH", display_name="Open", fields=[]), wire.NO_AUTH, None, {}),
}


def run(client):
    managed(client.actions.providers)
    lower, upstream = ProvidersClient(client.core_client), Upstream()
    for number, (name, kind) in enumerate(KINDS.items()):
        used(client, lower, upstream, name, kind, f"py-kind-{number}")
    oauth(client, lower)


def managed(providers):
    pattern = AuthPattern(type="OAUTH", display_name="Sign in", fields=[], is_mcp=False, oauth_config=OAuthConfig(
        authorize_uri="https://id.example/authorize", token_uri="https://id.example/token", pkce_enabled=True,
        available_scopes=[{"scope": "read", "display_name": "Read", "required": True}], house_words={"kept": [1, "two"]}))
    made = providers.create_custom_provider(CreateCustomProviderRequest(
        display_name="Sdk Desk", proxy_url="https://api.desk.example/v1", auth_patterns=[pattern], metadata={"team": "sdk"})).provider
    check("create_custom_provider", made.identifier.startswith("SDK") and ":" in made.identifier and made.is_custom, made)
    kept = made.auth_patterns[0].to_dict()
    check("patterns are kept verbatim", kept["oauth_config"]["house_words"] == {"kept": [1, "two"]}, kept)
    found = providers.list_providers(ListProvidersRequest(provider_type=CUSTOM, page_size=100)).providers
    check("list_providers of the environment", made.identifier in [one.identifier for one in found], found)
    default = [one.identifier for one in providers.list_providers(ListProvidersRequest(page_size=1000)).providers]
    check("the catalogue alone", made.identifier not in default and "POSTCARDS" in default, default)
    both = [one.identifier for one in providers.list_providers(ListProvidersRequest(provider_type=ALL, page_size=1000)).providers]
    check("both", {made.identifier, "POSTCARDS"} <= set(both), both)
    changed = providers.update_custom_provider(UpdateCustomProviderRequest(
        identifier=made.identifier, display_name="Sdk Help Desk", proxy_url="https://api.desk.example/v2")).provider
    check("update_custom_provider", (changed.identifier, changed.display_name) == (made.identifier, "Sdk Help Desk"), changed)
    check("patterns that were not sent stay", len(changed.auth_patterns) == 1 and changed.proxy_enabled, changed)
    providers.delete_custom_provider(DeleteCustomProviderRequest(identifier=made.identifier))
    raises("deleted twice", exceptions.ScalekitNotFoundException, lambda: providers.delete_custom_provider(
        DeleteCustomProviderRequest(identifier=made.identifier)))


def connected(client, identifier, kind, name):
    made = client.connection.create_environment_connection(
        wire.CreateConnection(provider_key=identifier, type=kind, key_id=name), wire.Flags(is_app=True))[0].connection
    return made


def used(client, lower, upstream, name, kind, connection):
    pattern, connection_type, details, expected = kind
    # the SDK's own class takes https addresses only; `dev` allows http to this machine
    made = lower.create_custom_provider(f"Sdk {name}".replace("_", " "), upstream.url + "/base", auth_patterns=[pattern])[0].provider
    id_ = connected(client, made.identifier, connection_type, connection).id
    api("PATCH", f"/api/v1/connections/{id_}:enable")
    given = {"static_auth": details} if details else None
    account = client.actions.create_connected_account(connection_name=connection, identifier="u", authorization_details=given).connected_account
    check(f"{name}: the account is active", account.status == "ACTIVE", account)
    answer = client.actions.request(connection, "u", "/things?x=1", method="POST", form_data={"a": ["1", "2"]})
    check(f"{name}: a call comes through", answer.status_code == 200, answer.text)
    got = answer.json() if answer.ok else {"headers": {}, "path": "", "body": ""}
    check(f"{name}: at its place", (got["path"], got["body"]) == ("/base/things?x=1", "a=1&a=2"), got)
    headers = {key: got["headers"].get(key) for key in expected}
    check(f"{name}: with its credential", headers == expected, got["headers"])
    foreign = {"connection_name", "identifier", "keybearer-connection"} & set(got["headers"])
    ours = "authorization" in got["headers"] and "authorization" not in expected
    check(f"{name}: and nothing of ours", not foreign and not ours, got["headers"])
    raises(f"{name}: deleted while it is used", exceptions.ScalekitBadRequestException, lambda: lower.delete_custom_provider(made.identifier))


def oauth(client, lower):
    """The sandbox as somebody's own OAuth service."""
    import json
    import os

    with open(os.path.join(os.environ["KEYBEARER_DATA"], "dev.json"), encoding="utf-8") as file:
        sandbox = json.load(file)["sandbox_url"].rstrip("/")
    pattern = AuthPattern(type="OAUTH", display_name="Sign in", fields=[], oauth_config=OAuthConfig(
        authorize_uri=f"{sandbox}/authorize", token_uri=f"{sandbox}/token", user_info_uri=f"{sandbox}/me", pkce_enabled=True,
        available_scopes=[{"scope": "profile.read", "required": True}, {"scope": "postcards.read", "required": True}]))
    made = lower.create_custom_provider("Sdk Own Service", f"{sandbox}/api", auth_patterns=[pattern])[0].provider
    connection = connected(client, made.identifier, wire.OAUTH, "py-own")
    redirect = connection.oauth_config.redirect_uri
    import requests

    app = requests.post(f"{sandbox}/register", json={"redirect_uris": [redirect], "client_name": "Sdk"}, timeout=30).json()
    update = wire.UpdateConnection(type=wire.OAUTH)
    update.oauth_config.client_id.value, update.oauth_config.client_secret.value = app["client_id"], app["client_secret"]
    update.oauth_config.scopes.extend(["profile.read", "postcards.read"])
    client.connection.update_environment_connection(connection.id, update)
    api("PATCH", f"/api/v1/connections/{connection.id}:enable")
    link = client.actions.get_authorization_link(connection_name="py-own", identifier="ada")
    approve(link.link, "ada")
    account = client.actions.get_connected_account(connection_name="py-own", identifier="ada").connected_account
    check("OAUTH: active after consent", account.status == "ACTIVE", account)
    me = client.actions.request("py-own", "ada", "/me")
    check("OAUTH: a call as the person", me.status_code == 200 and "Ada" in me.text, me.text)
