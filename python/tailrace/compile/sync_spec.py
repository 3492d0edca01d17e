"""The part of the run spec that a sync's file decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.compile.fingerprint import mapping_fingerprint

if TYPE_CHECKING:
    from tailrace.compile.select import Selection
    from tailrace.connections.base import Destination
    from tailrace.spec.limits import Guards
    from tailrace.spec.sync import Sync
    from tailrace.spec.values import Amount

# The default guard on removals speaks up above this many rows only; a limit that is set has none.
REMOVED_FLOOR = 100
_REMOVED = {"value": 20, "percent": True}
_ENCODING = {"value": 20, "percent": True}


def sync_spec(sync: Sync, destination: Destination, selection: Selection) -> dict[str, Any]:
    """The members of the run spec that do not change from run to run."""
    return {
        **_rows(sync, selection),
        "mode": sync.effective_mode,
        "on_missing": sync.effective_on_missing,
        "on_removed": sync.effective_on_removed,
        "backfill": sync.backfill,
        "insert_safety": sync.insert_safety,
        "resync_every_s": sync.resync_every,
        "changed_fields": sync.send == "changed_fields",
        "create_fields": sync.create_fields,
        "row_log": sync.row_log,
        "was": list(sync.was),
        "rejected": sync.rejected.model_dump(),
        "mapping_fingerprint": mapping_fingerprint(sync, destination.type, selection.fields),
        "object": destination.object_dict(sync.object),
        "guards": _guards(sync.guards),
        "tolerate": sync.tolerate.rejected.to_dict(),
    }


def _rows(sync: Sync, selection: Selection) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [
        {
            "name": name,
            "nulls": sync.fields[name].nulls,
            "digits": sync.fields[name].compared_digits,
        }
        for name in selection.fields
    ]
    if sync.associate is not None:
        columns.append({"name": sync.associate.name, "link": sync.associate.core_dict()})
    columns += [{"name": name} for name in selection.columns[selection.compared :]]
    return {
        "columns": columns,
        "field_count": selection.compared,
        "key": list(selection.key),
        "key_names": list(selection.key_names),
        "match": 0,
    }


def _guards(guards: Guards) -> dict[str, Any]:
    return {
        "allow_empty": guards.allow_empty,
        "max_removed": _limit(guards.max_removed) or _REMOVED,
        "removed_floor": 0 if guards.max_removed else REMOVED_FLOOR,
        "max_changed": _limit(guards.max_changed),
        "max_added": _limit(guards.max_added),
        "max_null_jump": {name: one.to_dict() for name, one in guards.max_null_jump.items()},
        "encoding": _limit(guards.encoding) or _ENCODING,
    }


def _limit(amount: Amount | None) -> dict[str, Any] | None:
    return amount.to_dict() if amount is not None else None
