"""What Klaviyo takes in a profile, and what it makes of it.

A profile is known by its id, its e-mail address, its phone number and its external id; each belongs
to one profile only. What is not named is left alone, null clears.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import is_email
from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.answers import (
    Problem,
    ProblemError,
    make_id,
    moment,
    resource_problem,
)
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.wire import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.wire import Json

_PHONE = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_META = ("patch_properties", "patch_identifiers")
_PATCHES = ("append", "unappend", "unset")
ATTRIBUTES = (*facts.TEXTS, *facts.STRUCTURES)


def problems(item: Json, pointer: str) -> list[Problem]:
    """What is wrong with a profile as it was sent; ``pointer`` is where it stands."""
    found = resource_problem(item, "profile", pointer)
    if found is not None:
        return [found]
    if len(write_json(item)) > facts.MAX_PROFILE_BYTES:
        detail = f"A profile has at most {facts.MAX_PROFILE_BYTES} bytes."
        return [Problem(pointer, detail)]
    if item.get("id") is not None and not isinstance(item["id"], str):
        return [Problem(f"{pointer}/id", "Not a valid string.")]
    attributes, where = item["attributes"], f"{pointer}/attributes"
    listed = [one for name in attributes for one in _attribute(name, attributes[name], where)]
    named = [item.get("id"), *(attributes.get(name) for name in facts.IDENTIFIERS)]
    if not listed and not any([*named, attributes.get("_kx")]):
        detail = "At least one identifier is required: id, email, phone_number or external_id."
        listed.append(Problem(where, detail))
    return listed or _meta(item.get("meta"), f"{pointer}/meta")


def _attribute(name: str, value: Json, where: str) -> list[Problem]:
    pointer = f"{where}/{name}"
    if name not in ATTRIBUTES:
        return [Problem(pointer, f"'{name}' is not a valid field for the resource 'profile'.")]
    if value is None:
        return []
    if name == "location":
        return _location(value, pointer)
    detail = _misfit(name, value)
    return [Problem(pointer, detail)] if detail else []


def _misfit(name: str, value: Json) -> str:
    if name == "properties":
        return "" if isinstance(value, dict) else "Not a valid dictionary."
    if not isinstance(value, str):
        return "Not a valid string."
    if name == "email" and not is_email(value):
        return f"Invalid email address: {value[:80]}"
    return facts.BAD_PHONE if name == "phone_number" and not _PHONE.fullmatch(value) else ""


def _location(value: Json, pointer: str) -> list[Problem]:
    if not isinstance(value, dict):
        return [Problem(pointer, "Not a valid dictionary.")]
    found = []
    for name, one in value.items():
        if name not in (*facts.LOCATION_TEXTS, *facts.LOCATION_NUMBERS):
            detail = f"'{name}' is not a valid field for the resource 'location'."
            found.append(Problem(f"{pointer}/{name}", detail))
        number = name in facts.LOCATION_NUMBERS and not isinstance(one, (bool, dict, list))
        if one is not None and not isinstance(one, str) and not number:
            found.append(Problem(f"{pointer}/{name}", "Not a valid string."))
    return found


def _meta(value: Json, pointer: str) -> list[Problem]:
    if value is None:
        return []
    if not isinstance(value, dict) or not value.keys() <= set(_META):
        return [Problem(pointer, f"meta has {' and '.join(_META)}.")]
    patch = value.get("patch_properties")
    if patch is None:
        return []
    fits = isinstance(patch, dict) and patch.keys() <= set(_PATCHES)
    if fits:
        fits = all(isinstance(patch.get(name) or {}, dict) for name in _PATCHES[:2])
        unset = patch.get("unset") or []
        names = [unset] if isinstance(unset, str) else unset
        fits = fits and isinstance(names, list) and all(isinstance(one, str) for one in names)
    if fits:
        return []
    return [Problem(f"{pointer}/patch_properties", f"It has {', '.join(_PATCHES)}.")]


class Profiles:
    """All profiles of an account."""

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        self.records = Collection("profiles", facts.IDENTIFIERS, folded=facts.FOLDED)
        self._wall_ms = wall_ms
        self._made = 0

    def find(self, item: Mapping[str, Any], pointer: str = "/data") -> Record | None:
        """The profile that an item means.

        Raises:
            ProblemError: its identifiers are of several, or there is none with its id.
        """
        found: list[Record] = []
        if item.get("id") is not None:
            held = self.records.get(item["id"])
            if held is None:
                detail = f"A profile with id {item['id'][:80]} does not exist."
                raise ProblemError(Problem(pointer, detail, "not_found", 404))
            found.append(held)
        attributes = item["attributes"]
        for name in facts.IDENTIFIERS:
            held = self.records.find(name, attributes[name]) if attributes.get(name) else None
            if held is not None and held not in found:
                found.append(held)
        if len(found) > 1:
            raise ProblemError(duplicate(found[1].id, pointer))
        return found[0] if found else None

    def write(self, item: Mapping[str, Any], pointer: str = "/data") -> tuple[Record, bool]:
        """The profile, and whether it is new.

        Raises:
            ProblemError: see ``find``, or an update would leave it without an identifier.
        """
        record = self.find(item, pointer)
        if record is None:
            return self.create(item), True
        self.update(record, item, pointer)
        return record, False

    def create(self, item: Mapping[str, Any]) -> Record:
        """A new profile; the caller has looked whether there is one."""
        values = _patched({}, item)
        self._made += 1
        number = make_id("profile", self._made)
        key = key_of(values) or number
        return self.records.create(values, self._wall_ms(), key=key, record_id=number)

    def update(self, record: Record, item: Mapping[str, Any], pointer: str = "/data") -> None:
        """Overlay what the item names. Raises ProblemError."""
        values = _patched(record.values, item)
        clash = self.records.clash(values, record)
        if clash is not None:
            raise ProblemError(duplicate(clash.existing_id, pointer))
        if not any(values.get(name) for name in facts.IDENTIFIERS):
            detail = "A profile needs an identifier."
            raise ProblemError(Problem(f"{pointer}/attributes", detail))
        key = key_of(values) or record.id
        gone = dict.fromkeys(record.values.keys() - values.keys())
        self.records.update(record, {**gone, **values}, self._wall_ms(), key=key)
        record.values = values

    def remove(self, record: Record) -> None:
        self.records.remove(record, self._wall_ms(), key=key_of(record.values) or record.id)


def duplicate(existing_id: str, pointer: str) -> Problem:
    """The identifiers of a row belong to another profile, or to several."""
    detail = "A profile already exists with one of these identifiers."
    meta = {"duplicate_profile_id": existing_id}
    return Problem(f"{pointer}/attributes", detail, "duplicate_profile", 409, meta)


def _patched(held: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """What a profile holds after an item was laid over it; nothing in it is null."""
    values = {**held}
    for name, value in item["attributes"].items():
        if name == "_kx":
            continue
        if value is None or value == "":
            values.pop(name, None)
        elif name in facts.STRUCTURES:
            values[name] = _overlaid(held.get(name, {}), value)
        else:
            values[name] = value
    patch = (item.get("meta") or {}).get("patch_properties")
    if patch:
        values["properties"] = _with_patch(values.get("properties", {}), patch)
    return values


def _overlaid(held: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**held, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _with_patch(held: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    kept = {**held}
    for name, value in (patch.get("append") or {}).items():
        kept[name] = [*_listed(kept.get(name)), *_listed(value)]
    for name, value in (patch.get("unappend") or {}).items():
        kept[name] = [one for one in _listed(kept.get(name)) if one not in _listed(value)]
    unset = patch.get("unset") or []
    for name in [unset] if isinstance(unset, str) else unset:
        kept.pop(name, None)
    return kept


def _listed(value: Json) -> list[Json]:
    return [] if value is None else value if isinstance(value, list) else [value]


def key_of(values: Mapping[str, Any]) -> str | None:
    """The name under which a write is counted and a fault is matched."""
    for name in ("external_id", "email", "phone_number"):
        if isinstance(values.get(name), str) and values[name]:
            return str(values[name])
    return None


def as_json(record: Record, base_url: str) -> dict[str, Json]:
    """A profile as the API shows it."""
    texts = [name for name in facts.TEXTS if name != "_kx"]
    location = record.values.get("location", {})
    names = (*facts.LOCATION_TEXTS, *facts.LOCATION_NUMBERS)
    address = f"{base_url}/api/profiles/{record.id}"
    related = {
        name: {"links": {"self": f"{address}/relationships/{name}", "related": f"{address}/{name}"}}
        for name in ("lists", "segments")
    }
    return {
        "type": "profile",
        "id": record.id,
        "attributes": {
            **{name: record.values.get(name) for name in texts},
            "created": moment(record.created_ms),
            "updated": moment(record.updated_ms),
            "last_event_date": record.values.get("last_event_date"),
            "location": {name: location.get(name) for name in names},
            "properties": record.values.get("properties", {}),
        },
        "relationships": related,
        "links": {"self": address},
    }
