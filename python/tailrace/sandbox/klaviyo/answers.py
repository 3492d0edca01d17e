"""Answers of Klaviyo's sandbox: JSON:API documents, and errors that point at what is wrong."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.wire import BadJsonError, Json, RefusalError, Reply, Request, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a request; ``pointer`` is that place."""

    pointer: str
    detail: str
    code: str = "invalid"
    status: int = 400
    meta: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """As it stands among the errors of an answer."""
        return {
            "id": str(uuid.uuid4()),
            "status": self.status,
            "code": self.code,
            "title": facts.TITLES[self.code],
            "detail": self.detail,
            "source": {"pointer": self.pointer},
            "links": {},
            "meta": dict(self.meta),
        }


class ProblemError(Exception):
    """A row that cannot be written."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def answer(status: int, body: Json = None) -> Reply:
    """An answer, without a body where there is nothing to say."""
    return Reply(status, body, [], facts.ANSWER_TYPE)


def errors(problems: Sequence[Problem]) -> Reply:
    """An answer that says no; its status is the first problem's."""
    listed = [one.as_json() for one in problems]
    return answer(problems[0].status, {"errors": listed})


def refuse(status: int, code: str, detail: str, pointer: str = "/data") -> RefusalError:
    """What a request is refused with."""
    return RefusalError(errors([Problem(pointer, detail, code, status)]))


def refuse_parameter(name: str, detail: str) -> RefusalError:
    """What a request with a wrong parameter is refused with."""
    problem = Problem("", detail).as_json()
    problem["source"] = {"parameter": name}
    return RefusalError(answer(400, {"errors": [problem]}))


def data_of(request: Request) -> Json:
    """What stands under ``data``. Raises RefusalError (400, 415)."""
    if request.content_type not in facts.CONTENT_TYPES:
        detail = f"Unsupported media type '{request.content_type}' in request."
        raise refuse(415, "unsupported_media_type", detail)
    try:
        body = read_json(request.body)
    except BadJsonError as error:
        raise refuse(400, "parse_error", f"JSON parse error - {error}") from None
    if not isinstance(body, dict) or "data" not in body:
        raise refuse(400, "invalid", "The payload provided in the request is invalid.")
    return body["data"]


def resource_of(data: Json, kind: str, pointer: str = "/data") -> dict[str, Any]:
    """The attributes of a resource object of this type. Raises RefusalError (400)."""
    found = resource_problem(data, kind, pointer)
    if found is not None:
        raise RefusalError(errors([found]))
    attributes: dict[str, Any] = data["attributes"]
    return attributes


def resource_problem(data: Json, kind: str, pointer: str) -> Problem | None:
    """Why it is no resource object of this type with attributes."""
    if not isinstance(data, dict):
        return Problem(pointer, "A resource object is expected.")
    for name in data:
        if name not in ("type", "id", "attributes", "relationships", "meta"):
            return Problem(f"{pointer}/{name}", f"'{name}' is not allowed at the root level.")
    if data.get("type") != kind:
        return Problem(f"{pointer}/type", f"type should be '{kind}'.")
    if not isinstance(data.get("attributes"), dict):
        return Problem(f"{pointer}/attributes", "'attributes' is a required field.")
    return None


def unknown(attributes: Mapping[str, Json], names: Iterable[str], kind: str) -> Problem | None:
    """The first attribute that a resource does not have."""
    for name in attributes.keys() - set(names):
        detail = f"'{name}' is not a valid field for the resource '{kind}'."
        return Problem(f"/data/attributes/{name}", detail)
    return None


def make_id(kind: str, number: int, length: int = 26) -> str:
    """An id as Klaviyo makes them: letters and digits that say nothing."""
    mark = int.from_bytes(hashlib.sha256(f"{kind}:{number}".encode()).digest(), "big")
    letters = ""
    for _ in range(length):
        mark, at = divmod(mark, len(_LETTERS))
        letters += _LETTERS[at]
    return f"01{letters[2:]}" if length == 26 else letters


def moment(ms: int | None) -> str | None:
    """A time as it is shown."""
    return None if ms is None else iso_ms(ms)[:19] + "+00:00"


def page(
    request: Request,
    base_url: str,
    found: Sequence[Any],
    shown: Callable[[Any], Json],
    *,
    most: int = 100,
    size: int = 20,
) -> Reply:
    """A page of what was found, ``size`` long where nothing else is asked for, ``most`` at most.

    Raises:
        RefusalError: the parameters are none (400).
    """
    asked = request.whole_number("page[size]", size)
    if asked is None or not 1 <= asked <= most:
        raise refuse_parameter("page[size]", f"Page size must be an integer between 1 and {most}.")
    start = _start(request.query.get("page[cursor]"))
    address = f"{base_url}{request.path}"
    links: dict[str, Json] = {"self": address, "next": None, "prev": None}
    if start + asked < len(found):
        links["next"] = (
            f"{address}?page%5Bcursor%5D={_cursor(start + asked)}&page%5Bsize%5D={asked}"
        )
    if start:
        before = max(0, start - asked)
        links["prev"] = f"{address}?page%5Bcursor%5D={_cursor(before)}&page%5Bsize%5D={asked}"
    listed = [shown(one) for one in found[start : start + asked]]
    return answer(200, {"data": listed, "links": links})


def _cursor(start: int) -> str:
    return base64.urlsafe_b64encode(f"next::{start:09d}".encode()).decode()


def _start(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor).decode("ascii").partition("::")[2]
    except (binascii.Error, ValueError):
        text = ""
    if not text.isdigit():
        raise refuse_parameter("page[cursor]", "The cursor is not valid.")
    return int(text[:9])
