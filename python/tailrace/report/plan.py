"""A plan: the changeset, counted and guarded, and what sending it will cost."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tailrace.report.reading import parse, take
from tailrace.report.run_report import Breach

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1


@dataclass(frozen=True)
class SampleRow:
    """One row that would be sent; `fields` maps destination fields to texts, None for NULL."""

    key: str
    match: str
    fields: dict[str, str | None]


@dataclass(frozen=True)
class Sample:
    """A few rows of each kind."""

    added: tuple[SampleRow, ...]
    changed: tuple[SampleRow, ...]
    removed: tuple[SampleRow, ...]


@dataclass(frozen=True)
class NewField:
    """A field that the tool does not have; `type` is the tool's word."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


@dataclass(frozen=True)
class Plan:
    """What a run would send now.

    `counts` has the names of the diff (scanned, unchanged, added, changed, removed, invalid);
    `known` is the guards' base; `minutes` is the least time that the tool's limits allow;
    `daily_share` is the part of the daily calls, None where there is no such limit. Equal inputs
    give an equal `plan_fingerprint`, in whatever order the rows came. `reasons` says in words why
    rows go that did not change in the model, such as another mapping (`mapping_changed`) or another
    form of the source's values (`encoding_changed`). `file` is the sealed plan that was written, or
    that was kept because a guard is broken, `parts` its parts' paths. `create_fields`
    are the fields that the run would make at the tool before its first row.
    """

    sync: str
    run_id: str
    counts: dict[str, int]
    known: int
    breaches: tuple[Breach, ...]
    samples: Sample
    requests: int
    minutes: float
    daily_share: float | None
    plan_fingerprint: str
    mapping_changed: bool = False
    encoding_changed: bool = False
    reasons: tuple[str, ...] = ()
    file: str | None = None
    parts: tuple[str, ...] = ()
    create_fields: tuple[NewField, ...] = ()

    @property
    def refused(self) -> bool:
        """True where a run would be refused by a guard."""
        return bool(self.breaches)

    @classmethod
    def from_json(cls, document: str | bytes | Mapping[str, Any]) -> Plan:
        """Read a plan.

        Raises:
            ValueError: It is no plan, of another format, or lacks a field.
        """
        plan = parse(document, "plan")
        if plan.get("format", FORMAT) != FORMAT:
            raise ValueError(f"a plan of format {plan['format']} is newer than this version")
        samples = plan.get("samples")
        if not isinstance(samples, dict):
            raise ValueError("the plan lacks its samples")
        parts = {
            **plan,
            "breaches": tuple(Breach.from_dict(one) for one in plan.get("breaches", ())),
            "samples": Sample(*(_rows(samples, kind) for kind in ("added", "changed", "removed"))),
            **{name: tuple(plan.get(name) or ()) for name in ("reasons", "parts")},
            **{name: bool(plan.get(name)) for name in ("mapping_changed", "encoding_changed")},
            "file": plan.get("file"),
            "create_fields": tuple(
                take(NewField, one, "a field to be made") for one in plan.get("create_fields") or ()
            ),
        }
        return take(cls, parts, "the plan")

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values, ready for JSON."""
        document = {"format": FORMAT, **asdict(self)}
        document["breaches"] = [breach.to_dict() for breach in self.breaches]
        document["samples"] = {kind: list(rows) for kind, rows in document["samples"].items()}
        for name in ("reasons", "parts", "create_fields"):
            document[name] = list(document[name])
        return document

    def to_json(self) -> str:
        """The plan as one JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


def _rows(samples: Mapping[str, Any], kind: str) -> tuple[SampleRow, ...]:
    return tuple(take(SampleRow, row, f"a sample of {kind} rows") for row in samples.get(kind, ()))
