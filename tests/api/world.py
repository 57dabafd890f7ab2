"""The server under test, the provider of its accounts, and what exists there before the first request."""

import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

KEY = "the-secret-of-the-provider"
BASE = "/api/v1"
# Each token may send 6,000 requests in a minute.
TOKENS = 8
SPARES = 6

KIND = """format = 1
id = "acme"
name = "Acme"
mechanism = "api_key"

[[fields]]
name = "apiKey"
label = "API key"
secret = true

[request]
base = ["https://api.acme.example"]
headers = { Authorization = "Bearer ${secret.apiKey}" }

[verify]
path = "/me"

[account]
id = ["/id"]
label = ["/name"]
"""

OAUTH_KIND = """format = 1
id = "acme-oauth"
name = "Acme (OAuth)"
mechanism = "oauth2"
provider = "acme"

[request]
base = ["https://api.acme.example"]

[verify]
path = "/me"

[account]
id = ["/id"]
label = ["/name"]

[oauth2]
authorize = "https://acme.example/authorize"
token = "https://api.acme.example/token"
"""


RULES = {"rule": [{"name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow"}]}


class Provider(http.server.BaseHTTPRequestHandler):
    """A provider that has one account for each key that it is shown."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers.get("Authorization", "")
        account = {"id": 1 + sum(key.encode()) % 100_000, "name": f"Account of {len(key)}", "login": "ada"}
        if self.path == "/token":
            account = {"access_token": KEY, "token_type": "Bearer", "expires_in": 3600, "refresh_token": f"{KEY}-again"}
        body = json.dumps(account).encode()
        self.send_response(401 if "wrong" in key else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def log_message(self, *_):
        pass


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class World:
    """The server with a configuration and a database of its own."""

    def __init__(self, program, home):
        self.program, self.home = program, pathlib.Path(home)
        self.provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        threading.Thread(target=self.provider.serve_forever, daemon=True).start()
        configuration = self.home / "configuration"
        (configuration / "kinds").mkdir(parents=True)
        (configuration / "kinds" / "acme.toml").write_text(KIND)
        (configuration / "kinds" / "acme-oauth.toml").write_text(OAUTH_KIND)
        address = f"http://127.0.0.1:{self.provider.server_port}"
        origins = ["https://api.acme.example", "https://api.github.com"]
        endpoints = "".join(f'"{origin}" = "{address}"\n' for origin in origins)
        config = configuration / "config.toml"
        config.write_text(f"[http.endpoints]\n{endpoints}")
        config.chmod(0o600)
        known = {name: os.environ[name] for name in ("PATH", "SystemRoot") if name in os.environ}
        self.env = {
            **known,
            "HOME": str(self.home),
            "CONNECTIONS_CONFIG": str(config),
            "CONNECTIONS_DATA_DIR": str(self.home / "data"),
            "CONNECTIONS_INBOUND__LISTEN": "127.0.0.1:0",
        }
        self.log = open(self.home / "log", "w")
        serve = [program, "serve", "--json"]
        self.server = subprocess.Popen(serve, env=self.env, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.server.stdout.readline()
        if not line:
            raise SystemExit(f"the server did not start: {self.said()}")
        self.url = json.loads(line)["publicUrl"]
        self.token = self.make_token("the run")

    def said(self):
        """Returns what the server wrote to its log."""
        self.log.flush()
        return (self.home / "log").read_text()

    def stop(self):
        self.server.terminate()
        status = self.server.wait(30)
        self.provider.shutdown()
        if status != 0:
            raise SystemExit(f"the server ended with the status {status}: {self.said()}")

    def make_token(self, name):
        make = [self.program, "tokens", "create", name, "--role", "admin", "--every-owner"]
        return subprocess.run(make, env=self.env, check=True, capture_output=True, text=True).stdout.strip()

    def ask(self, method, path, body=None):
        """Sends a request, and returns the JSON of its answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{BASE}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path} is answered with {error.code}: {error.read().decode()}") from None

    def until(self, setup, wanted):
        """Reads a setup until its state has this type."""
        while setup["type"] != wanted:
            shown = self.ask("GET", f"/setups/{setup['id']}?after={setup['cursor']}")
            if shown["cursor"] == setup["cursor"] or shown["type"] in ("failed", "cancelled"):
                raise SystemExit(f"the setup does not come to its state '{wanted}': {shown}")
            setup = shown
        return setup

    def prompt(self, begin):
        return self.until(self.ask("POST", "/setups", begin), "prompt")

    def connect(self, kind, field, key, **begin):
        """Connects the account of a key, and returns the id of the connection."""
        return self.answered(self.prompt({"kind": kind, **begin}), field, key)

    def answered(self, setup, field, key):
        """Answers the only step of a setup, and returns the id of the connection."""
        answers = {"step": setup["step"], "answers": {field: key}}
        return self.until(self.ask("POST", f"/setups/{setup['id']}/answers", answers), "done")["connection"]

    def sign_in(self):
        """Connects an account in a browser, and returns the id of the connection, which can be refreshed."""
        setup = self.prompt({"kind": "acme-oauth"})
        names = [field["name"] for field in setup["fields"]]
        answers = {"step": setup["step"], "answers": {name: "application" for name in names}}
        setup = self.ask("POST", f"/setups/{setup['id']}/answers", answers)
        # This form has the address to open; its field is for browsers that cannot return here.
        setup = self.until(setup, "prompt")
        opener = urllib.request.build_opener(NoRedirect)

        def visit(address, headers, method="GET"):
            try:
                return opener.open(urllib.request.Request(address, headers=headers, method=method), timeout=60)
            except urllib.error.HTTPError as answer:
                return answer

        def cookies(answer):
            return "; ".join(cookie.split(";")[0] for cookie in answer.headers.get_all("Set-Cookie") or [])

        # A browser that does not show the setup is asked first.
        asked = visit(setup["open"], {})
        action = re.search(r'action="([^"]+)"', asked.read().decode())[1]
        agreed = {"Cookie": cookies(asked), "Origin": self.url}
        led = visit(urllib.parse.urljoin(setup["open"], action), agreed, "POST")
        there = urllib.parse.parse_qs(urllib.parse.urlparse(led.headers["Location"]).query)
        back = urllib.parse.urlencode({"code": "code", "state": there["state"][0]})
        visit(f"{there['redirect_uri'][0]}?{back}", {"Cookie": cookies(led)})
        setup = self.until(setup, "confirm")
        done = self.ask("POST", f"/setups/{setup['id']}/confirm", {"step": setup["step"]})
        return self.until(done, "done")["connection"]

    def seed(self):
        """Makes what the operations are about, and returns it for the hooks."""
        connection = self.connect("acme", "apiKey", KEY)
        hooked = self.connect("github", "accessToken", KEY)
        refreshed = self.sign_in()
        granted = self.home / "granted"
        granted.mkdir()
        (granted / "notes.txt").write_text("A note.")
        files = self.connect("filesystem", "roots", [str(granted)])
        authorized = self.connect("acme", "apiKey", f"{KEY}-before")
        begun = self.until(self.ask("POST", f"/connections/{authorized}/reauthorize", {}), "prompt")
        self.answered(begun, "apiKey", f"{KEY}-before")
        removed = [self.connect("acme", "apiKey", f"{KEY}-{number}") for number in range(SPARES)]
        self.ask("POST", f"/connections/{hooked}/webhook", {})
        open_setup = self.prompt({"kind": "acme", "again": True})["id"]
        cancelled = [self.prompt({"kind": "acme", "again": True})["id"] for _ in range(SPARES)]
        names = ["issues", *(f"spare-{number}" for number in range(SPARES))]
        for name in names:
            self.ask("POST", "/extensions", {"manifest": manifest(name)})
        # The other extension keeps its choice and its grant, with which it sends.
        self.ask("POST", "/extensions", {"manifest": manifest("sender")})
        self.ask("PUT", "/extensions/sender/choice", {"connection": connection})
        for name in ["issues", "sender"]:
            self.ask("POST", f"/extensions/{name}/grants", {"connection": connection})
        for other in removed:
            self.ask("POST", "/extensions/issues/grants", {"connection": other})
        self.ask("POST", "/extensions", {"manifest": manifest("waiting", "no-such-provider")})
        hand_off = self.ask("POST", "/extensions/waiting/hand-off", {})["ticket"]
        # The agents have the names of the extensions.
        for name in names:
            self.ask("POST", "/agents", {"name": name})
        for other in [connection, *removed]:
            self.ask("PUT", f"/agents/issues/grants/{other}", {})
        doors = {"audience": "doors"}
        ended = [self.ask("POST", "/agents/issues/tokens", doors)["id"] for _ in range(SPARES)]

        def profile(label):
            body = {"kind": "claude", "label": label, "directory": str(self.home / "profiles" / label)}
            return self.ask("POST", "/profiles", body)["id"]

        kept = profile("work")
        forgotten = [profile(f"spare-{number}") for number in range(SPARES)]
        revoked = [self.ask("POST", "/tokens", {"name": "spare", "role": "read"})["id"] for _ in range(SPARES)]
        seen = self.ask("GET", "/kinds/acme/accept")["seen"]
        send = {"method": "GET", "path": "/me"}
        of_webhook = ["", "/key", "/reveal", "/end-grace", "/handshake", "/test", "/deliveries"]
        paths = {
            "id": connection,
            "name": "issues",
            "kind": "acme",
            "connection": connection,
            "requirement": "default",
            "ticket": hand_off,
            "/connections/{id}/files id": files,
            "/connections/{id}/files/content id": files,
            "/connections/{id}/refresh id": refreshed,
            "/connections/{id}/rollback id": authorized,
            "/extensions/{name}/connections/{requirement}/send name": "sender",
            "/extensions/{name}/hand-off/{ticket} name": "waiting",
            # The application of the other kind renews a credential.
            "/kinds/{kind}/client kind": "github",
            "/profiles/{id} id": kept,
            "/tokens/{id} id": revoked[0],
            "/agents/{name}/tokens/{id} id": ended[0],
        }
        paths.update({f"/connections/{{id}}/webhook{rest} id": hooked for rest in of_webhook})
        paths.update({f"/setups/{{id}}{rest} id": open_setup for rest in ["", "/answers", "/confirm", "/resume"]})
        return {
            "origin": self.url,
            "tokens": [self.make_token(f"the run {number}") for number in range(TOKENS)],
            "paths": paths,
            # A removal has resources of its own, so that the other operations keep theirs. The tokens of the run are
            # not among them.
            "spares": {
                "DELETE /agents/{name}": [{"name": name} for name in names[1:]],
                "DELETE /agents/{name}/grants/{connection}": [
                    {"name": "issues", "connection": other} for other in removed
                ],
                "DELETE /agents/{name}/tokens/{id}": [{"name": "issues", "id": token} for token in ended],
                "DELETE /connections/{id}": [{"id": other} for other in removed],
                "DELETE /extensions/{name}": [{"name": name} for name in names[1:]],
                "DELETE /extensions/{name}/grants/{connection}": [
                    {"name": "issues", "connection": other} for other in removed
                ],
                "DELETE /profiles/{id}": [{"id": profile} for profile in forgotten],
                "DELETE /setups/{id}": [{"id": setup} for setup in cancelled],
                "DELETE /tokens/{id}": [{"id": token} for token in revoked],
            },
            "queries": {
                "GET /connections/{id}/files": [{"root": str(granted)}, {}],
                "GET /connections/{id}/files/content": [{"root": str(granted), "path": "notes.txt"}],
            },
            "bodies": {
                "POST /agents": [{"name": "added"}],
                "POST /agents/{name}/grants/{connection}/preview": [{"rules": "everything"}, {"rules": RULES}],
                "POST /agents/{name}/tokens": [doors, {"audience": "mcp", "lifetime": "7d"}],
                "PUT /agents/{name}/grants/{connection}": [{"rules": RULES}, {"rules": "ask", "expires": "8h"}],
                "POST /setups": [{"kind": "acme"}, {"connection": connection}, {"extension": "issues", "again": True}],
                "POST /setups/{id}/answers": [{"step": 1, "answers": {"apiKey": "wrong"}}],
                "POST /setups/{id}/confirm": [{"step": 1}],
                "POST /connections/{id}/send": [send, {"method": "POST", "path": "/me", "body": "AA==", "encoding": "base64"}],
                "POST /extensions/{name}/connections/{requirement}/send": [send],
                "POST /extensions/{name}/grants": [{"connection": connection}],
                "PUT /extensions/{name}/choice": [{"connection": connection}, {"connection": None}],
                "PUT /extensions/{name}/preferences": [{"values": {"open": False}}, {"values": {"open": None}}],
                "POST /extensions": [{"manifest": manifest("added")}],
                "POST /kinds/{kind}/accept": [{"seen": seen}],
                "POST /profiles": [{"kind": "claude", "label": "new", "directory": str(self.home / "profiles" / "new")}],
                "POST /tokens": [
                    {"name": "a report", "role": "read"},
                    {"name": "a program", "role": "extension", "extension": "issues"},
                ],
            },
        }


def manifest(name, provider="acme"):
    return {
        "name": name,
        "connection": {
            "id": "default",
            "provider": provider,
            "title": "Acme",
            "auth": {"type": "apiKey", "secretNames": ["apiKey"]},
        },
        "preferences": [{"name": "open", "type": "checkbox", "title": "Open issues only", "default": True}],
        "commands": [{"name": "search", "preferences": [{"name": "text", "type": "textfield"}]}],
    }
