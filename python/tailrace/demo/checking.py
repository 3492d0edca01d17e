"""Whether what the demo promised is what the sandbox saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.demo.expected import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tailrace.demo.expected import Rows

_SHOWN = 3


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `detail` says what was found."""

    name: str
    ok: bool
    detail: str


def arrived(
    records: Sequence[Mapping[str, Any]],
    model: Rows,
    match: str,
    numbers: Iterable[str],
    *,
    name: str = "every customer arrived once, with the model's values",
) -> Check:
    """Every row of the model is one record with the right values, and there is no other record.

    Args:
        records: The sandbox's.
        model: What `expected.model_rows` found.
        match: The field that identifies a record.
        numbers: Fields whose texts are compared as numbers.
    """
    numeric = frozenset(numbers)
    found: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        found.setdefault(str(record["values"].get(match)), []).append(record["values"])
    wrong = [key for key, row in model.items() if not _is(found.get(key), row, numeric)]
    wrong += [key for key in found if key not in model]
    if not model:
        return Check(name, ok=False, detail="the model has no rows")
    if wrong:
        some = ", ".join(sorted(wrong)[:_SHOWN])
        return Check(name, ok=False, detail=f"{len(wrong):,} customers differ, such as {some}")
    return Check(name, ok=True, detail=f"{len(model):,} customers, {len(records):,} records")


def _is(
    found: Sequence[Mapping[str, Any]] | None, row: Mapping[str, str], numeric: frozenset[str]
) -> bool:
    if found is None or len(found) != 1:
        return False
    return all(_text(found[0].get(name), name in numeric) == text for name, text in row.items())


def _text(value: Any, is_number: bool) -> str | None:
    if value is None:
        return None
    return number_text(str(value)) if is_number and value != "" else str(value)


def created_once(objects: Mapping[str, Any], expected: int) -> Check:
    """As many records were ever created as there are customers, and none was deleted."""
    detail = f"{objects['created']:,} created, {objects['deleted']:,} deleted"
    ok = objects["created"] == expected and objects["deleted"] == 0
    return Check("no contact was created twice", ok=ok, detail=detail)


def written(before: Mapping[str, int], after: Mapping[str, int], changed: set[str]) -> Check:
    """The second run wrote the changed customers once each, and nobody else."""
    rewritten = {key for key, count in after.items() if count != before.get(key, 0)}
    twice = [key for key in rewritten if after[key] - before.get(key, 0) != 1]
    ok = rewritten == changed and not twice
    detail = f"{len(rewritten):,} written for {len(changed):,} that differ in the model"
    return Check("the second run wrote what changed, once, and nothing else", ok=ok, detail=detail)


def no_requests(before: int, after: int) -> Check:
    """The third run made none, by the sandbox's own count."""
    made = after - before
    return Check("the third run made no request", ok=made == 0, detail=f"{made} requests")
