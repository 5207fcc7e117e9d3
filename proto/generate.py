#!/usr/bin/env python3
"""Writes proto/scalekit/v1/** from the interface facts.

    proto/generate.py FACTS.json

FACTS.json lists every RPC, message, enum and HTTP binding of the wire. Only the RPCs in METHODS are
written, with every message they reach: what is not built is not in the contract, so gRPC answers
UNIMPLEMENTED by itself. Add a method here in the commit that implements it.
"""

import json
import pathlib
import sys

ACCOUNTS = "scalekit.v1.connected_accounts.ConnectedAccountService"
CONNECTIONS = "scalekit.v1.connections.ConnectionService"
PROVIDERS = "scalekit.v1.providers.ProviderService"
TOOLS = "scalekit.v1.tools.ToolService"
MCP = "scalekit.v1.mcp.McpService"
EVENTS = "scalekit.v1.events.EventsService"
WEBHOOKS = "scalekit.v1.webhooks.WebhookService"
ORGANIZATIONS = "scalekit.v1.organizations.OrganizationService"
CLIENTS = "scalekit.v1.clients.ClientService"
ENVIRONMENTS = "scalekit.v1.environments.EnvironmentService"
KEYS = "scalekit.v1.keys.KeyManagementService"
CALL_LOGS = "scalekit.v1.agentkit_logs.AgentkitLogsService"
ANALYTICS = "scalekit.v1.agentkit_logs.AgentkitAnalyticsService"

