"""Ways to talk to the sandbox: straight to a vendor under a virtual clock, or over HTTP."""

from __future__ import annotations

import http.client
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tailrace.sandbox import Sandbox
from tailrace.sandbox.braze import Braze
from tailrace.sandbox.customerio import CustomerIo
from tailrace.sandbox.hubspot import HubSpot
from tailrace.sandbox.intercom import Intercom
from tailrace.sandbox.iterable import Iterable
from tailrace.sandbox.klaviyo import Klaviyo
from tailrace.sandbox.mailchimp import Mailchimp
from tailrace.sandbox.marketo import Marketo
from tailrace.sandbox.rest import Rest
from tailrace.sandbox.salesforce import Salesforce
from tailrace.sandbox.slack import Slack
from tailrace.sandbox.vendor import Setting, Vendor
from tailrace.sandbox.wire import RefusalError, Reply, Request

# What several files of this folder use stands beside them; pytest does not look there by itself.
sys.path[:0] = [str(Path(__file__).resolve().parent)]

from klaviyo_forms import HEADERS as KLAVIYO  # noqa: E402
from salesforce_forms import FIELDS  # noqa: E402

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
        pairs = tuple(parse_qsl(query))
        sent = {**self.headers, **(headers or {})}
        request = Request(method, path, dict(pairs), sent, data, len(target), pairs)
        try:
            admitted = self.vendor.admit(self.vendor.principal(request), request)
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
        given = {name.title(): value for name, value in (headers or {}).items()}
        sent = {"Authorization": "Bearer t", "Content-Type": "application/json", **given}
        self._connection.request(method, target, data, sent)
        response = self._connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())

    def close(self) -> None:
        self._connection.close()


def in_flight(sandbox: Sandbox, vendor: str, count: int) -> None:
    """Wait until so many requests are under way."""
    deadline = time.monotonic() + 20
    while sandbox.counters(vendor)["in_flight"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture(name="in_flight")
def in_flight_fixture() -> Callable[[Sandbox, str, int], None]:
    return in_flight


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
def salesforce(clock: VirtualClock) -> Callable[..., Caller]:
    """An org with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        return Caller(Salesforce(Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)))

    return make


@pytest.fixture
def org(salesforce: Callable[..., Caller]) -> Caller:
    """An org with the fields that the tests' forms name."""
    return salesforce(fields=FIELDS)


@pytest.fixture
def braze(clock: VirtualClock) -> Callable[..., Caller]:
    """A workspace with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        return Caller(Braze(Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)))

    return make


@pytest.fixture
def customerio(clock: VirtualClock) -> Callable[..., Caller]:
    """A workspace with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        setting = Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)
        login = {"authorization": "Basic c2l0ZTprZXk=", "content-type": "application/json"}
        return Caller(CustomerIo(setting), login)

    return make


@pytest.fixture
def intercom(clock: VirtualClock) -> Callable[..., Caller]:
    """A workspace with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        return Caller(Intercom(Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)))

    return make


@pytest.fixture
def slack(clock: VirtualClock) -> Callable[..., Caller]:
    """A workspace with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        return Caller(Slack(Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)))

    return make


@pytest.fixture
def iterable(clock: VirtualClock) -> Callable[..., Caller]:
    """A project with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        setting = Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)
        return Caller(Iterable(setting), {"api-key": "k", "content-type": "application/json"})

    return make


@pytest.fixture
def klaviyo(clock: VirtualClock) -> Callable[..., Caller]:
    """An account with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        setting = Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)
        return Caller(Klaviyo(setting), dict(KLAVIYO))

    return make


@pytest.fixture
def mailchimp(clock: VirtualClock) -> Callable[..., Caller]:
    """An account with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        setting = Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)
        return Caller(Mailchimp(setting))

    return make


@pytest.fixture
def marketo(clock: VirtualClock) -> Callable[..., Caller]:
    """An instance with these options, and no limit unless one is asked for."""

    def make(**options: Any) -> Caller:
        return Caller(Marketo(Setting({"limits": "none", **options}, 0, clock, clock.wall_ms)))

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
