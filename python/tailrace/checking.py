"""What is wrong with a project, found without sending anything."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tailrace import store_access
from tailrace.compile.compiler import compile_section
from tailrace.connections.resolving import resolve
from tailrace.errors import ConfigError, Problem, SourceError, StateLost, Unfinished
from tailrace.nearest import hint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.compile.compiled import Compiled
    from tailrace.project_files import Owner, ProjectFiles
    from tailrace.spec.document import Section
    from tailrace.spec.loading import LoadedProject


def check_project(files: ProjectFiles, name: str | None, *, offline: bool) -> list[Problem]:
    """All problems of one sync, or of the project, in the order of the files."""
    loaded = files.load()
    problems: list[Problem] = []
    names = [name] if name is not None else sorted(files.listing())
    if name is None:
        problems += _of_connections(loaded)
        problems += _of_the_order(files)
    for one in names:
        problems += _of_sync(files, loaded, one, offline=offline)
    return list(dict.fromkeys(problems))


def _of_connections(loaded: LoadedProject) -> list[Problem]:
    problems: list[Problem] = []
    for section in loaded.connection_sections():
        problems += _of_connection(loaded, section)
    return problems


def _of_the_order(files: ProjectFiles) -> tuple[Problem, ...]:
    try:
        files.parents_first(())
    except ConfigError as error:
        return error.problems
    return ()


def _of_connection(loaded: LoadedProject, section: Section) -> tuple[Problem, ...]:
    try:
        loaded.connection_at(section)
    except ConfigError as error:
        return error.problems
    return ()


def _of_sync(
    files: ProjectFiles, loaded: LoadedProject, name: str, *, offline: bool
) -> list[Problem]:
    try:
        sync, section = loaded.sync(name)
    except ConfigError as error:
        return list(error.problems)
    try:
        compiled = compile_section(loaded, sync, section)
        if offline:
            return []
        directory = str(files.inputs.directory)
        connection = resolve(compiled.connection, loaded.environment, directory)
        owner = files.owner(compiled, connection)
        return list(_of_destination(compiled, connection, owner, section))
    except ConfigError as error:
        return list(error.problems)
    except SourceError as error:
        return [section.problem(str(error), "source")]
    except (ValueError, StateLost, Unfinished) as error:
        return [section.problem(str(error), "destination")]


def _of_destination(
    compiled: Compiled, connection: dict[str, Any], owner: Owner, section: Section
) -> Iterator[Problem]:
    """Compare the mapping with the fields that the destination tells of."""
    asked = (json.dumps(connection), json.dumps(compiled.spec["object"]), "describe", owner.url)
    with store_access.store_errors() as core:
        answer = json.loads(core.read_object(*asked))
    if answer.get("failure"):
        yield section.problem(str(answer["failure"]), "destination")
        return
    if answer.get("fields") is None:
        return
    known = {field["name"]: field for field in answer["fields"]}
    yield from _noted(owner, known, section)
    target = compiled.spec["object"]["name"]
    columns = compiled.spec["columns"][: compiled.spec["field_count"]]
    for column in columns:
        name = column["name"]
        field = known.get(name)
        if field is None:
            yield section.problem(
                f"{target} has no field {name!r}{hint(name, known)}", "fields", name
            )
        elif not field.get("writable", True):
            yield section.problem(f"{target}.{name} cannot be written", "fields", name)
    match = known.get(columns[compiled.spec["match"]]["name"])
    if match is not None and not match.get("unique", True):
        message = f"{target}.{match['name']} is not unique, so that it identifies no record"
        yield section.problem(message, "match")
    mapped = {column["name"] for column in columns}
    for name, field in known.items():
        if field.get("required", False) and name not in mapped:
            yield section.problem(f"{target} requires the field {name!r}", "fields")


def _noted(owner: Owner, fields: dict[str, Any], section: Section) -> Iterator[Problem]:
    """Tell the state store of the fields: rows that were rejected for good are tried again where
    they have changed."""
    text = json.dumps(fields, sort_keys=True)
    try:
        store_access.note_fields(owner, hashlib.sha256(text.encode()).hexdigest())
    except StateLost:
        return  # before the first run there is none, and a run tells of one that is lost
    except Unfinished as error:
        yield section.problem(f"the state store is out of reach: {error}")
