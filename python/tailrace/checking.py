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
from tailrace.run_spec import query_comment
from tailrace.warehouses import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tailrace.compile.compiled import Compiled
    from tailrace.project_files import Owner, ProjectFiles
    from tailrace.spec.document import Section
    from tailrace.spec.loading import LoadedProject
    from tailrace.spec.sync import Sync


def check_project(
    files: ProjectFiles, name: str | None, *, offline: bool, remarks: list[str]
) -> list[Problem]:
    """All problems of one sync, or of the project, in the order of the files. What is none and
    worth knowing is added to `remarks`."""
    loaded = files.load()
    problems: list[Problem] = []
    names = [name] if name is not None else sorted(files.listing())
    if name is None:
        problems += _of_connections(loaded)
        problems += _of_the_order(files)
    for one in names:
        problems += _of_sync(files, loaded, one, remarks, offline=offline)
    return list(dict.fromkeys(problems))


def _of_connections(loaded: LoadedProject) -> list[Problem]:
    problems = list(loaded.profiles.problems())
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
    files: ProjectFiles, loaded: LoadedProject, name: str, remarks: list[str], *, offline: bool
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
        offers = loaded.destination(sync, section).can(sync.object).creates_fields
        return [
            *_of_link(loaded, sync, connection, owner, section),
            *_of_destination(compiled, connection, owner, section, remarks, offers_making=offers),
        ]
    except ConfigError as error:
        return list(error.problems) or [_said_by_core(section, str(error))]
    except SourceError as error:
        return [section.problem(str(error), "source")]
    except (ValueError, StateLost, Unfinished) as error:
        return [_said_by_core(section, str(error))]


def _said_by_core(section: Section, message: str) -> Problem:
    """What the core says of the destination, at the key of the sync that it names first, if any."""
    key, _, rest = message.partition(": ")
    if key in ("object", "match", "fields"):
        return section.problem(rest, key)
    return section.problem(message, "destination")


def _of_destination(
    compiled: Compiled,
    connection: dict[str, Any],
    owner: Owner,
    section: Section,
    remarks: list[str],
    *,
    offers_making: bool,
) -> Iterator[Problem]:
    """Compare the mapping with the fields that the destination tells of."""
    compared = compiled.spec["columns"][: compiled.spec["field_count"]]
    columns = [column for column in compared if "link" not in column]
    match_field = columns[compiled.spec["match"]]["name"]
    answer = _describe(connection, compiled.spec["object"], owner, match_field)
    if answer.get("failure"):
        yield section.problem(
            str(answer["failure"]), "object" if answer["no_object"] else "destination"
        )
        return
    if answer.get("fields") is None:
        return
    fields = answer["fields"]
    yield from _noted(owner, {one["name"]: one for one in fields}, section)
    spec = compiled.spec
    if spec["create_fields"]:
        yield from _of_new_fields(compiled, connection, fields, section, remarks)
    rules = {
        "makes_records": spec["mode"] != "update",
        "makes_fields": spec["create_fields"],
        "offers_making": offers_making,
    }
    with store_access.store_errors() as core:
        flaws = json.loads(core.check_mapping(json.dumps(spec), json.dumps(fields), **rules))
    for flaw in flaws:
        yield section.problem(flaw["message"], *filter(None, (flaw["key"], flaw["field"])))
    yield from _of_values(compiled, fields, section)


def _of_new_fields(
    compiled: Compiled,
    connection: dict[str, Any],
    fields: list[dict[str, Any]],
    section: Section,
    remarks: list[str],
) -> Iterator[Problem]:
    """Tell which fields the run would make, and of what type; or why it cannot."""
    target = compiled.spec["object"]["name"]
    known = {field["name"] for field in fields}
    compared = compiled.spec["columns"][: compiled.spec["field_count"]]
    if all(one["name"] in known or "link" in one for one in compared):
        return
    try:
        made = _asked_of_model(
            compiled,
            lambda core, spec, stream: core.fields_to_make(
                json.dumps(connection), spec, json.dumps(fields), stream
            ),
        )
    except ValueError as error:
        yield section.problem(str(error), "fields")
        return
    for one in made:
        near = hint(one["name"], known)
        name, kind = one["name"], one["type"]
        remarks.append(f"{compiled.sync}: a run makes the field {target}.{name} ({kind}){near}")


def _asked_of_model(
    compiled: Compiled, ask: Callable[[Any, str, object], str]
) -> list[dict[str, Any]]:
    """What the core says of the model; `ask` gets the core, the spec and the rows."""
    from tailrace import _core

    with open_warehouse(compiled.warehouse) as warehouse:
        source = warehouse.source(compiled.select, query_comment(compiled.sync, {}))
        spec = json.dumps({**compiled.spec, "source": source.spec})
        try:
            told: list[dict[str, Any]] = json.loads(ask(_core, spec, source.stream))
        except _core.SourceError as error:
            message, configuration, code = error.args
            raise SourceError(message, configuration=configuration, code=code) from None
    return told


def _describe(
    connection: dict[str, Any], target: dict[str, Any], owner: Owner, match: str
) -> dict[str, Any]:
    asked = (json.dumps(connection), json.dumps(target), "describe", owner.url, match)
    with store_access.store_errors() as core:
        answer: dict[str, Any] = json.loads(core.read_object(*asked))
    return answer


def _made_by_others(loaded: LoadedProject, sync: Sync) -> set[tuple[str, str]]:
    """Objects of the same destination, each with the unique field that a sync of it makes."""
    made = set()
    for name in loaded.sections:
        try:
            other, _ = loaded.sync(name)
        except ConfigError:
            continue
        if other.create_fields and other.destination == sync.destination:
            made.add((other.object, other.match))
    return made


def _of_link(
    loaded: LoadedProject, sync: Sync, connection: dict[str, Any], owner: Owner, section: Section
) -> Iterator[Problem]:
    """Whether the records that others are linked to can be found."""
    if sync.associate is None:
        return
    target, by = sync.associate.to, sync.associate.by
    answer = _describe(connection, {"name": target}, owner, by)
    if answer.get("failure"):
        yield section.problem(str(answer["failure"]), "associate", "to")
        return
    known = {field["name"]: field for field in answer.get("fields") or ()}
    if by not in known:
        if (target, by) not in _made_by_others(loaded, sync):
            message = f"{target} has no field {by!r}{hint(by, known)}"
            yield section.problem(message, "associate", "by")
    elif not known[by].get("unique", True):
        message = f"{target}.{by} is not unique, so that it finds no record"
        yield section.problem(message, "associate", "by")


def _of_values(
    compiled: Compiled, fields: list[dict[str, Any]], section: Section
) -> Iterator[Problem]:
    """Hold the model's values against what the fields take, where that is known of any."""
    mapped = {column["name"] for column in compiled.spec["columns"]}
    told = [one for one in fields if one["name"] in mapped and _takes_less_than_all(one)]
    if not told:
        return
    target = compiled.spec["object"]["name"]
    misfits = _asked_of_model(
        compiled, lambda core, spec, stream: core.check_values(spec, json.dumps(told), stream)
    )
    for one in misfits:
        message = f"{target}.{one['field']} {one['words']}"
        yield section.problem(message, "fields", one["field"])


def _takes_less_than_all(field: dict[str, Any]) -> bool:
    limited = field.get("max_length") is not None or field.get("takes", "anything") != "anything"
    return bool(limited or field.get("required"))


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
