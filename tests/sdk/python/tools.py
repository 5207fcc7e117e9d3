"""Tools from an empty catalogue: the right types, and errors that say so. Modifiers and adapters of frameworks."""

import importlib.metadata

from scalekit.actions.modifier import Modifier
from scalekit.common import exceptions
from scalekit.v1.tools import tools_pb2 as wire

from support import check, raises

WHO = {"connection_name": "postcards", "identifier": "py-ada"}


def run(client):
    actions, tools = client.actions, client.tools
    account = actions.get_connected_account(**WHO).connected_account.id
    check("list_tools", actions.list_tools().tools == [], "tools")
    check("list_tools of an account", actions.list_tools(connected_account_id=account, **WHO).tools == [], "tools")
    check("list_tools in short", list(tools.list_tools(wire.Filter(provider="postcards"), page_size=5000)[0].tool_names) == [])
    check("list_scoped_tools without a filter", list(tools.list_scoped_tools("py-ada")[0].tools) == [])
    check("list_scoped_tools", list(tools.list_scoped_tools("py-ada", wire.ScopedToolFilter(connection_names=["postcards"]))[0].tools) == [])
    check("search_tools", list(tools.search_tools("send a postcard", identifier="py-ada", top_k=50)[0].tools) == [])
    lost, absent = exceptions.ScalekitNotFoundException, "tool not found"
    raises("tools of an account that is not there", lost, lambda: actions.list_tools(connected_account_id="ca_1"))
    raises("a query that is too short", exceptions.ScalekitBadRequestException, lambda: actions.list_tools(query="ab"))
    raises("execute_tool", lost, lambda: tools.execute_tool("send_card", "py-ada", {"n": 1}, connection_name="postcards"), absent)
    raises("execute_tool for an account", lost, lambda: actions.execute_tool({}, "send_card", connected_account_id=account), absent)
    raises("execute_tool for nobody", lost, lambda: actions.execute_tool({}, "send_card", "nobody", connection_name="postcards"), "account")
    modifiers(client)
    frameworks(client)


def modifiers(client):
    """They run in the client alone; an input is changed before it is sent."""
    actions, seen = client.actions, []

    @actions.pre_modifier(tool_names=["send_card"])
    def before(tool_input):
        seen.append(tool_input)
        return tool_input

    @actions.post_modifier(tool_names="send_card")
    def after(tool_output):
        return tool_output

    actions.add_modifier(Modifier("other", "pre"))
    raises("a tool with modifiers", exceptions.ScalekitNotFoundException, lambda: actions.execute_tool({"a": 1}, "send_card", **{
        "identifier": "py-ada", "connection_name": "postcards"}))
    check("the modifier ran", seen == [{"a": 1}], seen)
    check("get_modifiers", len(actions.get_modifiers("send_card")) == 2, actions.get_modifiers())


def frameworks(client):
    versions = {name: importlib.metadata.version(name) for name in ("langchain-core", "google-adk")}
    check(f"LangChain {versions['langchain-core']}", client.actions.langchain.get_tools("py-ada", providers=["postcards"]) == [])
    check(f"Google ADK {versions['google-adk']}", client.actions.google.get_tools("py-ada", connection_names=["postcards"]) == [])
