"""Profiles of APIs: found by name, read, and filled with what a connection gives."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tailrace.connections.profile import (
    Parameter,
    ParameterName,
    ProfileFile,
    ProfileUse,
    connection_of,
    use_model,
)
from tailrace.connections.registry import NOT_OFFERED, TYPES
from tailrace.environment import Expanded
from tailrace.errors import ConfigError, Problem
from tailrace.nearest import hint
from tailrace.spec.document import Document, Section, read_document
from tailrace.spec.inputs import PROFILE_FOLDER
from tailrace.spec.validation import validate
from tailrace.spec.values import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tailrace.connections.rest import RestConnection
    from tailrace.spec.document import Path as Place
    from tailrace.spec.inputs import Inputs

_SUFFIXES = (".yml", ".yaml")
_PLACE = re.compile(r"\$\$\{|\$\{(?P<name>[^}]*)\}?")
_OPEN_TO_SECRETS = ("auth", "headers")


class Parameters(Strict):
    """The part of a profile that is read before its parameters are put in."""

    parameters: dict[ParameterName, Parameter] = Field(default_factory=dict)


def packaged() -> dict[str, Path]:
    """The profiles that come with Tailrace, by name."""
    folder = Path(str(resources.files("tailrace"))) / "profiles"
    return {path.stem: path for path in sorted(folder.glob("*.yml"))}


class Profiles:
    """All profiles that a project may use: its own, and those that come with Tailrace."""

    def __init__(self, inputs: Inputs) -> None:
        self._own = {Path(file.shown).stem: file for file in inputs.profiles}
        self._packaged = packaged()

    def names(self) -> list[str]:
        """Own ones and others."""
        return sorted({*self._own, *self._packaged})

    def own(self) -> list[str]:
        """Those of the project."""
        return sorted(self._own)

    def find(self, name: str) -> str | None:
        """The profile's name, of itself or of its path in the project; None where there is none."""
        stem = name
        if name.startswith(f"{PROFILE_FOLDER}/") and name.endswith(_SUFFIXES):
            stem = Path(name).stem
            return stem if stem in self._own else None
        return stem if stem in self._own or stem in self._packaged else None

    def file_of(self, name: str) -> Path | None:
        """The file outside of the project that a profile comes from."""
        return None if name in self._own else self._packaged[name]

    def document(self, name: str) -> Document:
        """The profile as it is written. Raises ConfigError."""
        if name in self._own:
            return read_document(self._own[name].content, self._own[name].shown)
        path = self._packaged[name]
        return read_document(path.read_bytes(), f"tailrace/profiles/{path.name}")

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the project's own, whether they are used or not."""
        for name in self.own():
            yield from self._problems_of(name)

    def _problems_of(self, name: str) -> tuple[Problem, ...]:
        try:
            profile = ProfileReader(name, self.document(name))
            profile.filled({one: p.stand_in() for one, p in profile.parameters.items()})
        except ConfigError as error:
            return error.problems
        return ()


class ProfileReader:
    """One profile. Raises ConfigError where its parameters are wrong."""

    def __init__(self, name: str, document: Document) -> None:
        self._section = document.section()
        if name in TYPES or name in NOT_OFFERED:
            raise self._section.error(f"{name} is a type of its own: give the file another name")
        root = document.root if isinstance(document.root, dict) else {}
        problems: list[Problem] = []
        head = {"parameters": root["parameters"]} if "parameters" in root else {}
        made = validate(Parameters, Section(document, (), head), problems)
        if made is None:
            raise ConfigError.of(problems)
        self.parameters = made.parameters
        self._secrets = frozenset(name for name, one in made.parameters.items() if one.secret)
        taken = ProfileUse.model_fields.keys() & self.parameters.keys()
        for one in sorted(taken):
            message = "is a key that every connection has: give the parameter another name"
            raise self._section.error(message, "parameters", one)

    def filled(self, values: Mapping[str, Any]) -> ProfileFile:
        """The file with its parameters put in. Raises ConfigError."""
        problems: list[Problem] = []
        if not isinstance(self._section.value, dict):
            raise self._section.error("must be a mapping")
        filled = {
            key: one
            if key in ("parameters", "about")
            else self._put_in(one, values, (key,), problems)
            for key, one in self._section.value.items()
        }
        section = Section(self._section.document, (), filled)
        made = None if problems else validate(ProfileFile, section, problems)
        if made is None:
            raise ConfigError.of(problems)
        return made

    def _put_in(
        self, value: Any, values: Mapping[str, Any], path: Place, problems: list[Problem]
    ) -> Any:
        if isinstance(value, dict):
            return {k: self._put_in(one, values, (*path, k), problems) for k, one in value.items()}
        if isinstance(value, list):
            return [
                self._put_in(one, values, (*path, at), problems) for at, one in enumerate(value)
            ]
        if not isinstance(value, str):
            return value
        for name in _names_in(value):
            wrong = self._misuse(name, path)
            if wrong:
                problems.append(self._section.problem(wrong, *path))
                return value
        return _filled_text(value, values, self._secrets)

    def _misuse(self, name: str, path: Place) -> str:
        """Why a parameter cannot stand at a place, empty where it can."""
        if name.startswith("env:"):
            return (
                f"${{{name}}}: a profile is shared, and has no variables of an environment; they "
                "stand in the connection"
            )
        if name not in self.parameters:
            return f"there is no parameter {name!r}{hint(name, self.parameters)}"
        if self.parameters[name].secret and path[0] not in _OPEN_TO_SECRETS:
            return f"{name} is a secret, which stands under auth or headers alone"
        return ""


def connect(profile: ProfileReader, section: Section) -> RestConnection:
    """The connection at `section`, whose variables were put in. Raises ConfigError."""
    problems: list[Problem] = []
    use = validate(use_model(profile.parameters), section, problems)
    if use is None or problems:
        raise ConfigError.of(problems)
    # What the file says: a Secret made of it would have lost what it was before.
    given = {name: section.value.get(name, one.default) for name, one in profile.parameters.items()}
    filled = profile.filled(given)
    if filled.base_url is None and use.base_url is None:
        raise section.error("base_url is missing: the profile leaves it to the connection")
    return connection_of(filled, use)


def _names_in(text: str) -> list[str]:
    found = (match["name"] for match in _PLACE.finditer(text))
    return [name for name in found if name is not None]


def _filled_text(text: str, values: Mapping[str, Any], secrets: frozenset[str]) -> Any:
    """A text with its parameters put in. What is one parameter and nothing else keeps its type.

    The result knows what may be written down in its place: variables by their names. It does not
    where a secret stands in the connection itself.
    """
    names = _names_in(text)
    if len(names) == 1 and text == f"${{{names[0]}}}" and not isinstance(values[names[0]], str):
        return values[names[0]]

    def put_in(match: re.Match[str]) -> str:
        return "${" if match["name"] is None else str(values[match["name"]])

    def template(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$${"
        value = values[match["name"]]
        return value.template if isinstance(value, Expanded) else str(value).replace("${", "$${")

    result = _PLACE.sub(put_in, text)
    open_secret = any(name in secrets and not isinstance(values[name], Expanded) for name in names)
    return result if open_secret else Expanded(result, _PLACE.sub(template, text))
