"""`actions.request`: every kind of body, the query, headers, and answers that are not ours."""

import threading

from support import READY, check

WHO = {"connection_name": "postcards", "identifier": "py-ada"}


def run(client):
    request = client.actions.request
    me = request(path="/me", **WHO)
    check("request GET", me.status_code == 200 and me.json()["name"] == "Ada Obi", me.text)
    sent = request(path="/postcards", method="POST", body={"to": "Ben", "text": "json"}, **WHO)
    check("request with JSON", sent.status_code == 201, sent.text)
    query = request(path="/postcards", query_params={"limit": 1}, **WHO)
    check("request with a query", query.status_code == 200, query.text)
    raw = request(path="/postcards", method="POST", raw_body=b'{"to":"Cy","text":"raw"}', headers={"Content-Type": "application/json"}, **WHO)
    check("request with a raw body", raw.status_code == 201, raw.text)
    absent = request(path="/nothing-here", **WHO)
    check("the provider's answer as it is", absent.status_code == 404 and "code" not in absent.text[:9], absent.text)
    for name, who in {"connection": {"connection_name": "nothing"}, "user": {"identifier": "nobody"}}.items():
        refused = request(path="/me", **{**WHO, **who})
        check(f"a {name} that is not there", refused.status_code == 404 and refused.json()["code"] == 5, refused.text)
    for path in ("/../keys", "/%2e%2e/keys", "/a/..%2f..%2fkeys"):
        import requests

        # requests would tidy the path up before it is sent
        prepared = requests.Request("GET", READY["url"], headers={
            "authorization": f"Bearer {client.core_client.access_token}", "connection_name": "postcards", "identifier": "py-ada"}).prepare()
        prepared.url = READY["url"] + "/proxy" + path
        escaped = requests.Session().send(prepared, timeout=30)
        check(f"{path} stays inside", escaped.status_code == 400, escaped.text)
    stale(client)
    together(client)


def stale(client):
    client.core_client.access_token = "stale"
    check("a stale token is exchanged", client.actions.request(path="/me", **WHO).status_code == 200)
    check("and kept", client.core_client.access_token != "stale")


def together(client):
    seen = []
    call = lambda: seen.append(client.actions.request(path="/me", **WHO).status_code)  # noqa: E731
    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("twenty calls at once", seen == [200] * 20, seen)
