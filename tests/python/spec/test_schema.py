"""The published schema takes what the models take."""

from __future__ import annotations

import json
from typing import Any

from tailrace.connections.registry import TYPES
from tailrace.spec.schema import json_schema


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(references(one) for one in value))
    return set()


def test_it_is_json_and_every_reference_is_there() -> None:
    schema = json.loads(json.dumps(json_schema()))
    for reference in references(schema):
        assert reference.removeprefix("#/$defs/") in schema["$defs"]


def test_every_type_of_connection_is_in_it() -> None:
    mapping = json_schema()["$defs"]["connection"]["discriminator"]["mapping"]
    assert set(mapping) == set(TYPES)


def test_unknown_keys_are_refused_by_it() -> None:
    schema = json_schema()
    for name in ("project", "sync", "Guards", "RestObject", "HubSpotAuth"):
        assert schema["$defs"][name]["additionalProperties"] is False


def test_a_field_is_text_or_a_mapping() -> None:
    field = json_schema()["$defs"]["FieldSpec"]
    assert field["anyOf"][0]["type"] == "string"
    assert set(field["anyOf"][1]["properties"]) == {"column", "sql", "value", "nulls", "digits"}


def test_keys_of_the_modes_are_in_it() -> None:
    sync = json_schema()["$defs"]["sync"]["properties"]
    assert {"on_missing", "backfill", "insert_safety", "resync_every", "send", "row_log"} < set(
        sync
    )
    assert {"was", "after", "rejected"} < set(sync)
    guards = json_schema()["$defs"]["Guards"]["properties"]
    assert {"encoding", "max_null_jump", "max_added"} < set(guards)


def test_secrets_are_marked() -> None:
    token = json_schema()["$defs"]["HubSpotAuth"]["properties"]["token"]
    assert token["anyOf"][0]["writeOnly"] is True