# service -> method -> (summary, permission). Bindings come from the facts.
METHODS = {
    ACCOUNTS: {
        "ListConnectedAccounts": ("Lists accounts, newest change first.", "connected_accounts:read"),
        "SearchConnectedAccounts": ("Finds accounts by a part of the user, connection or connector.", "connected_accounts:read"),
        "CreateConnectedAccount": ("Creates an account, with or without credentials.", "connected_accounts:write"),
        "UpdateConnectedAccount": ("Changes what is given and leaves the rest.", "connected_accounts:write"),
        "DeleteConnectedAccount": ("Deletes an account and its credentials for good.", "connected_accounts:revoke"),
        "GetMagicLinkForConnectedAccount": ("Makes a connect link for a user.", "connected_accounts:write"),
        "GetConnectedAccount": ("Shows one account without secrets.", "connected_accounts:read"),
        "DisconnectConnectedAccount": ("Switches an account off and keeps its row.", "connected_accounts:revoke"),
        "GetConnectedAccountAuth": ("Shows one account with its secrets.", "connected_accounts:access"),
        "GetConnectedAccountDetails": ("Shows one account without secrets, by user and connection.", "connected_accounts:read"),
        "VerifyConnectedAccountUser": ("Confirms which of your users gave consent.", "connected_accounts:write"),
        "AuthorizeOrgWideCredential": ("Provisions the one credential that all accounts of an org-wide connection use.", "connected_accounts:write"),
        "GetRedirectUrl": ("Gives the address at which the holder of a connect link goes on.", "connected_accounts:write"),
        "CreateRedirectUrl": ("The same after a choice of scopes.", "connected_accounts:write"),
        "ListMyAppConnections": ("Lists the connections of the app with the link holder's state on each.", "connected_accounts:read"),
        "DisconnectMyConnectedAccount": ("Switches one of the link holder's own accounts off.", "connected_accounts:revoke"),
        "GetMyConnectionMagicLink": ("Makes a connect link for the link holder on another connection.", "connected_accounts:write"),
    },
    CONNECTIONS: {
        "CreateEnvironmentConnection": ("Creates a connection of the environment.", "agent_connectors:write"),
        "GetEnvironmentConnection": ("Shows one connection; secrets are never returned.", "agent_connectors:read"),
        "ListConnections": ("Lists connections.", "agent_connectors:read"),
        "UpdateEnvironmentConnection": ("Changes what is given and leaves the rest.", "agent_connectors:write"),
        "DeleteEnvironmentConnection": ("Deletes a connection that has no accounts.", "agent_connectors:write"),
        "EnableEnvironmentConnection": ("Switches a connection on.", "agent_connectors:write"),
        "DisableEnvironmentConnection": ("Switches a connection off; calls through it are refused.", "agent_connectors:write"),
        "ListAppConnections": ("Lists the connections that accounts can use, in pages.", "agent_connectors:read"),
        "GetConnectionContext": ("Shows the values that fill the templates of a connection's addresses.", "agent_connectors:read"),
        "UpdateConnectionContext": ("Replaces the values that fill the templates of a connection's addresses.", "agent_connectors:write"),
        "GetConnectionTestResult": ("Shows what a test link came to.", "agent_connectors:read"),
    },
    PROVIDERS: {
        "CreateProvider": ("Refused: the catalogue is part of the program and of the operator's files.", "agent_connectors:write"),
        "CreateCustomProvider": ("Creates a connector of the environment.", "agent_connectors:write"),
        "UpdateProvider": ("Refused: the catalogue is part of the program and of the operator's files.", "agent_connectors:write"),
        "UpdateCustomProvider": ("Replaces a connector of the environment.", "agent_connectors:write"),
        "DeleteProvider": ("Refused: the catalogue is part of the program and of the operator's files.", "agent_connectors:write"),
        "DeleteCustomProvider": ("Deletes a connector of the environment that no connection uses.", "agent_connectors:write"),
        "ListProviders": ("Lists connectors: the catalogue's, the environment's own, or both.", "agent_connectors:read"),
        "ListMyProviders": ("Lists the connectors that the link holder can connect.", "agent_connectors:read"),
    },
    TOOLS: {
        "CreateTool": ("Refused: this version has no tools.", "agent_connectors:write"),
        "ListTools": ("Lists tools; this version has none.", "agent_connectors:read"),
        "ListScopedTools": ("Lists the tools of a user's accounts; this version has none.", "agent_connectors:read"),
        "ListAvailableTools": ("Lists the tools that a user could use; this version has none.", "agent_connectors:read"),
        "SearchTools": ("Finds tools by words; this version has none.", "agent_connectors:read"),
        "SetToolDefault": ("Chooses the version of a tool; this version has no tools.", "agent_connectors:write"),
        "UpdateTool": ("Changes a tool; this version has none.", "agent_connectors:write"),
        "DeleteTool": ("Deletes a tool; this version has none.", "agent_connectors:write"),
        "ExecuteTool": ("Runs a tool for a user; this version has none, the proxy reaches every API.", "agent_connectors:execute"),
        "RefreshTools": ("Reads an account's tools again; refused, this version has none.", "agent_connectors:execute"),
    },
    MCP: {
        "CreateMcp": ("Refused: this version offers no MCP servers.", "virtual_mcp_servers:write"),
        "GetMcp": ("Shows an MCP server of the first kind; this version has none.", "virtual_mcp_servers:read"),
        "ListMcp": ("Lists MCP servers of the first kind; this version has none.", "virtual_mcp_servers:read"),
        "DeleteMcp": ("Deletes an MCP server of the first kind; this version has none.", "virtual_mcp_servers:write"),
        "CreateMcpConfig": ("Refused: this version offers no MCP servers.", "virtual_mcp_servers:write"),
        "UpdateMcpConfig": ("Changes an MCP server; this version has none.", "virtual_mcp_servers:write"),
        "ListMcpConfigs": ("Lists MCP servers; this version has none.", "virtual_mcp_servers:read"),
        "GetMcpConfig": ("Shows an MCP server; this version has none.", "virtual_mcp_servers:read"),
        "DeleteMcpConfig": ("Deletes an MCP server; this version has none.", "virtual_mcp_servers:write"),
        "EnsureMcpInstance": ("Refused: this version offers no MCP servers.", "virtual_mcp_servers:write"),
        "ListMcpInstances": ("Lists the MCP servers of users; this version has none.", "virtual_mcp_servers:read"),
        "DeleteMcpInstance": ("Deletes a user's MCP server; this version has none.", "virtual_mcp_servers:write"),
        "UpdateMcpInstance": ("Changes a user's MCP server; this version has none.", "virtual_mcp_servers:write"),
        "GetMcpInstance": ("Shows a user's MCP server; this version has none.", "virtual_mcp_servers:read"),
        "GetMcpInstanceAuthState": ("Shows what a user has connected for an MCP server; this version has none.", "virtual_mcp_servers:read"),
        "CreateMcpSessionToken": ("Makes a token for an MCP server; refused, this version offers none.", "virtual_mcp_servers:write"),
        "ListMcpConnectedAccounts": ("Shows a user's accounts for an MCP server; this version has none.", "virtual_mcp_servers:read"),
    },
    EVENTS: {
        "ListEvents": ("Lists events, newest first, with their number.", "events:read"),
        "ListEventsPaginated": ("Lists events, newest first.", "events:read"),
    },
    WEBHOOKS: {
        "GetPortalURL": ("Gives the page that says how webhook endpoints are managed.", "webhooks:write"),
        "SendTestEvent": ("Sends a sample event to every endpoint that wants its type.", "webhooks:write"),
    },
    ORGANIZATIONS: {
        "CreateOrganization": ("Creates an organization.", "organizations:write"),
        "UpdateOrganization": ("Changes what is given and leaves the rest.", "organizations:write"),
        "GetOrganization": ("Shows one organization.", "organizations:read"),
        "ListOrganization": ("Lists organizations, newest first.", "organizations:read"),
        "DeleteOrganization": ("Deletes an organization with all accounts that are scoped to it.", "organizations:delete"),
    },
    CLIENTS: {
        "ListClient": ("Lists API clients without secrets, in pages.", "api_credentials:read"),
        "CreateClient": ("Creates an API client; its secret is shown this one time.", "api_credentials:write"),
        "GetClient": ("Shows one API client without secrets.", "api_credentials:read"),
        "UpdateClient": ("Changes what is given and leaves the rest.", "api_credentials:write"),
        "DeleteClient": ("Deletes an API client; its access tokens end at once.", "api_credentials:rotate"),
        "CreateClientSecret": ("Adds a secret, which is shown this one time.", "api_credentials:write"),
        "UpdateClientSecret": ("Switches a secret on or off.", "api_credentials:write"),
        "DeleteClientSecret": ("Deletes a secret for good.", "api_credentials:rotate"),
    },
    ENVIRONMENTS: {
        "CreateEnvironment": ("Creates an environment with keys of its own.", "environments:create"),
        "UpdateEnvironment": ("Renames an environment.", "environments:write"),
        "GetEnvironment": ("Shows one environment.", "environment_settings:read"),
        "ListEnvironment": ("Lists the environments that the client may see.", "environment_settings:read"),
        "CreateAgentActionsConfig": ("Sets how people are verified and what the call log keeps.", "environment_settings:write"),
        "GetAgentActionsConfig": ("Shows how people are verified and what the call log keeps.", "environment_settings:read"),
        "UpdateAgentActionsConfig": ("Changes what is given and leaves the rest.", "environment_settings:write"),
    },
    KEYS: {
        "CreateDEK": ("Makes a data key that does not seal yet.", "encryption_keys:write"),
        "ActivateDEK": ("Makes a data key the primary one.", "encryption_keys:write"),
        "ReencryptData": ("Moves every sealed value to the primary data key, and waits for the end.", "encryption_keys:write"),
        "ListDEKs": ("Lists data keys, newest first.", "encryption_keys:read"),
        "GetDEK": ("Shows one data key.", "encryption_keys:read"),
        "DestroyDEK": ("Destroys a data key that seals nothing any more.", "encryption_keys:destroy"),
    },
    CALL_LOGS: {
        "ListToolCallLogs": ("Lists calls, newest first.", "agent_logs:read"),
        "GetToolCallLog": ("Shows one call by the id of its execution.", "agent_logs:read"),
        "ListCurrentToolCallLogs": ("Lists the calls of the account of this browser's link.", "agent_logs:read"),
    },
    ANALYTICS: {
        "GetOverviewStats": ("Adds up the calls of a span of time.", "agent_logs:read"),
        "GetCurrentOverviewStats": ("Adds up the calls of the account of this browser's link.", "agent_logs:read"),
    },
}

