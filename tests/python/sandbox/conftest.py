"""Ways to talk to the sandbox: straight to a vendor under a virtual clock, or over HTTP."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tailrace.sandbox import Sandbox
from tailrace.sandbox.hubspot import HubSpot
from tailrace.sandbox.rest import Rest
from tailrace.sandbox.vendor import Setting, Vendor
from tailrace.sandbox.wire import RefusalError, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class VirtualClock:
    """Seconds that pass only when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def wall_ms(self) -> int:
        return int(self.now * 1000)


@dataclass
class Caller:
    """A client of one vendor with no network between them."""

    vendor: Vendor
    headers: dict[str, str] = field(
        default_factory=lambda: {
            "authorization": "Bearer t",
            "content-type": "application/json",
        }
    )

    def __call__(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        path, _, query = target.partition("?")
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        request = Request(
            method, path, dict(parse_qsl(query)), {**self.headers, **(headers or {})}, data
        )
        try:
            admitted = self.vendor.admit(self.vendor.principal(request))
            reply = self.vendor.apply(self.vendor.read(request))
        except RefusalError as refusal:
            return refusal.reply
        reply.headers = [*reply.headers, *admitted]
        return reply


@dataclass
class Answer:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A plain HTTP client on one kept-alive connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self.host, self.port = str(parts.hostname), int(parts.port or 0)
        self._connection = http.client.HTTPConnection(self.host, self.port, timeout=10)

    def __call__(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": "Bearer t", "Content-Type": "application/json", **(headers or {})}
        self._connection.request(method, target, data, sent)
        response = self._connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def hubspot(clock: VirtualClock) -> Callable[..., Caller]:
    """A HubSpot account with these options, and no rate limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        setting = Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)
        return Caller(HubSpot(setting))

    return make


@pytest.fixture
def rest(clock: VirtualClock) -> Callable[..., Caller]:
    """A generic API with these options."""

    def make(**options: Any) -> Caller:
        return Caller(Rest(Setting(options, 0, clock, clock.wall_ms)))

    return make


@pytest.fixture
def start() -> Iterator[Callable[[Any], tuple[Sandbox, Client]]]:
    """A sandbox on a free port with this configuration, and a client for it."""
    running: list[tuple[Sandbox, Client]] = []

    def make(config: Any = None) -> tuple[Sandbox, Client]:
        sandbox = Sandbox(config).__enter__()
        running.append((sandbox, Client(sandbox.url)))
        return running[-1]

    yield make
    for sandbox, client in running:
        client.close()
        sandbox.__exit__(None, None, None)


def contact(email: str, trace: str | None = None, /, **properties: Any) -> dict[str, Any]:
    """One input of a contacts upsert."""
    one = {"id": email, "idProperty": "email", "properties": properties}
    return one if trace is None else {**one, "objectWriteTraceId": trace}


@pytest.fixture(name="contact")
def contact_fixture() -> Callable[..., dict[str, Any]]:
    return contact
