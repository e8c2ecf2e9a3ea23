"""Python's http.client through the proxy to origin.js: python3 client.py PORT. Exit 0 if all is as it should be."""

import http.client
import json
import sys


def check(got: object, wanted: object) -> None:
    if got != wanted:
        raise AssertionError(f"{got!r:.200} is not {wanted!r:.200}")


def ask(client: http.client.HTTPConnection, method: str, path: str, **more: object) -> tuple[http.client.HTTPResponse, bytes]:
    client.request(method, path, **more)
    response = client.getresponse()
    return response, response.read()


def main() -> None:
    client = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
    client.connect()
    socket = client.sock
    check(ask(client, "GET", "/hello")[1], b"hello from node")
    response, body = ask(client, "HEAD", "/hello")
    check((response.status, body), (200, b""))
    response, body = ask(client, "GET", "/chunked")
    check(response.headers["Transfer-Encoding"], "chunked")
    check(body.count(b"\n"), 1000)
    upload = [b"piece %d\n" % i for i in range(2000)]
    response, body = ask(client, "POST", "/echo", body=iter(upload), encode_chunked=True,
                         headers={"Transfer-Encoding": "chunked"})
    check((response.headers["X-Framing"], body), ("chunked", b"".join(upload)))
    response, body = ask(client, "PUT", "/echo", body=b"x" * 1000000)
    check((response.headers["X-Framing"], len(body)), ("1000000", 1000000))
    fields = json.loads(ask(client, "GET", "/fields", headers={"X-Forwarded-For": "6.6.6.6"})[1])
    check((fields["x-forwarded-for"], fields["x-forwarded-proto"]), ("127.0.0.1", "http"))
    check(ask(client, "GET", "/missing")[0].status, 404)
    check(client.sock is socket, True)  # all on one connection


main()
