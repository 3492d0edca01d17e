"""JSON Schema of the project's files, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field, TypeAdapter

from tailrace.connections.profile import ProfileFile, use_model
from tailrace.connections.registry import TYPES
from tailrace.spec.document import read_document
from tailrace.spec.profiles import ProfileReader, packaged
from tailrace.spec.project_file import ProjectFile
from tailrace.spec.sync import Sync

if TYPE_CHECKING:
    from collections.abc import Iterator

DIALECT = "https://json-schema.org/draft/2020-12/schema"


# What a project's own profile takes is known to that project alone.
_BY_NAME = {
    "type": "object",
    "properties": {"type": {"const": "rest"}, "profile": {"type": "string", "minLength": 1}},
    "required": ["type", "profile"],
}


def json_schema() -> dict[str, Any]:
    """One schema for `tailrace.yml` (`#/$defs/project`), a file of syncs (`#/$defs/syncs`) and, at
    its root, for either; besides for a profile (`#/$defs/profile`)."""
    definitions: dict[str, Any] = {}
    project = _take(definitions, TypeAdapter(ProjectFile))
    sync = _take(definitions, TypeAdapter(Sync))
    every: Any = Union[tuple(TYPES.values())]  # noqa: UP007  (the registry is no literal)
    tagged: Any = Annotated[every, Field(discriminator="type")]
    connection = _take(definitions, TypeAdapter(tagged))
    definitions["connection"] = connection
    definitions["profile"] = _take(definitions, TypeAdapter(ProfileFile))
    definitions["profiled"] = {"anyOf": [*_profiled(definitions), _BY_NAME]}
    either = [{"$ref": "#/$defs/connection"}, {"$ref": "#/$defs/profiled"}]
    connections = {"type": "object", "additionalProperties": {"anyOf": either}}
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


def _profiled(definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Connections of the types that come with Tailrace as profiles."""
    for name, path in packaged().items():
        profile = ProfileReader(name, read_document(path.read_bytes(), path.name))
        schema = _take(definitions, TypeAdapter(use_model(profile.parameters)))
        del schema["properties"]["profile"]
        schema["properties"]["type"] = {"const": name}
        yield {**schema, "title": name}


def _take(definitions: dict[str, Any], adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """The adapter's schema, its own definitions moved to the common ones."""
    schema = adapter.json_schema(ref_template="#/$defs/{model}")
    definitions.update(schema.pop("$defs", {}))
    return schema
