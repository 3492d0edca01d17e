"""How the destination's records compare with what was delivered to it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.report.reading import parse, take

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FieldDifference:
    """A field whose value is another at the destination; None for no value."""

    field: str
    ours: str | None
    theirs: str | None


@dataclass(frozen=True)
class RowDifference:
    """A row that does not compare as equal: `state` is missing, different, extra, pending or
    unreadable."""

    key: str
    state: str
    fields: tuple[FieldDifference, ...]


@dataclass(frozen=True)
class Verification:
    """Counts of rows. `checked` were compared: `equal`, `missing` at the destination or
    `different`. `extra` are records that were delivered and whose rows are gone from the model.
    `pending` rows have changed since, and are sent by the next run; `unreadable` ones the
    destination gave no answer about. `rows` are those that are not equal, the first thousand;
    `keys_to_repair` are of all that are missing or different."""

    sync: str
    run_id: str
    checked: int
    equal: int
    missing: int
    different: int
    extra: int
    pending: int
    unreadable: int
    rows: tuple[RowDifference, ...]
    keys_to_repair: tuple[str, ...] = field(default=(), repr=False)

    @property
    def agrees(self) -> bool:
        """True where every row that was compared is as it was delivered."""
        return self.missing == self.different == self.unreadable == 0

    @classmethod
    def from_json(cls, document: str | bytes | Mapping[str, Any]) -> Verification:
        """Raises ValueError where a member is missing."""
        found = parse(document, "verification")
        lists = {
            "rows": tuple(map(_row, found.get("rows", ()))),
            "keys_to_repair": tuple(found.get("repair", ())),
        }
        return take(cls, {**found, **lists}, "a verification")

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON; without the keys, of which `rows` shows the first."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del plain["keys_to_repair"]
        return plain


def _row(document: Any) -> RowDifference:
    if not isinstance(document, dict):
        raise ValueError("a row of a verification is not an object")
    fields = tuple(
        take(FieldDifference, one, "a field of a verification")
        for one in document.get("fields") or ()
    )
    return take(RowDifference, {**document, "fields": fields}, "a row of a verification")


@dataclass(frozen=True)
class Request:
    """A request without its credentials; `path` is below the connection's address."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Answer:
    """What the destination answered; `failure` says why there is no answer."""

    status: int
    headers: dict[str, str]
    body: str
    failure: str


@dataclass(frozen=True)
class Trial:
    """One row tried: its first requests, and all answers and the outcome where it was sent."""

    sync: str
    key: str
    requests: tuple[Request, ...]
    answers: tuple[Answer, ...]
    outcome: str | None

    @classmethod
    def from_json(cls, document: str | bytes | Mapping[str, Any]) -> Trial:
        """Raises ValueError where a member is missing."""
        found = parse(document, "trial")
        lists = {
            name: tuple(take(kind, one, f"one of a trial's {name}") for one in found.get(name, ()))
            for name, kind in (("requests", Request), ("answers", Answer))
        }
        return take(cls, {**found, **lists}, "a trial")

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain
