"""The server: bodies in every framing, sizes, concurrency, state, limits at run time."""

from __future__ import annotations

import concurrent.futures
import gzip
import json
import socket
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tailrace.sandbox import ConfigError, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

UPSERT = "/crm/v3/objects/contacts/batch/upsert"
FREE = {"limits": "none", "vendors": {"hubspot": {}, "rest": {}}}

Start = Any


def raw(client: Any, request: bytes, timeout_s: float = 5.0) -> bytes:
    """Send bytes as they are; what came back until the server closed or fell silent."""
    received = b""
    with socket.create_connection((client.host, client.port), timeout_s) as sock:
        sock.sendall(request)
        sock.settimeout(1.0)
        try:
            while piece := sock.recv(65536):
                received += piece
                if received.endswith((b"}", b"\r\n\r\n")) and b"100 Continue" not in received[-40:]:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
    return received


HEAD = b"Host: 127.0.0.1\r\nAuthorization: Bearer t\r\nContent-Type: application/json\r\n"


def test_a_chunked_body_is_read_to_its_end(start: Start) -> None:
    sandbox, client = start(FREE)
    body = b"".join(
        b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (b'{"id', b'":"k",', b'"v":1}')
    )
    answer = raw(
        client,
        b"POST /rest/a HTTP/1.1\r\n"
        + HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + body
        + b"0\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert sandbox.records("rest", "a")[0]["values"] == {"id": "k", "v": 1}


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_packed_body_is_unpacked(
    start: Start, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    sandbox, client = start(FREE)
    packed = pack(json.dumps([{"id": n} for n in range(100)]).encode())
    answer = client("POST", "/rest/a", packed, {"Content-Encoding": coding})
    assert (answer.status, answer.json()["accepted"]) == (200, 100)
    assert len(sandbox.records("rest", "a")) == 100


def test_a_body_that_cannot_be_unpacked_is_a_400(start: Start) -> None:
    _, client = start(FREE)
    answer = client("POST", "/rest/a", b"not gzip at all", {"Content-Encoding": "gzip"})
    assert answer.status == 400


def test_a_body_over_the_limit_is_a_413_packed_or_not(start: Start) -> None:
    sandbox, client = start({"vendors": {"rest": {"max_body_bytes": 10_000}}})
    big = json.dumps({"id": "k", "v": "x" * 20_000}).encode()
    assert client("POST", "/rest/a", big).status == 413
    packed = gzip.compress(b" " * 50_000_000)
    assert client("POST", "/rest/a", packed, {"Content-Encoding": "gzip"}).status == 413
    assert client("POST", "/rest/a", {"id": "k", "v": "x" * 5_000}).status == 201
    assert len(sandbox.records("rest", "a")) == 1


def test_expect_100_continue_is_answered_at_once(start: Start) -> None:
    _, client = start(FREE)
    body = b'{"id":"k"}'
    head = (
        b"POST /rest/a HTTP/1.1\r\n" + HEAD + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"
    )
    with socket.create_connection((client.host, client.port), 5) as sock:
        sock.sendall(head)
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        sock.sendall(body)
        assert sock.recv(1000).startswith(b"HTTP/1.1 201 ")


def test_bytes_that_are_not_http_close_the_connection_and_nothing_else(start: Start) -> None:
    _, client = start(FREE)
    assert b"400" in raw(client, b"\x16\x03\x01 hello\r\n\r\n").split(b"\r\n")[0]
    assert client("GET", "/rest/a").status == 200


def test_one_connection_serves_many_requests(start: Start) -> None:
    sandbox, client = start(FREE)
    for n in range(50):
        assert client("POST", "/rest/a", {"id": n}).status == 201
    assert sandbox.counters("rest")["total"] == 50


def test_a_vendor_is_found_below_its_own_name(start: Start, contact: Any) -> None:
    sandbox, client = start(FREE)
    body = {"inputs": [contact("a@b.co")]}
    assert client("POST", "/hubspot" + UPSERT, body).status == 200
    assert client("POST", UPSERT, body).status == 200
    assert sandbox.writes("hubspot", "contacts") == {"a@b.co": 2}


def test_a_vendor_that_was_not_asked_for_is_not_there(start: Start) -> None:
    _, client = start({"vendors": ["rest"]})
    assert client("POST", UPSERT, {}).status == 404


def test_forty_writers_lose_nothing_and_write_nothing_twice(start: Start, contact: Any) -> None:
    sandbox, client = start({**FREE, "latency_ms": 5})
    shares = [[f"w{w}-{n}@b.co" for n in range(200)] for w in range(40)]

    def send(emails: list[str]) -> list[int]:
        own = type(client)(sandbox.url)
        statuses = []
        for at in range(0, len(emails), 20):
            inputs = [contact(email, email) for email in emails[at : at + 20]]
            statuses.append(own("POST", UPSERT, {"inputs": inputs}).status)
        own.close()
        return statuses

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        statuses = [status for many in pool.map(send, shares) for status in many]
    assert set(statuses) == {200}
    records = sandbox.records("hubspot", "contacts")
    assert len({one["id"] for one in records}) == len(records) == 8000
    assert set(sandbox.writes("hubspot", "contacts").values()) == {1}
    counters = sandbox.counters("hubspot")
    assert (counters["total"], counters["rows_applied"]) == (400, 8000)
    assert counters["in_flight"] == 0
    assert counters["max_in_flight"] > 1


def test_the_same_key_from_all_sides_is_one_record(start: Start, contact: Any) -> None:
    sandbox, client = start({**FREE, "latency_ms": [1, 20]})

    def send(n: int) -> bool:
        own = type(client)(sandbox.url)
        answer = own("POST", UPSERT, {"inputs": [contact("a@b.co", firstname=str(n))]})
        own.close()
        return bool(answer.json()["results"][0]["new"])

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        created = list(pool.map(send, range(100)))
    assert sum(created) == 1
    assert sandbox.writes("hubspot", "contacts") == {"a@b.co": 100}


def test_latency_is_waited_for_and_requests_wait_beside_each_other(start: Start) -> None:
    sandbox, client = start({"latency_ms": 200, "vendors": ["rest"]})

    def send(n: int) -> int:
        own = type(client)(sandbox.url)
        status = own("POST", "/rest/a", {"id": n}).status
        own.close()
        return int(status)

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert set(pool.map(send, range(10))) == {201}
    assert 0.2 <= time.monotonic() - started < 1.5


def test_the_limit_holds_for_all_connections_together(start: Start) -> None:
    sandbox, client = start({"vendors": {"hubspot": {"limits": {"max": 30}}}})

    def send(_: int) -> int:
        own = type(client)(sandbox.url)
        status = own("GET", "/crm/v3/objects/contacts").status
        own.close()
        return int(status)

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(send, range(50)))
    assert (statuses.count(200), statuses.count(429)) == (30, 20)
    counters = sandbox.counters("hubspot")
    assert (counters["rate_limited"], counters["max_per_10_seconds"]) == (20, 50)


# -- state and control ---------------------------------------------------------------------------


def test_state_shows_records_writes_and_counters(start: Start, contact: Any) -> None:
    _, client = start(FREE)
    client("POST", UPSERT, {"inputs": [contact("a@b.co", "1"), contact("bad", "2")]})
    client("POST", UPSERT, {"inputs": [contact("a@b.co", "1")]}, {"Authorization": ""})
    state = client("GET", "/__state?log=10").json()
    contacts = state["vendors"]["hubspot"]["objects"]["contacts"]
    assert (contacts["count"], contacts["created"], contacts["updated"]) == (1, 1, 0)
    assert contacts["records"][0]["values"] == {"email": "a@b.co"}
    assert contacts["writes"] == {"a@b.co": 1}
    requests = state["vendors"]["hubspot"]["requests"]
    assert requests["by_status"] == {"207": 1, "401": 1}
    assert requests["by_op"] == {"contacts.upsert": 1}
    assert requests["unauthorized"] == 1
    assert (requests["rows_received"], requests["rows_applied"]) == (2, 1)
    assert [entry["keys"] for entry in state["log"]] == [["a@b.co", "bad"], []]


def test_state_can_leave_the_records_out(start: Start, contact: Any) -> None:
    _, client = start(FREE)
    client("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    state = client("GET", "/__state?records=false&writes=false").json()
    assert state["vendors"]["hubspot"]["objects"]["contacts"]["count"] == 1
    assert "a@b.co" not in json.dumps(state)
    assert client("GET", "/__state?log=x").status == 400


def test_reset_empties_the_sandbox(start: Start, contact: Any) -> None:
    sandbox, client = start(FREE)
    client("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    assert client("POST", "/__reset").status == 200
    assert sandbox.records("hubspot", "contacts") == []
    assert sandbox.counters("hubspot")["total"] == 0
    assert sandbox.log() == []


def test_limits_can_be_set_at_run_time(start: Start) -> None:
    _, client = start(FREE)
    assert client("POST", "/__limits", {"hubspot": {"max": 1}}).status == 200
    answers = [client("GET", "/crm/v3/objects/contacts").status for _ in range(2)]
    assert answers == [200, 429]
    assert client("POST", "/__limits", "none").status == 200
    assert client("GET", "/crm/v3/objects/contacts").status == 200
    wrongs: list[Any] = [{"salesforce": "none"}, {"hubspot": "free"}, [], "free", {}]
    for wrong in wrongs:
        assert client("POST", "/__limits", wrong).status == 400


def test_the_log_keeps_its_size(start: Start) -> None:
    sandbox, client = start({**FREE, "log_size": 5})
    for n in range(12):
        client("POST", "/rest/a", {"id": n})
    assert [entry["number"] for entry in sandbox.log("rest")] == [8, 9, 10, 11, 12]
    assert sandbox.log("hubspot") == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_another_origin_gets_nothing(start: Start, headers: dict[str, str]) -> None:
    sandbox, client = start(FREE)
    client("POST", "/rest/a", {"id": 1})
    for method, path in (("GET", "/"), ("GET", "/__state"), ("POST", "/__reset")):
        assert client(method, path, headers=headers).status == 403
    assert len(sandbox.records("rest", "a")) == 1


def test_unknown_names_are_key_errors(start: Start) -> None:
    sandbox, _ = start(FREE)
    with pytest.raises(KeyError):
        sandbox.records("hubspot", "dragons")
    with pytest.raises(KeyError):
        sandbox.records("salesforce", "Account")
    with pytest.raises(KeyError):
        sandbox.counters("salesforce")


def test_records_are_still_there_after_the_end(start: Start) -> None:
    sandbox, client = start(FREE)
    client("POST", "/rest/a", {"id": 1})
    sandbox.__exit__(None, None, None)
    assert len(sandbox.records("rest", "a")) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])
def test_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        Sandbox(host=host)


def test_a_port_that_is_taken_is_an_error(start: Start) -> None:
    _, client = start(FREE)
    with pytest.raises(OSError, match="in use"), Sandbox(port=client.port):
        pass


@pytest.mark.parametrize(
    "config",
    [
        {"vendor": {}},
        {"vendors": {"hubspott": {}}},
        {"vendors": []},
        {"vendors": {"hubspot": []}},
        {"limits": "free"},
        {"seed": "x"},
        {"latency_ms": [5, 1]},
        {"latency_ms": -1},
        {"faults": [{"do": "nothing"}]},
        "/nowhere/sandbox.yml",
    ],
)
def test_a_wrong_configuration_is_refused(config: Any) -> None:
    with pytest.raises(ConfigError):
        Sandbox(config)