# Methods that admit the browser that opened a connect link: beside API clients (ALSO), or nobody else (ONLY).
LINK_SESSIONS = {
    "GetConnectedAccount": "ALSO",
    "UpdateConnectedAccount": "ALSO",
    "DisconnectConnectedAccount": "ALSO",
    "GetRedirectUrl": "ONLY",
    "CreateRedirectUrl": "ONLY",
    "ListMyAppConnections": "ONLY",
    "DisconnectMyConnectedAccount": "ONLY",
    "GetMyConnectionMagicLink": "ONLY",
    "ListMyProviders": "ONLY",
    "ListCurrentToolCallLogs": "ONLY",
    "GetCurrentOverviewStats": "ONLY",
}

# Not used by any method above, but carried inside errors.
ALWAYS = ["scalekit.v1.errdetails.ErrorInfo"]

# Never shown by Debug.
SECRETS = {
    "scalekit.v1.connected_accounts.OauthToken": {"access_token", "refresh_token"},
    "scalekit.v1.connected_accounts.StaticAuth": {"details"},
    "scalekit.v1.connected_accounts.GoogleDWDAuth": {"access_token"},
    "scalekit.v1.connected_accounts.TrustedIDPAuth": {"secret_access_key", "session_token"},
    "scalekit.v1.connected_accounts.GetMagicLinkForConnectedAccountResponse": {"link"},
    "scalekit.v1.connected_accounts.AuthorizeOrgWideCredentialResponse": {"link"},
    "scalekit.v1.connected_accounts.GetMyConnectionMagicLinkResponse": {"link"},
    "scalekit.v1.connected_accounts.GetRedirectUrlResponse": {"redirect_url"},
    "scalekit.v1.connections.OAuthConnectionConfig": {"client_secret", "googleads_developer_token"},
    "scalekit.v1.connections.OIDCConnectionConfig": {"client_secret"},
    "scalekit.v1.connections.GoogleDWDConfig": {"service_account_json"},
    "scalekit.v1.connections.StaticAuthConfig": {"static_config"},
    "scalekit.v1.mcp.CreateMcpSessionTokenResponse": {"token"},
    "scalekit.v1.mcp.McpConnectionAuthState": {"authentication_link"},
    "scalekit.v1.mcp.McpInstanceConnectionAuthState": {"authentication_link"},
    "scalekit.v1.clients.ClientSecret": {"plain_secret"},
    "scalekit.v1.clients.CreateClientSecretResponse": {"plain_secret"},
}

