"""Answers of Marketo's sandbox. Nearly all of them, refusals too, have the status 200."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, TypeVar

from tailrace.sandbox.marketo import facts
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request, json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tailrace.sandbox.vendor import Call

Row = TypeVar("Row")


class RowRefusedError(Exception):
    """Why a row is skipped."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or facts.MESSAGES[code]

    def as_json(self) -> dict[str, Json]:
        """As it stands in the list of results."""
        return {"status": "skipped", "reasons": [{"code": self.code, "message": self.message}]}


def answer(result: list[Any], **more: Json) -> Reply:
    """An answer that says yes, and what became of each row."""
    return Reply(200, {"requestId": _request_id(), "success": True, "result": result, **more})


def error(code: str, message: str = "") -> Reply:
    """An answer that says no to the request as a whole."""
    told = [{"code": code, "message": message or facts.MESSAGES.get(code, "System error")}]
    return Reply(200, {"requestId": _request_id(), "success": False, "errors": told})


def refuse(code: str, message: str = "") -> RefusalError:
    """What a request is refused with."""
    return RefusalError(error(code, message))


def outcomes(
    call: Call,
    rows: Sequence[Row],
    act: Callable[[Row], dict[str, Json]],
    named: Callable[[Row], dict[str, Json]] = lambda _: {},
) -> list[Json]:
    """What became of each row: what ``act`` says, or why it is skipped, after its ``named``."""
    return [{**named(row), **_outcome(call, at, row, act)} for at, row in enumerate(rows)]


def _outcome(
    call: Call, at: int, row: Row, act: Callable[[Row], dict[str, Json]]
) -> dict[str, Json]:
    try:
        check_fault(call, at)
        told = act(row)
    except RowRefusedError as refused:
        call.rejected += 1
        return refused.as_json()
    call.applied += 1
    return told


def check_fault(call: Call, at: int) -> None:
    """Raises RowRefusedError where an injected fault wants the row refused."""
    if at in call.refuse:
        raise RowRefusedError(call.refuse_code or "1003", call.refuse[at])


def bare(status: int, message: str) -> Reply:
    """A refusal below the API: a status, and no JSON."""
    page = f"<html><head><title>{status}</title></head><body>{message}</body></html>"
    return Reply(status, page.encode("utf-8", "replace"), [], "text/html; charset=utf-8")


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises RefusalError (609, 612)."""
    return json_object(request, lambda flaw, _: refuse("612" if flaw == "type" else "609"))


def rows_of(body: dict[str, Any]) -> list[Any]:
    """The rows of a request, 1 to 300 objects. Raises RefusalError (609, 701, 1003)."""
    rows = body.get("input")
    if rows is None or rows == []:
        raise refuse("701", "input cannot be blank")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise refuse("609")
    if len(rows) > facts.MAX_ROWS:
        raise refuse("1003", f"Number of records in input exceeds {facts.MAX_ROWS}")
    return rows


def _request_id() -> str:
    return f"{secrets.token_hex(2)}#{secrets.token_hex(6)[:11]}"
