"""Every public method of the SDK is called by a topic, or stands here with the reason why not."""

import inspect

from scalekit import client as client_module
from scalekit.actions.actions import ActionClient, ActionMcp, ActionProviders
from scalekit.actions.frameworks.google_adk import GoogleADK
from scalekit.actions.frameworks.langchain import LangChain
from scalekit.connected_accounts import ConnectedAccountsClient
from scalekit.connection import ConnectionClient
from scalekit.events import EventsClient
from scalekit.mcp import McpClient
from scalekit.organization import OrganizationClient
from scalekit.providers import ProvidersClient
from scalekit.tools import ToolsClient

import support

LOGIN = "signs people in to the developer's own app: the vendor's login product"
SSO = "single sign-on of the developer's customers: the vendor's login product"

CLASSES = [
    client_module.ScalekitClient, ActionClient, ActionMcp, ActionProviders, GoogleADK, LangChain,
    ConnectedAccountsClient, ConnectionClient, EventsClient, McpClient, OrganizationClient, ProvidersClient, ToolsClient,
]

NOT_CALLED = {
    client_module.ScalekitClient: {
        "authenticate_with_code": LOGIN, "get_authorization_url": LOGIN, "get_idp_initiated_login_claims": LOGIN,
        "get_logout_url": LOGIN, "refresh_access_token": LOGIN,
    },
    OrganizationClient: {
        "get_organization_by_external_id": SSO, "update_organization_by_external_id": SSO, "generate_portal_link": SSO,
        "update_organization_settings": SSO, "upsert_user_management_settings": SSO,
        "get_organization_session_policy": LOGIN, "update_organization_session_policy": LOGIN,
    },
}

# Members of the client that are other products altogether.
OTHER_PRODUCTS = {
    "auth": LOGIN, "directory": SSO, "domain": SSO, "m2m_client": LOGIN, "passwordless": LOGIN, "permissions": LOGIN,
    "resources": LOGIN, "roles": LOGIN, "sessions": LOGIN, "tokens": LOGIN, "users": LOGIN, "webauthn": LOGIN,
}

AGENTKIT = {"core_client", "connection", "organization", "connected_accounts", "tools", "mcp", "connect", "actions", "events"}


def start():
    for cls in CLASSES:
        support.record(cls)


def end(client):
    for cls in CLASSES:
        names = set(support.public(cls))
        reasons = NOT_CALLED.get(cls, {})
        missed = names - support.CALLED[cls] - set(reasons)
        support.check(f"every method of {cls.__name__} is called", not missed, sorted(missed))
        stale = set(reasons) - names | set(reasons) & support.CALLED[cls]
        support.check(f"no excuse of {cls.__name__} is stale", not stale, sorted(stale))
    members = {name for name, value in vars(client).items() if not name.startswith("_") and inspect.isclass(type(value))}
    unknown = members ^ (AGENTKIT | set(OTHER_PRODUCTS))
    support.check("every part of the client is known", not unknown, sorted(unknown))
