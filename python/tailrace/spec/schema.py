"""JSON Schema of the project's files, for editors."""

from __future__ import annotations

from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter

from tailrace.connections.registry import TYPES
from tailrace.spec.project_file import ProjectFile
from tailrace.spec.sync import Sync

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """One schema for `tailrace.yml` (`#/$defs/project`), a file of syncs (`#/$defs/syncs`) and, at
    its root, for either."""
    definitions: dict[str, Any] = {}
    project = _take(definitions, TypeAdapter(ProjectFile))
    sync = _take(definitions, TypeAdapter(Sync))
    every: Any = Union[tuple(TYPES.values())]  # noqa: UP007  (the registry is no literal)
    tagged: Any = Annotated[every, Field(discriminator="type")]
    connection = _take(definitions, TypeAdapter(tagged))
    definitions["connection"] = connection
    connections = {"type": "object", "additionalProperties": {"$ref": "#/$defs/connection"}}
    project["properties"]["connections"] = connections
    definitions["TargetSection"]["properties"]["connections"] = connections
    definitions["project"] = project
    definitions["sync"] = sync
    definitions["syncs"] = {
        "anyOf": [
            {"$ref": "#/$defs/sync"},
            {"type": "array", "items": {"$ref": "#/$defs/sync"}},
        ]
    }
    return {
        "$schema": DIALECT,
        "title": "Tailrace",
        "anyOf": [{"$ref": "#/$defs/project"}, {"$ref": "#/$defs/syncs"}],
        "$defs": definitions,
    }


def _take(definitions: dict[str, Any], adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """The adapter's schema, its own definitions moved to the common ones."""
    schema = adapter.json_schema(ref_template="#/$defs/{model}")
    definitions.update(schema.pop("$defs", {}))
    return schema