# Rules between fields that the facts carry only as names.
MESSAGE_RULES = {
    "scalekit.v1.connected_accounts.ListConnectedAccountsRequest":
        'at_most_one_of: { fields: "connector" fields: "connection_names" }',
    "scalekit.v1.connections.CreateConnection":
        'at_least_one_of: { fields: "provider_key" fields: "provider" }',
}

# The SDKs leave these out although the facts mark them as required.
NOT_REQUIRED = {
    ("scalekit.v1.connected_accounts.CreateConnectedAccountRequest", "connected_account"),
    ("scalekit.v1.tools.ListScopedToolsRequest", "filter"),
    ("scalekit.v1.providers.UpdateCustomProvider", "auth_patterns"),
}

# Text rules that the application checks instead: what they refuse depends on the operator's configuration, or on
# what is stored.
NOT_CHECKED = {
    ("scalekit.v1.providers.CreateCustomProvider", "proxy_url"): {"pattern"},
    ("scalekit.v1.providers.UpdateCustomProvider", "proxy_url"): {"pattern", "min_len"},
}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def text_rules(rules):
    parts = []
    for key in ("min_len", "max_len"):
        if int(rules.get(key, 0)):
            parts.append(f"{key}: {int(rules[key])}")
    for key in ("pattern", "prefix"):
        if key in rules:
            parts.append(f"{key}: {quoted(rules[key])}")
    parts += [f"in: {quoted(value)}" for value in rules.get("in", [])]
    return parts


