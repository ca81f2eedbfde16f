#!/usr/bin/env python3
"""A registry on the loopback that serves one OCI layout by digest (distribution-spec, "Pull").

    registry.py LAYOUT MODE       prints its port; MODE is open, basic or token

The repository is team/app, the user `reader` with the password `secret`. Blobs are sent by a redirect to another port
that fails if it is given a password. Ends with its standard input, and then prints how often it gave what.
"""
import base64
import collections
import http.server
import json
import os
import sys
import threading
import urllib.parse

LAYOUT, MODE = sys.argv[1:]
PASSWORD = "Basic " + base64.b64encode(b"reader:secret").decode()
TOKEN = "a-token-of-this-registry"
given = collections.Counter()


def blob(digest):
    algorithm, _, digits = digest.partition(":")
    path = os.path.join(LAYOUT, "blobs", algorithm, digits)
    if not digits.isalnum() or not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Store(Handler):
    def do_GET(self):
        if self.headers.get("Authorization"):
            return self.answer(400, b"a password was passed on")
        data = blob(self.path.lstrip("/"))
        given[self.path.lstrip("/")] += 1
        self.answer(404) if data is None else self.answer(200, data)


class Registry(Handler):
    def allowed(self):
        given = self.headers.get("Authorization")
        if MODE == "open":
            return True
        if MODE == "basic":
            return given == PASSWORD
        return given == "Bearer " + TOKEN

    def refuse(self):
        realm = "http://127.0.0.1:%d/token" % self.server.server_port
        field = 'Basic realm="test"' if MODE == "basic" else 'Bearer realm="%s",service="test, registry"' % realm
        self.answer(401, b"{}", WWW_Authenticate=field)

    def token(self, query):
        wanted = {"scope": ["repository:team/app:pull"], "service": ["test, registry"]}
        if self.headers.get("Authorization") != PASSWORD or urllib.parse.parse_qs(query) != wanted:
            return self.answer(401)
        self.answer(200, json.dumps({"token": TOKEN, "expires_in": 60.5}).encode())

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/token":
            return self.token(url.query)
        if not self.allowed():
            return self.refuse()
        kind, _, digest = url.path.removeprefix("/v2/team/app/").partition("/")
        data = blob(digest)
        if data is None:
            return self.answer(404)
        if kind == "manifests":
            if not any("manifest" in value for value in self.headers.get_all("Accept")):
                return self.answer(406)
            given[digest] += 1
            return self.answer(200, data, Content_Type=json.loads(data).get("mediaType", ""))
        self.answer(307, Location="http://localhost:%d/%s" % (store.server_port, digest))


store = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
registry = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
for server in (store, registry):
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(registry.server_port, flush=True)
sys.stdin.read()
print(json.dumps(given))
