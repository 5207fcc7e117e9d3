"""Classes of errors and what they carry; what the SDK sends again, and what it does not."""

import socket
import threading

from scalekit import ScalekitClient
from scalekit.common import exceptions

from support import READY, check, keybearer, raises

WHO = {"connection_name": "postcards", "identifier": "py-ada"}


def run(client):
    actions = client.actions
    lost = raises("not found", exceptions.ScalekitNotFoundException, lambda: actions.get_connected_account(connection_name="postcards", identifier="nobody"))
    check("its code and status", (lost.error_code, int(lost.http_status)) == ("RESOURCE_NOT_FOUND", 404), (lost.error_code, lost.http_status))
    raises("a connection that is not there", exceptions.ScalekitNotFoundException, lambda: actions.get_authorization_link(connection_name="nothing", identifier="a"))
    wrong = raises("a value that is wrong", exceptions.ScalekitBadRequestException, lambda: actions.get_connected_account(connected_account_id="ca_x"))
    check("its field is named", "field_violations" in str(wrong) and '"id"' in str(wrong), wrong)
    long = raises("a value that is too long", exceptions.ScalekitBadRequestException, lambda: actions.get_authorization_link(state="s" * 513, **WHO))
    check("that field is named", "state" in str(long), long)
    raises("a verification nobody asked for", exceptions.ScalekitNotFoundException,
           lambda: actions.verify_connected_account_user(auth_request_id="unknown", identifier="py-ada"), "auth request not found or no longer valid")
    forbidden()
    try:
        ScalekitClient(READY["tls_url"], READY["client_id"], "a-wrong-secret")
        check("a wrong secret", False)
    except exceptions.ScalekitUnauthorizedException as error:
        check("a wrong secret", "a-wrong-secret" not in str(error), error)
    cut_off(client)


def forbidden():
    made = keybearer("clients", "create", "--name", "reader", "--permission", "connected_accounts:read")
    identity = made["client"]["id"]
    reader = ScalekitClient(READY["tls_url"], identity, made["client_secret"])
    check("what a reader may", reader.actions.get_connected_account_details(**WHO).connected_account.status == "ACTIVE")
    raises("what a reader may not", exceptions.ScalekitForbiddenException, lambda: reader.actions.get_connected_account(**WHO), "connected_accounts:access")
    raises("nor run tools", exceptions.ScalekitForbiddenException, lambda: reader.tools.execute_tool("t", "py-ada"), "agent_connectors:execute")
    check("nor call through the proxy", reader.actions.request(path="/me", **WHO).status_code == 403)


def cut_off(client):
    """A server that is away is UNAVAILABLE: sent again after a while, but a tool never is."""
    relay = Relay(READY["tls_url"])
    far = ScalekitClient(relay.url, READY["client_id"], READY["client_secret"])
    relay.cut(1)
    made = far.actions.create_connected_account(connection_name="postcards", identifier="py-cut")
    check("a call is sent again", made.connected_account.id.startswith("ca_") and relay.refused >= 1, relay.refused)
    far.actions.delete_connected_account(connection_name="postcards", identifier="py-cut")
    relay.cut(1000)
    relay.drop()
    raises("a tool is not sent again", exceptions.ScalekitServiceUnavailableException, lambda: far.tools.execute_tool("t", "py-ada", connection_name="postcards"))


class Relay:
    """A port before the server that can refuse connections."""

    def __init__(self, target):
        host, port = target.removeprefix("https://").split(":")
        self._target, self._left, self.refused, self._open = (host, int(port)), 0, 0, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, connections):
        self._left = connections

    def drop(self):
        for one in self._open:
            one.close()

    def _accept(self):
        while True:
            near, _ = self._listener.accept()
            if self._left:
                self._left, self.refused = self._left - 1, self.refused + 1
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