def seconds(text):
    return int(text.removesuffix("s"))


def rule_parts(validate):
    if not validate:
        return []
    parts = ["required: true"] if validate.get("required") else []
    parts += text_rules(validate.get("string", {}))
    repeated = validate.get("repeated", {})
    for key in ("min_items", "max_items"):
        if key in repeated:
            parts.append(f"{key}: {int(repeated[key])}")
    if repeated.get("unique"):
        parts.append("unique: true")
    inner = rule_parts(repeated.get("items", {}))
    if inner:
        parts.append("items: { " + " ".join(inner) + " }")
    pairs = validate.get("map", {})
    if "max_pairs" in pairs:
        parts.append(f"max_items: {int(pairs['max_pairs'])}")
    for key in ("keys", "values"):
        inner = rule_parts(pairs.get(key, {}))
        if inner:
            parts.append(key + ": { " + " ".join(inner) + " }")
    numbers = {**validate.get("uint32", {}), **validate.get("int32", {})}
    if "lt" in numbers:
        parts.append(f"lte: {int(numbers['lt']) - 1}")
    if "lte" in numbers:
        parts.append(f"lte: {int(numbers['lte'])}")
    if validate.get("enum", {}).get("defined_only"):
        parts.append("defined_only: true")
    duration = validate.get("duration", {})
    if "gte" in duration:
        parts.append(f"min_seconds: {seconds(duration['gte'])}")
    if "lte" in duration:
        parts.append(f"max_seconds: {seconds(duration['lte'])}")
    return parts


