"""From plain values to models; what pydantic finds is told in our words, with file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo  # noqa: TC002

from tailrace.environment import MissingVariableError, expand, names_in
from tailrace.errors import Problem
from tailrace.nearest import hint
from tailrace.spec.document import Section
from tailrace.spec.values import Strict

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from tailrace.spec.document import Path

S = TypeVar("S", bound=Strict)

_PLAIN = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "string_pattern_mismatch": "may hold letters, digits, `_`, `-` and `.` only",
}


def expand_section(
    section: Section, environment: Mapping[str, str], used: Counter[str], problems: list[Problem]
) -> Section:
    """The section with its variables put in; `used` counts them, problems are appended."""

    def walk(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: walk(one, (*path, key)) for key, one in value.items()}
        if isinstance(value, list):
            return [walk(one, (*path, index)) for index, one in enumerate(value)]
        if not isinstance(value, str):
            return value
        used.update(names_in(value))
        try:
            return expand(value, environment)
        except (MissingVariableError, ValueError) as error:
            problems.append(section.problem(str(error), *path))
            # Anything that passes for a value of its kind, so that no second problem is shown.
            return _Unknown()

    return Section(section.document, section.path, walk(section.value, ()))


class _Unknown(str):
    """Stands for a text whose variable is missing."""

    __slots__ = ()


def validate(kind: type[S], section: Section, problems: list[Problem]) -> S | None:
    """The model of the section's value; None where problems were appended."""
    if not isinstance(section.value, dict):
        problems.append(section.problem("must be a mapping"))
        return None
    before = len(problems)
    try:
        made = kind.model_validate(section.value)
    except ValidationError as error:
        unknown = set(_unknown_paths(section.value, ()))
        details = error.errors(include_url=False, include_input=False)
        # A misspelt key is missing too: what was written comes before what was not.
        for detail in sorted(details, key=lambda one: one["type"] == "missing"):
            path = _existing(section.value, detail["loc"])
            if path not in unknown:
                problems.append(_problem(kind, section, detail, path))
        return None
    for path, message in made.contradictions():
        problems.append(section.problem(message, *path))
    return made if len(problems) == before else None


def _problem(kind: type[Strict], section: Section, detail: ErrorDetails, path: Path) -> Problem:
    found = detail["type"]
    if found == "extra_forbidden":
        owner = _model_at(kind, detail["loc"][:-1]) or kind
        name = str(detail["loc"][-1])
        if name in owner.not_offered:
            return section.problem("is not offered by this version", *path)
        known = [field.alias or name for name, field in owner.model_fields.items()]
        return section.problem(f"unknown key {name!r}{hint(name, known)}", *path)
    if found == "missing":
        name = str(detail["loc"][-1])
        problem = section.problem("is missing", *path)
        key = f"{problem.key}.{name}" if problem.key else name
        return Problem("is missing", problem.file, problem.line, problem.column, key)
    if found == "value_error":
        return section.problem(str(detail["ctx"]["error"]), *path)
    if found == "literal_error":
        return section.problem(f"must be {detail['ctx']['expected']}", *path)
    return section.problem(_PLAIN.get(found, detail["msg"]), *path)


def _existing(value: Any, location: tuple[str | int, ...]) -> Path:
    """The part of a pydantic location that is in the file: tags of unions and names that are
    missing are left out."""
    path: list[str | int] = []
    for part in location:
        inside = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside:
            path.append(part)
            value = value[part]
    return tuple(path)


def _unknown_paths(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, _Unknown):
        yield path
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _unknown_paths(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _unknown_paths(one, (*path, index))


def _model_at(kind: type[Strict], location: tuple[str | int, ...]) -> type[Strict] | None:
    """The model whose mapping stands at a location: for the names that it knows."""
    current: type[Strict] | None = kind
    for part in location:
        if current is None or not isinstance(part, str):
            continue
        field = _field(current, part)
        if field is not None:
            current = next(_models_in(field.annotation), current)
    return current


def _field(kind: type[Strict], name: str) -> FieldInfo | None:
    for own, field in kind.model_fields.items():
        if name in (own, field.alias):
            return field
    return None


def _models_in(annotation: Any) -> Iterator[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
