"""What faults do on the wire, as a plain socket sees it, and what is left in the records."""

from __future__ import annotations

import gzip
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox import Sandbox

HUBSPOT = {"vendors": {"hubspot": {"limits": "none"}, "rest": {}}}
UPSERT = "/crm/v3/objects/contacts/batch/upsert"

Started = Any


@pytest.fixture
def running(start: Callable[[Any], Any]) -> Started:
    return start(HUBSPOT)


def body_of(*emails: str) -> bytes:
    inputs = [
        {"id": email, "idProperty": "email", "objectWriteTraceId": str(at), "properties": {}}
        for at, email in enumerate(emails)
    ]
    return json.dumps({"inputs": inputs}).encode()


def exchange(client: Any, body: bytes, timeout_s: float = 5.0) -> tuple[bytes, str]:
    """One upsert over a fresh socket: all bytes that came back, and how the connection ended."""
    head = (
        f"POST {UPSERT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    received = b""
    with socket.create_connection((client.host, client.port), timeout_s) as sock:
        sock.sendall(head.encode() + body)
        while True:
            try:
                piece = sock.recv(65536)
            except ConnectionResetError:
                return received, "reset"
            except TimeoutError:
                return received, "open"
            if not piece:
                return received, "closed"
            received += piece


def emails(sandbox: Sandbox) -> list[str]:
    return [one["values"]["email"] for one in sandbox.records("hubspot", "contacts")]


@pytest.mark.parametrize(("do", "applied"), [("reset_before", 0), ("apply_then_reset", 1)])
@pytest.mark.parametrize(("how", "end"), [("rst", "reset"), ("fin", "closed")])
def test_a_broken_connection_says_nothing_about_the_rows(
    running: Started, do: str, applied: int, how: str, end: str
) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": do, "how": how, "times": 1}])
    assert exchange(client, body_of("a@b.co")) == (b"", end)
    assert len(emails(sandbox)) == applied
    assert sandbox.counters("hubspot")["by_status"] == {"0": 1}
    (entry,) = sandbox.log()
    assert (entry["fault"], entry["applied"]) == (do, applied)
    assert client("POST", UPSERT, body_of("a@b.co")).status == 200
    assert sandbox.writes("hubspot", "contacts") == {"a@b.co": applied + 1}


@pytest.mark.parametrize(("do", "end"), [("truncated", "closed"), ("reset_mid_body", "reset")])
def test_a_cut_body_is_shorter_than_it_said(running: Started, do: str, end: str) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": do, "share": 0.5}])
    received, ended = exchange(client, body_of("a@b.co"))
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert ended == end
    assert head.startswith(b"HTTP/1.1 200 ")
    assert 0 < len(body) < length
    assert emails(sandbox) == ["a@b.co"]


def test_a_timeout_holds_the_connection_and_then_closes_it(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": "timeout", "seconds": 0.3, "applied": True}])
    started = time.monotonic()
    assert exchange(client, body_of("a@b.co")) == (b"", "closed")
    assert time.monotonic() - started >= 0.3
    assert emails(sandbox) == ["a@b.co"]


def test_stopping_does_not_wait_for_a_held_connection(start: Callable[[Any], Any]) -> None:
    sandbox, client = start(HUBSPOT)
    sandbox.set_faults([{"do": "timeout", "seconds": 3600}])
    assert exchange(client, body_of("a@b.co"), timeout_s=0.2) == (b"", "open")
    started = time.monotonic()
    sandbox.__exit__(None, None, None)
    assert time.monotonic() - started < 5


def wait_for(condition: Callable[[], bool], deadline_s: float = 5.0) -> bool:
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_late_request_is_applied_after_its_connection_broke(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": "late", "seconds": 0.3, "times": 1}])
    assert exchange(client, body_of("a@b.co")) == (b"", "reset")
    assert emails(sandbox) == []
    assert wait_for(lambda: emails(sandbox) == ["a@b.co"])
    assert sandbox.counters("hubspot")["rows_applied"] == 1


def test_reset_drops_what_is_still_to_be_applied(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": "late", "seconds": 0.2, "times": 1}])
    exchange(client, body_of("a@b.co"))
    sandbox.reset()
    assert not wait_for(lambda: emails(sandbox) != [], deadline_s=0.5)
    assert sandbox.counters("hubspot")["rows_applied"] == 0


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 423, 477])
@pytest.mark.parametrize("applied", [True, False])
def test_a_status_may_come_before_or_after_the_rows_were_applied(
    running: Started, status: int, applied: bool
) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": status, "applied": applied, "retry_after": 3, "times": 1}])
    answer = client("POST", UPSERT, body_of("a@b.co"))
    assert (answer.status, answer.headers["retry-after"]) == (status, "3")
    assert answer.json()["status"] == "error"
    assert len(emails(sandbox)) == applied


def test_a_quota_names_the_daily_policy(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": "quota"}])
    answer = client("POST", UPSERT, body_of("a@b.co"))
    assert (answer.status, answer.json()["policyName"]) == (429, "DAILY")


def test_a_token_can_expire_once(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"match": {"nth": [2, 3]}, "do": "401_once"}])
    statuses = [client("POST", UPSERT, body_of("a@b.co")).status for _ in range(4)]
    assert statuses == [200, 401, 200, 200]


def test_a_conflict_for_the_whole_batch_applies_nothing(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"match": {"key": "bad@b.co"}, "do": "batch_409"}])
    answer = client("POST", UPSERT, body_of("a@b.co", "bad@b.co"))
    assert (answer.status, answer.json()["category"]) == (409, "CONFLICT")
    assert client("POST", UPSERT, body_of("a@b.co")).status == 200
    assert emails(sandbox) == ["a@b.co"]


