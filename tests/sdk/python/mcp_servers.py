"""MCP servers: this version offers none, and says so instead of storing what cannot be used."""

from datetime import timedelta

from scalekit.actions.models.mcp_config import McpConfigConnectionToolMapping
from scalekit.common import exceptions
from scalekit.mcp import McpClient
from scalekit.v1.mcp import mcp_pb2 as wire

from support import check, raises

REFUSED, LOST = exceptions.ScalekitBadRequestException, exceptions.ScalekitNotFoundException
WORDS = "not offered by this version"


def run(client):
    actions, mappings = client.actions, [McpConfigConnectionToolMapping(connection_name="postcards", tools=[])]
    for name, part in {"actions": actions, "actions.mcp": actions.mcp}.items():
        check(f"{name}.list_configs", part.list_configs(page_size=30).configs == [], "configs")
        check(f"{name}.list_instances", part.list_instances(filter_user_identifier="py-ada").instances == [], "instances")
        raises(f"{name}.create_config", REFUSED, lambda: part.create_config("cards", connection_tool_mappings=mappings), WORDS)
        raises(f"{name}.update_config", LOST, lambda: part.update_config("cfg_1", description="x"))
        raises(f"{name}.delete_config", LOST, lambda: part.delete_config("cfg_1"))
        raises(f"{name}.ensure_instance", REFUSED, lambda: part.ensure_instance("cards", "py-ada"), WORDS)
        raises(f"{name}.update_instance", LOST, lambda: part.update_instance("inst_1", name="x"))
        raises(f"{name}.get_instance", LOST, lambda: part.get_instance("inst_1"))
        raises(f"{name}.get_instance_auth_state", LOST, lambda: part.get_instance_auth_state("inst_1", include_auth_links=True))
        raises(f"{name}.delete_instance", LOST, lambda: part.delete_instance("inst_1"))
    raises("list_mcp_connected_accounts", LOST, lambda: actions.mcp.list_mcp_connected_accounts("cfg_1", "py-ada", include_auth_link=True))
    tokens(actions.mcp)
    lower_level(client.mcp)


def tokens(mcp):
    raises("a token for a configuration", LOST, lambda: mcp.create_session_token("cfg_1", "py-ada"))
    raises("a token for a connection that is not there", LOST, lambda: mcp.create_session_token(connection_name="nothing", identifier="py-ada"))
    connection = {"connection_name": "postcards", "identifier": "py-ada"}
    raises("a token for a connection", REFUSED, lambda: mcp.create_session_token(expiry=timedelta(minutes=15), access_level="READ_ONLY", **connection), WORDS)
    raises("a token for a second", REFUSED, lambda: mcp.create_session_token(expiry=timedelta(seconds=1), **connection), "expiry")
    raises("a token for everything", REFUSED, lambda: mcp.create_session_token(access_level="ALL", **connection), "access_level")


def lower_level(mcp: McpClient):
    check("list_configs", list(mcp.list_configs(search="cards")[0].configs) == [])
    raises("a page of configurations that is too large", REFUSED, lambda: mcp.list_configs(page_size=31), "page_size")
    raises("create_config", REFUSED, lambda: mcp.create_config(wire.McpConfig(name="cards")), WORDS)
    raises("a name that is none", REFUSED, lambda: mcp.create_config(wire.McpConfig(name="Cards!")), "name")
