"""What each kind of fault does to an answer: from a ``Fault`` to a ``Delivery``.

A delivery is still data; ``server.py`` plays it on the connection.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.wire import Json, Reply, http_date

if TYPE_CHECKING:
    from tailrace.sandbox.faults import Fault
    from tailrace.sandbox.vendor import Vendor

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>"


@dataclass(slots=True)
class Delivery:
    """How an answer reaches the caller.

    ``share`` of the body is sent, then the connection is cut by ``cut`` (``rst``, ``fin``); with
    share 0 not even the status line is sent. ``hold_s`` passes before that, ``spread_s`` while
    the body is sent.
    """

    reply: Reply = field(default_factory=lambda: Reply(200))
    cut: str = ""
    share: float = 1.0
    hold_s: float = 0.0
    spread_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """What a fault works on. ``reply`` is the true answer where the request was applied."""

    fault: Fault
    vendor: Vendor
    reply: Reply | None

    def number(self, option: str, default: float) -> float:
        return float(self.fault.options.get(option, default))

    def text(self, option: str, default: str) -> str:
        return str(self.fault.options.get(option, default))

    def or_else(self, body: Json) -> Reply:
        """The true answer, or a 200 with this body where there is none."""
        return Reply(200, body) if self.reply is None else self.reply


Damage = Callable[[Case], Delivery]


def deliver(fault: Fault, vendor: Vendor, reply: Reply | None) -> Delivery:
    """How the answer to a faulted request goes out.

    ``reply`` is the true answer where the request was applied, None where it was not.
    """
    case = Case(fault, vendor, reply)
    if fault.status:
        return Delivery(_status(case))
    return _MAKE[fault.kind](case)


def retry_after(form: Any) -> list[tuple[str, str]]:
    """Headers from a rule's ``retry_after``: a number, any text, ``{date_in_s: n}``, or a list
    of these for several headers."""
    if form is None:
        return []
    forms = form if isinstance(form, list) else [form]
    return [("Retry-After", _retry_value(one)) for one in forms]


def _retry_value(form: Any) -> str:
    if isinstance(form, Mapping) and "date_in_s" in form:
        return http_date(float(form["date_in_s"]))
    return str(form)


def _status(case: Case) -> Reply:
    options = case.fault.options
    facts = {"policy": options["policy"]} if "policy" in options else {}
    message = case.text("message", "injected by the fault schedule")
    reply = case.vendor.refusal(case.fault.status, message, **facts)
    reply.headers += retry_after(options.get("retry_after"))
    return reply


def _reset(case: Case) -> Delivery:
    return Delivery(cut=case.text("how", "rst"), share=0.0)


def _mid_body(cut: str) -> Damage:
    return lambda case: Delivery(case.or_else({}), cut, case.number("share", 0.5))


def _timeout(case: Case) -> Delivery:
    return Delivery(cut="fin", share=0.0, hold_s=case.number("seconds", 60))


def _as_it_is(case: Case) -> Delivery:
    return Delivery(case.or_else({}))


def _slow_body(case: Case) -> Delivery:
    return Delivery(case.or_else({}), spread_s=case.number("seconds", 5))


def _no_login(case: Case) -> Delivery:
    return Delivery(case.vendor.refusal(401, "the token has expired"))


def _conflict(case: Case) -> Delivery:
    message = case.text("message", "one of the records already exists")
    return Delivery(case.vendor.refusal(409, message))


def _quota(case: Case) -> Delivery:
    reply = case.vendor.refusal(429, "the quota of the day is spent", policy="DAILY")
    reply.headers += retry_after(case.fault.options.get("retry_after"))
    return Delivery(reply)


def _redirect(case: Case) -> Delivery:
    to = case.text("to", "/elsewhere")
    status = int(case.number("status", 307))
    return Delivery(Reply(status, b"", [("Location", to)], "text/plain"))


def _body(content_type: str, make: Callable[[Reply | None], bytes]) -> Damage:
    return lambda case: Delivery(Reply(200, make(case.reply), content_type=content_type))


def _fixed(content_type: str, body: bytes) -> Damage:
    return _body(content_type, lambda _: body)


def _cut_json(reply: Reply | None) -> bytes:
    """Well-framed HTTP with a document that ends in the middle."""
    payload = reply.payload() if reply is not None else b""
    return payload[: len(payload) // 2] or b'{"results":['


def _in_utf16(reply: Reply | None) -> bytes:
    return (reply.payload() if reply is not None else b"{}").decode("utf-8").encode("utf-16")


def _bomb(case: Case) -> Delivery:
    packed = gzip.compress(b" " * (int(case.number("megabytes", 64)) << 20), 9)
    return Delivery(Reply(200, packed, [("Content-Encoding", "gzip")]))


def _results(change: Callable[[list[Any], int], None]) -> Damage:
    def make(case: Case) -> Delivery:
        reply = case.or_else({})
        results = case.vendor.results(reply.body)
        if results:
            change(results, int(case.number("n", 1)))
        return Delivery(reply)

    return make


def _drop(results: list[Any], n: int) -> None:
    del results[-n:]


def _invent(results: list[Any], n: int) -> None:
    for at in range(n):
        stranger = copy(results[0])
        if isinstance(stranger, list):
            stranger[0] = f"nobody-{at}"
        else:
            named = {"id", "key", "objectWriteTraceId", "email_address"} & stranger.keys()
            stranger.update(dict.fromkeys(named, f"nobody-{at}"))
        results.append(stranger)


def _repeat(results: list[Any], n: int) -> None:
    results += results[:n]


def _shuffle(results: list[Any], n: int) -> None:
    results[:] = results[n:] + results[:n]
    results.reverse()


_MAKE: Mapping[str, Damage] = {
    "reset_before": _reset,
    "apply_then_reset": _reset,
    "late": _reset,
    "reset_mid_body": _mid_body("rst"),
    "truncated": _mid_body("fin"),
    "timeout": _timeout,
    "slow": _as_it_is,
    "slow_body": _slow_body,
    "partial_207": _as_it_is,
    "401_once": _no_login,
    "401_always": _no_login,
    "batch_409": _conflict,
    "quota": _quota,
    "redirect": _redirect,
    "html200": _fixed("text/html; charset=utf-8", HTML),
    "empty200": _fixed("application/json", b""),
    "okfalse200": _fixed("application/json", b'{"ok":false,"success":false}'),
    "bad_json": _body("application/json", _cut_json),
    "wrong_charset": _body("application/json;charset=utf-8", _in_utf16),
    "gzip_bomb": _bomb,
    "missing_results": _results(_drop),
    "extra_results": _results(_invent),
    "duplicate_results": _results(_repeat),
    "shuffled": _results(_shuffle),
    "job_failed": _as_it_is,
    "job_killed": _as_it_is,
    "job_gone": _as_it_is,
    "job_slow": _as_it_is,
}