@pytest.mark.parametrize(
    ("do", "check"),
    [
        ("html200", lambda body: body.startswith(b"<!DOCTYPE html>")),
        ("empty200", lambda body: body == b""),
        ("okfalse200", lambda body: json.loads(body)["ok"] is False),
        ("bad_json", lambda body: body.startswith(b'{"status":"COMPLETE"')),
        ("wrong_charset", lambda body: body.startswith(b"\xff\xfe")),
    ],
)
def test_a_200_may_mean_nothing(running: Started, do: str, check: Callable[[bytes], bool]) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": do, "applied": True}])
    answer = client("POST", UPSERT, body_of("a@b.co"))
    assert answer.status == 200
    assert check(answer.body)
    assert emails(sandbox) == ["a@b.co"]
    if do in ("bad_json", "wrong_charset"):
        with pytest.raises(ValueError, match=r"."):
            json.loads(answer.body.decode("utf-8"))


def test_a_bomb_is_small_on_the_wire_and_large_unpacked(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": "gzip_bomb", "megabytes": 8}])
    answer = client("POST", UPSERT, body_of("a@b.co"))
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 100_000
    assert len(gzip.decompress(answer.body)) == 8 << 20


def test_a_redirect_points_elsewhere(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": "redirect", "status": 308, "to": "http://127.0.0.1:1/x"}])
    answer = client("POST", UPSERT, body_of("a@b.co"))
    assert (answer.status, answer.headers["location"]) == (308, "http://127.0.0.1:1/x")
    assert emails(sandbox) == []


def test_a_partial_batch_writes_exactly_what_it_says(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": "partial_207", "ok_share": 0.5, "times": 1}])
    sent = [f"u{n}@b.co" for n in range(40)]
    answer = client("POST", UPSERT, body_of(*sent))
    found = answer.json()
    assert answer.status == 207
    assert found["numErrors"] == len(found["errors"]) > 0
    failed = {sent[int(error["context"]["objectWriteTraceId"][0])] for error in found["errors"]}
    assert set(emails(sandbox)) == set(sent) - failed
    assert len(found["results"]) == len(sent) - len(failed)


@pytest.mark.parametrize(
    ("do", "change"), [("missing_results", -2), ("extra_results", 2), ("duplicate_results", 2)]
)
def test_results_may_be_too_few_or_too_many(running: Started, do: str, change: int) -> None:
    sandbox, client = running
    sandbox.set_faults([{"do": do, "n": 2}])
    sent = [f"u{n}@b.co" for n in range(10)]
    results = client("POST", UPSERT, body_of(*sent)).json()["results"]
    assert len(results) == 10 + change
    assert sorted(emails(sandbox)) == sorted(sent)
    known = {str(n) for n in range(10)}
    strangers = [one for one in results if one["objectWriteTraceId"] not in known]
    assert len(strangers) == (2 if do == "extra_results" else 0)


def test_shuffled_results_are_the_same_ones(running: Started) -> None:
    sandbox, client = running
    sent = [f"u{n}@b.co" for n in range(10)]
    plain = client("POST", UPSERT, body_of(*sent)).json()["results"]
    sandbox.set_faults([{"do": "shuffled"}])
    mixed = client("POST", UPSERT, body_of(*sent)).json()["results"]
    traces = [[one["objectWriteTraceId"] for one in many] for many in (plain, mixed)]
    assert traces[0] != traces[1]
    assert sorted(traces[0]) == sorted(traces[1])


@pytest.mark.parametrize(
    "rule", [{"do": "slow", "delay_ms": 200}, {"do": "slow_body", "seconds": 0.2}]
)
def test_a_slow_answer_is_a_right_answer(running: Started, rule: dict[str, Any]) -> None:
    sandbox, client = running
    sandbox.set_faults([{**rule, "times": 1}])
    started = time.monotonic()
    answer = client("POST", UPSERT, body_of("a@b.co"))
    assert time.monotonic() - started >= 0.18
    assert (answer.status, len(answer.json()["results"])) == (200, 1)


def test_rest_has_faults_of_its_own(running: Started) -> None:
    sandbox, client = running
    sandbox.set_faults(
        [{"match": {"vendor": "rest", "nth": 1}, "do": "partial_207", "ok_share": 0}]
    )
    assert client("POST", UPSERT, body_of("a@b.co")).status == 200
    answer = client("POST", "/rest/a", [{"id": 1}, {"id": 2}])
    assert (answer.status, answer.json()["accepted"]) == (207, 0)
    assert [error["key"] for error in answer.json()["errors"]] == ["1", "2"]
    assert client("POST", "/rest/a", [{"id": 1}]).status == 200


def test_faults_can_be_set_over_http_and_a_wrong_schedule_is_refused(running: Started) -> None:
    _, client = running
    assert client("POST", "/__faults", [{"do": 503}]).status == 200
    assert client("POST", UPSERT, body_of("a@b.co")).status == 503
    refused = client("POST", "/__faults", [{"do": "nothing"}])
    assert (refused.status, "faults" in refused.json()["error"]) == (400, True)
    assert client("POST", UPSERT, body_of("a@b.co")).status == 503
    assert client("POST", "/__faults", []).status == 200
    assert client("POST", UPSERT, body_of("a@b.co")).status == 200