class Writer:
    def __init__(self, facts):
        self.facts = facts
        self.reached = set()

    def reach(self, name):
        if name in self.reached or name.startswith("google."):
            return
        self.reached.add(name)
        for field in self.facts["messages"].get(name, {}).get("fields", []):
            if field.get("type_name"):
                self.reach(field["type_name"])

    def item(self, name):
        return self.facts["messages"].get(name) or self.facts["enums"][name]

    def package(self, name):
        path = self.item(name)["file"]
        return ".".join(path.split("/")[:-1])

    def field_type(self, field):
        if field["label"] == "map":
            return f"map<{field['map']['key']}, {field['map']['value']}>"
        base = field.get("type_name")
        base = "." + base if base else field["type"]
        if field["label"] == "repeated":
            return "repeated " + base
        if field.get("proto3_optional"):
            return "optional " + base
        return base

    def field_line(self, owner, field):
        options = []
        validate = dict(field.get("validate", {}))
        if (owner, field["name"]) in NOT_REQUIRED:
            validate.pop("required", None)
        skipped = NOT_CHECKED.get((owner, field["name"]), set())
        if skipped:
            kept = {key: rule for key, rule in validate.get("string", {}).items() if key not in skipped}
            validate["string"] = kept
        parts = rule_parts(validate)
        if parts:
            options.append("(keybearer.v1.rules) = { " + " ".join(parts) + " }")
        if field.get("deprecated"):
            options.append("deprecated = true")
        if field["name"] in SECRETS.get(owner, ()):
            options.append("(keybearer.v1.secret) = true")
        tail = f" [{', '.join(options)}]" if options else ""
        return f"{self.field_type(field)} {field['name']} = {field['number']}{tail};"

    def message(self, name, indent=""):
        body = self.item(name)
        if "values" in body:
            lines = [f"{indent}enum {name.split('.')[-1]} {{"]
            lines += [f"{indent}  {value['name']} = {value['number']};" for value in body["values"]]
            return lines + [indent + "}"]
        lines = [f"{indent}message {name.split('.')[-1]} {{"]
        if name in MESSAGE_RULES:
            lines.append(f"{indent}  option (keybearer.v1.message_rules) = {{ {MESSAGE_RULES[name]} }};")
        nested = sorted(n for n in self.reached if n.rpartition(".")[0] == name)
        for inner in nested:
            lines += self.message(inner, indent + "  ")
        done = set()
        for field in body["fields"]:
            group = field.get("oneof")
            if group in done:
                continue
            if not group:
                lines.append(f"{indent}  {self.field_line(name, field)}")
                continue
            done.add(group)
            lines.append(f"{indent}  oneof {group} {{")
            members = [f for f in body["fields"] if f.get("oneof") == group]
            lines += [f"{indent}    {self.field_line(name, member)}" for member in members]
            lines.append(f"{indent}  }}")
        return lines + [indent + "}"]

    def method(self, service, name):
        facts = self.facts["services"][service]["methods"][name]
        summary, permission = METHODS[service][name]
        http = facts["http"]
        rules = [http, *http.get("additional_bindings", [])]
        text = []
        for rule in rules:
            body = f" body: {quoted(rule['body'])}" if rule.get("body") else ""
            text.append(f"{rule['verb'].lower()}: {quoted(rule['path'])}{body}")
        first, rest = text[0], text[1:]
        binding = first + "".join(f" additional_bindings: {{ {more} }}" for more in rest)
        access = f"permission: {quoted(permission)}" if permission else ""
        if "201" in facts.get("documented_status_codes", []):
            access += " http_status: 201"
        if name in LINK_SESSIONS:
            access += f" link_session: {LINK_SESSIONS[name]}"
        return [
            f"  // {summary}",
            f"  rpc {name}(.{facts['request']}) returns (.{facts['response']}) {{",
            f"    option (google.api.http) = {{ {binding} }};",
            f"    option (keybearer.v1.access) = {{ {access.strip()} }};",
            "  }",
        ]

    def imports(self, path, names, has_services):
        wanted = set()
        for name in names:
            for field in self.item(name).get("fields", []):
                wanted.add(field.get("type_name", ""))
        if has_services:
            for service, methods in METHODS.items():
                if self.facts["services"][service]["file"] == path:
                    for method in methods:
                        facts = self.facts["services"][service]["methods"][method]
                        wanted |= {facts["request"], facts["response"]}
        files = {"keybearer/v1/options.proto"}
        if has_services:
            files.add("google/api/annotations.proto")
        known = {
            "Timestamp": "timestamp", "Duration": "duration", "Empty": "empty", "Struct": "struct", "ListValue": "struct",
            "StringValue": "wrappers", "BoolValue": "wrappers", "UInt32Value": "wrappers", "FieldMask": "field_mask",
        }
        for name in wanted - {""}:
            if name.startswith("google.protobuf."):
                files.add(f"google/protobuf/{known[name.rpartition('.')[2]]}.proto")
            elif self.item(name)["file"] != path:
                files.add(self.item(name)["file"])
        return sorted(files)

    def write(self, root):
        for service, methods in METHODS.items():
            for method in methods:
                facts = self.facts["services"][service]["methods"][method]
                self.reach(facts["request"])
                self.reach(facts["response"])
        for name in ALWAYS:
            self.reach(name)
        by_file = {}
        for name in sorted(self.reached):
            by_file.setdefault(self.item(name)["file"], []).append(name)
        for path, names in by_file.items():
            services = [s for s in METHODS if self.facts["services"][s]["file"] == path]
            package = self.package(names[0])
            lines = ["// Generated by proto/generate.py; do not edit.", 'syntax = "proto3";', "", f"package {package};", ""]
            lines += [f'import "{file}";' for file in self.imports(path, names, bool(services))]
            for service in services:
                lines += ["", f"service {service.split('.')[-1]} {{"]
                for position, method in enumerate(METHODS[service]):
                    lines += ([""] if position else []) + self.method(service, method)
                lines.append("}")
            for name in names:
                if name.rpartition(".")[0] == package:
                    lines += ["", *self.message(name)]
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Writer(json.loads(pathlib.Path(sys.argv[1]).read_text())).write(pathlib.Path(__file__).parent)
