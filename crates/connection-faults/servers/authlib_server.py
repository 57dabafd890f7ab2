"""A second OAuth server, of other authors: Authlib on Flask, for what the first one does not do.

`python authlib_server.py '{"json": true}'` prints its address as one line and ends with its standard input.
Options: `json` (the token endpoint takes JSON bodies alone), `without` (names that its token answers lack), `rotate` (each
refresh gives another refresh token), `form` (token answers are form-encoded).
Everybody who comes is `ada` and allows what is asked; /ledger tells what was asked.
"""

import hashlib
import json
import os
import sys
import threading
from types import SimpleNamespace
from urllib.parse import urlencode

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

OPTIONS = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
# On loopback, in the clear.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
CODES, TOKENS, LEDGER = {}, [], []


class Client(ClientMixin):
    client_id, client_secret = "app", "z/t+=%41"

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri.startswith("http://127.0.0.1:")

    def check_client_secret(self, client_secret):
        return client_secret == self.client_secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method in OPTIONS.get("methods", ["client_secret_basic", "client_secret_post"])

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return True


CLIENT = Client()


class Token(SimpleNamespace):
    def check_client(self, client):
        return client.client_id == self.client_id

    def get_scope(self):
        return self.scope

    def is_revoked(self):
        return self.revoked


class AuthorizationCode(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def save_authorization_code(self, code, request):
        data = request.payload.data
        CODES[code] = SimpleNamespace(
            code=code,
            redirect_uri=request.payload.redirect_uri,
            scope=request.payload.scope,
            code_challenge=data.get("code_challenge"),
            code_challenge_method=data.get("code_challenge_method"),
            get_redirect_uri=lambda: CODES[code].redirect_uri,
            get_scope=lambda: CODES[code].scope,
        )

    def query_authorization_code(self, code, client):
        return CODES.get(code)

    def delete_authorization_code(self, authorization_code):
        CODES.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):
        return "ada"


class Refresh(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
    INCLUDE_NEW_REFRESH_TOKEN = OPTIONS.get("rotate", True)

    def authenticate_refresh_token(self, refresh_token):
        return next((t for t in TOKENS if t.refresh_token == refresh_token and not t.revoked), None)

    def authenticate_user(self, credential):
        return "ada"

    def revoke_old_credential(self, credential):
        credential.revoked = self.INCLUDE_NEW_REFRESH_TOKEN


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def query_token(self, token_string, token_type_hint):
        return next((t for t in TOKENS if token_string in (t.refresh_token, t.access_token)), None)

    def revoke_token(self, token, request):
        token.revoked = True


class JsonRequest(FlaskOAuth2Request):
    """Reads a JSON body where others read a form."""

    @property
    def form(self):
        return self._request.get_json(silent=True) or {}


def query_client(client_id):
    return CLIENT if client_id == CLIENT.client_id else None


def save_token(token, request):
    fields = {"scope": "", "refresh_token": None, **token}
    TOKENS.append(Token(client_id=CLIENT.client_id, revoked=False, user="ada", **fields))


class Server(AuthorizationServer):
    def create_oauth2_request(self, request_):
        if OPTIONS.get("json") and request.path == "/token":
            made = JsonRequest(request)
            body = request.get_json(silent=True) or {}
            made.payload = SimpleNamespace(
                data=body,
                datalist={name: [value] for name, value in body.items()},
                **{name: body.get(name) for name in ("client_id", "grant_type", "redirect_uri", "scope", "state", "response_type")},
            )
            return made
        return super().create_oauth2_request(request_)


app = Flask("authlib")
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server = Server(app, query_client=query_client, save_token=save_token)
server.register_grant(AuthorizationCode, [CodeChallenge(required=True)])
server.register_grant(Refresh)
server.register_grant(ClientCredentials)
server.register_endpoint(Revocation)


@app.get("/authorize")
def authorize():
    grant = server.get_consent_grant(end_user="ada")
    return server.create_authorization_response(grant=grant, grant_user="ada")


@app.post("/token")
def token():
    answer = server.create_token_response()
    sent = request.get_json(silent=True) or request.form
    spent = sent.get("refresh_token")
    LEDGER.append({
        "method": "POST",
        "path": "/token",
        "grant": sent.get("grant_type"),
        "spent": spent and hashlib.sha256(spent.encode()).hexdigest()[:16],
        "status": answer.status_code,
    })
    body = answer.get_json(silent=True)
    if answer.status_code != 200 or body is None:
        return answer
    kept = {name: value for name, value in body.items() if name not in OPTIONS.get("without", [])}
    if OPTIONS.get("form"):
        return Response(urlencode(kept), content_type="application/x-www-form-urlencoded")
    return jsonify(kept)


@app.post("/revoke")
def revoke():
    answer = server.create_endpoint_response("revocation")
    LEDGER.append({"method": "POST", "path": "/revoke", "status": answer.status_code})
    return answer


@app.get("/me")
def me():
    _, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if any(t.access_token == bearer and not t.revoked for t in TOKENS):
        return jsonify({"id": "ada", "name": "Ada"})
    return Response(status=401)


@app.get("/ledger")
def ledger():
    return jsonify(LEDGER)


class Silent(WSGIRequestHandler):
    def log(self, *_):
        pass


listener = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
print(f"http://127.0.0.1:{listener.server_port}", flush=True)
threading.Thread(target=listener.serve_forever, daemon=True).start()
sys.stdin.read()
