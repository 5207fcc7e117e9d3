"""Connections: made, changed, listed; those of the vendor's single sign-on are refused as not offered."""

from scalekit.common import exceptions
from scalekit.v1.connections import connections_pb2 as wire

from support import api, check, raises


def run(client):
    connections = client.connection
    apps = connections.list_app_connections()[0]
    check("list_app_connections", "postcards" in [app.key_id for app in apps.connections], apps)
    one = connections.list_app_connections(page_size=1)[0]
    check("a page of connections", len(one.connections) == 1, one)
    named = connections.list_app_connections(provider="POSTCARDS", query="postc")[0]
    check("connections of a provider", [app.key_id for app in named.connections] == ["postcards"], named)
    listed = connections.list_connections("")[0]
    check("list_connections", "postcards" in [app.key_id for app in listed.connections], listed)
    by_domain = connections.list_connections_by_domain("example.com")[0]
    check("list_connections_by_domain", len(by_domain.connections) == 0, by_domain)

    made = connections.create_environment_connection(
        wire.CreateConnection(provider_key="LUGGAGE", type=wire.API_KEY, key_id="sdk-luggage"), wire.Flags(is_app=True)
    )[0].connection
    check("create_environment_connection", made.id.startswith("conn_") and made.key_id == "sdk-luggage", made)
    got = connections.get_environment_connection(made.id)[0].connection
    check("get_environment_connection", (got.id, got.type) == (made.id, wire.API_KEY), got)
    changed = connections.update_environment_connection(made.id, wire.UpdateConnection(key_id="sdk-bags", type=wire.API_KEY))[0]
    check("update_environment_connection", changed.connection.key_id == "sdk-bags", changed)
    raises("a name that is taken", exceptions.ScalekitConflictException, lambda: connections.create_environment_connection(
        wire.CreateConnection(provider_key="LUGGAGE", type=wire.API_KEY, key_id="sdk-bags"), wire.Flags(is_app=True)))
    raises("a connector that is not there", exceptions.ScalekitNotFoundException, lambda: connections.create_environment_connection(
        wire.CreateConnection(provider_key="NOTHING", type=wire.OAUTH), wire.Flags(is_app=True)))
    api("DELETE", f"/api/v1/connections/{made.id}")
    raises("a connection that was deleted", exceptions.ScalekitNotFoundException, lambda: connections.get_environment_connection(made.id))

    sso = wire.CreateConnection(provider_key="LUGGAGE", type=wire.API_KEY)
    for name, call in {
        "create_connection": lambda: connections.create_connection("org_1", sso),
        "get_connection": lambda: connections.get_connection("org_1", "conn_1"),
        "enable_connection": lambda: connections.enable_connection("org_1", "conn_1"),
        "disable_connection": lambda: connections.disable_connection("org_1", "conn_1"),
        "delete_connection": lambda: connections.delete_connection("org_1", "conn_1"),
    }.items():
        raises(f"{name} of an organization is not offered", exceptions.ScalekitNotImplementedException, call)
