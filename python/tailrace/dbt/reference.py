"""`ref('m')`, `ref('pkg', 'm')`, `ref('m', v=2)`, `source('s', 't')`: parsed, never evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CALL = re.compile(r"\s*(?P<function>ref|source)\s*\((?P<arguments>.*)\)\s*\Z", re.DOTALL)
_ARGUMENT = re.compile(
    r"""\s*(?:(?P<name>v|version)\s*=\s*)?
        (?:'(?P<single>[^'\\]*)'|"(?P<double>[^"\\]*)"|(?P<number>[0-9]+(?:\.[0-9]+)?))\s*
        (?P<end>,|\Z)""",
    re.VERBOSE,
)

_SHAPES = "ref('model'), ref('package', 'model'), ref('model', v=2) or source('source', 'table')"


@dataclass(frozen=True)
class Reference:
    """A model by name; package and version are None where they are not given."""

    name: str
    package: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        parts = [f"'{part}'" for part in (self.package, self.name) if part is not None]
        if self.version is not None:
            parts.append(f"v={self.version}")
        return f"ref({', '.join(parts)})"


@dataclass(frozen=True)
class SourceReference:
    """A table that dbt reads and does not make."""

    source: str
    table: str

    def __str__(self) -> str:
        return f"source('{self.source}', '{self.table}')"


def parse_reference(text: str) -> Reference | SourceReference:
    """Read a reference.

    Raises:
        ValueError: It has none of the four shapes.
    """
    call = _CALL.match(text)
    if call is None:
        raise ValueError(f"{text!r} is not {_SHAPES}")
    names, version = _arguments(call["arguments"], text)
    if call["function"] == "source":
        if len(names) != 2 or version is not None:
            raise ValueError(f"{text!r}: source takes two names, source('source', 'table')")
        return SourceReference(*names)
    if len(names) not in (1, 2):
        raise ValueError(f"{text!r}: ref takes one name, or a package and a name")
    return Reference(names[-1], names[0] if len(names) == 2 else None, version)


def _arguments(text: str, whole: str) -> tuple[list[str], str | None]:
    names: list[str] = []
    version: str | None = None
    position = 0
    more = True
    while more:
        match = _ARGUMENT.match(text, position)
        if match is None or (match["end"] == "," and match.end() == len(text)):
            raise ValueError(f"{whole!r} is not {_SHAPES}")
        quoted = match["single"] if match["single"] is not None else match["double"]
        if match["name"] is not None and version is None:
            version = quoted if quoted is not None else match["number"]
        elif match["name"] is None and quoted and version is None:
            names.append(quoted)
        else:
            raise ValueError(f"{whole!r} is not {_SHAPES}")
        position = match.end()
        more = match["end"] == ","
    return names, version
