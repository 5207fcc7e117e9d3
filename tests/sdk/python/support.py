"""What the topics share: the program under test, checks, the record of what was called, a person, an upstream."""

import functools
import http.cookiejar
import http.server
import inspect
import json
import os
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

READY = json.loads(os.environ["KEYBEARER_READY"])
# requests and grpc trust a private CA by two different variables, which must be set before the SDK is imported
os.environ["REQUESTS_CA_BUNDLE"] = os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = READY["ca_file"]

import requests  # noqa: E402

CALLED = {}
_count = 0


def check(name, good, seen=""):
    global _count
    _count += 1
    print(json.dumps({"check": name, "ok": bool(good), "seen": "" if good else str(seen)[:800]}), flush=True)


def checks():
    return _count


def raises(name, kind, call, words=""):
    """Exactly this class, and its text holds the words."""
    try:
        seen = call()
    except kind as error:
        check(name, type(error) is kind and words in str(error).lower(), f"{type(error).__name__}: {error}")
        return error
    except Exception as error:  # noqa: BLE001: any other class is what the check is about
        check(name, False, f"{type(error).__name__}: {error}")
    else:
        check(name, False, f"no error but {seen}")


def public(cls):
    return [name for name, _ in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")]


def record(cls):
    """Notes every call of a public method of the class."""
    called = CALLED.setdefault(cls, set())
    for name in public(cls):
        plain = inspect.getattr_static(cls, name)
        if isinstance(plain, (staticmethod, classmethod)):
            continue

        def noted(*args, _name=name, _plain=plain, **kwargs):
            called.add(_name)
            return _plain(*args, **kwargs)

        setattr(cls, name, functools.wraps(plain)(noted))


def keybearer(*words):
    """Runs the command line beside the server; gives what it printed as JSON."""
    command = [os.environ["KEYBEARER_PROGRAM"], "--data", os.environ["KEYBEARER_DATA"], "--json", *words]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout or "null")


def approve(link, person="ada"):
    keybearer("sandbox", "approve", "--as", person, link)


def api(method, path, body=None, token=None):
    """A REST call with the client that `dev` made; the JSON, or the error with its status."""
    if token is None:
        form = {"grant_type": "client_credentials", "client_id": READY["client_id"], "client_secret": READY["client_secret"]}
        token = requests.post(READY["url"] + "/oauth/token", data=form, timeout=30).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = requests.request(method, READY["url"] + path, json=body, headers=headers, timeout=30)
    if not answer.ok:
        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def consent(link, person="ada"):
    """Goes through a connect link as a browser does, up to the redirect that leaves us: gives that address."""
    with open(os.path.join(os.environ["KEYBEARER_DATA"], "dev.json"), encoding="utf-8") as file:
        dev = json.load(file)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), _Stay())
    page = browser.open(urllib.parse.urljoin(READY["url"], urllib.parse.urlsplit(link).path)).read().decode()
    links = [piece.split('"')[0] for piece in page.split('href="')[1:]]
    authorize = next(one for one in links if "response_type=" in one)
    for escaped in ("&amp;", "&#38;", "&#x26;"):
        authorize = authorize.replace(escaped, "&")
    answer = requests.post(
        dev["sandbox_url"].rstrip("/") + "/_control/approve",
        json={"authorize_url": authorize, "as": person},
        headers={"authorization": f"Bearer {dev['control_token']}"},
        timeout=30,
    ).json()
    try:
        return browser.open(answer["redirect_to"]).geturl()
    except urllib.error.HTTPError as error:
        return error.headers["location"]


class Upstream:
    """An API that says what it received."""

    def __init__(self):
        class Echo(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("latin-1")
                headers = {name.lower(): value for name, value in self.headers.items()}
                text = json.dumps({"method": self.command, "path": self.path, "headers": headers, "body": body}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
