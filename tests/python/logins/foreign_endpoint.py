"""A token endpoint that others have written: Authlib's grants behind the standard library's server.

What it takes, a real authorization server takes; nothing here judges a request but Authlib.
"""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7523 import JWTBearerGrant
from joserfc.jwk import RSAKey

JWT_BEARER = JWTBearerGrant.GRANT_TYPE


@dataclass
class Client:
    """What Authlib asks of a client."""

    client_id: str
    client_secret: str
    methods: tuple[str, ...]

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope if scope in ("", "write") else ""

    def check_redirect_uri(self, _uri: str) -> bool:
        return False

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.client_secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return endpoint == "token" and method in self.methods

    def check_response_type(self, _response_type: str) -> bool:
        return False

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("client_credentials", "refresh_token", JWT_BEARER)


@dataclass
class Credential:
    """A refresh token that Authlib has checked."""

    client: Client
    scope: str = ""

    def check_client(self, client: Client) -> bool:
        return self.client is client

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Records:
    """What the server keeps."""

    client: Client
    public_key: str
    audience: str
    refresh: set[str] = field(default_factory=set)
    access: set[str] = field(default_factory=set)
    answers: list[tuple[int, Any]] = field(default_factory=list)
    assertions: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)


def _server(records: Records) -> AuthorizationServer:
    class Server(AuthorizationServer):
        def query_client(self, client_id: str) -> Client | None:
            return records.client if client_id == records.client.client_id else None

        def save_token(self, token: dict[str, Any], _request: OAuth2Request) -> None:
            records.access.add(token["access_token"])
            if "refresh_token" in token:
                records.refresh.add(token["refresh_token"])

        def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
            return request

        def handle_response(self, status: int, body: Any, headers: Any) -> Any:
            return status, body, headers

        def send_signal(self, *_: Any, **__: Any) -> None:
            pass

    class Refresh(grants.RefreshTokenGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> Credential | None:
            return Credential(records.client) if refresh_token in records.refresh else None

        def authenticate_user(self, _credential: Credential) -> str:
            return "ann"

        def revoke_old_credential(self, _credential: Credential) -> None:
            records.refresh.discard(self.request.payload.data["refresh_token"])

    class Credentials(grants.ClientCredentialsGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    class Bearer(JWTBearerGrant):
        def resolve_issuer_client(self, issuer: str) -> Client | None:
            return records.client if issuer == records.client.client_id else None

        def resolve_client_public_key(self, _client: Client) -> RSAKey:
            return RSAKey.import_key(records.public_key)

        def authenticate_user(self, subject: str) -> str | None:
            return subject if subject == "ann@example.com" else None

        def has_granted_permission(self, _client: Client, _user: str) -> bool:
            return True

        def get_audiences(self) -> list[str]:
            return [records.audience]

    server = Server()
    for grant in (Refresh, Credentials, Bearer):
        server.register_grant(grant)
    generator = BearerTokenGenerator(
        lambda **_: secrets.token_urlsafe(24), lambda **_: secrets.token_urlsafe(24)
    )
    server.register_token_generator("default", generator)
    return server


class ForeignEndpoint:
    """The server on a free loopback port; a context manager."""

    def __init__(self, records: Records) -> None:
        self.records = records
        server = _server(records)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(parse_qsl(body, strict_parsing=True))
                request = OAuth2Request("POST", f"https://login.example{self.path}")
                request.headers = self.headers
                request._body = form
                request.payload = BasicOAuth2Payload(form)
                records.assertions += [form["assertion"]] if "assertion" in form else []
                records.methods.append("basic" if "Authorization" in self.headers else "form")
                status, answer, headers = server.create_token_response(request)
                records.answers.append((status, answer))
                sent = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"

    def __enter__(self) -> ForeignEndpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
