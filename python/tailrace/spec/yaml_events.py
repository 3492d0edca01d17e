"""YAML read event by event: no tags, no object is ever built, and every value keeps its mark.

Scalars are those of YAML 1.2's core schema (`no` and `12:30` are text, a number with a leading
zero too), keys are always text, and a document that would grow past the caps is refused while it
is read, before anything is expanded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Mark = tuple[int, int]
Path = tuple[str | int, ...]
Found = tuple[str, Mark, Path]

MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_VALUES = 100_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,39})\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass
class Tree:
    """What was read. `marks` maps the id of a mapping or list to the marks of its members; the
    containers live as long as `root`, so their ids stay theirs."""

    root: Any = None
    marks: dict[int, dict[str | int, Mark]] = field(default_factory=dict)
    problems: list[Found] = field(default_factory=list)


class _RefusedError(Exception):
    """Reading cannot go on."""


@dataclass
class _Open:
    """A container whose end has not come."""

    value: dict[str, Any] | list[Any]
    mark: Mark
    anchor: str | None
    key: str | None = None
    key_mark: Mark = (1, 1)
    size: int = 1


class _Reader:
    def __init__(self) -> None:
        self.tree = Tree()
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.sizes = 0
        self.aliases = 0
        self.documents = 0

    def path(self) -> Path:
        parts: list[str | int] = []
        for container in self.open:
            if isinstance(container.value, list):
                parts.append(len(container.value))
            elif container.key is not None:
                parts.append(container.key)
        return tuple(parts)

    def refuse(self, message: str, mark: Mark) -> None:
        self.tree.problems.append((message, mark, self.path()))
        raise _RefusedError

    def add(self, value: Any, mark: Mark, size: int = 1) -> None:
        """Puts a finished value where it belongs."""
        if not self.open:
            self.tree.root = value
            self.sizes = size
            return
        container = self.open[-1]
        marks = self.tree.marks[id(container.value)]
        if isinstance(container.value, list):
            marks[len(container.value)] = mark
            container.value.append(value)
        else:
            assert container.key is not None  # noqa: S101  (event() takes keys before values)
            if container.key not in container.value:
                marks[container.key] = container.key_mark
            container.value[container.key] = value
            container.key = None
        container.size += size
        if container.size > MAX_VALUES:
            self.refuse(f"has more than {MAX_VALUES} values", mark)

    def key(self, event: Any, mark: Mark) -> None:
        """Takes the key of the next value."""
        container = self.open[-1]
        if not isinstance(event, yaml.ScalarEvent):
            self.refuse("a key must be text", mark)
        name = event.value
        if name == "<<" and event.implicit[0]:
            self.refuse("merge keys (<<) are not read: write the keys out", mark)
        if name in container.value:
            first = self.tree.marks[id(container.value)][name][0]
            path = (*self.path(), name)
            message = f"duplicate key {name!r}: lines {first} and {mark[0]} both map it"
            self.tree.problems.append((message, mark, path))
        container.key = name
        container.key_mark = mark

    def event(self, event: Any) -> None:
        mark = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.refuse("holds more than one document (---)", mark)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.close()
        elif isinstance(event, yaml.NodeEvent):
            tag = getattr(event, "tag", None)
            if tag is not None:
                self.refuse(f"the tag {tag} is not read", mark)
            container = self.open[-1] if self.open else None
            if container and isinstance(container.value, dict) and container.key is None:
                self.key(event, mark)
            else:
                self.value(event, mark)

    def value(self, event: Any, mark: Mark) -> None:
        if isinstance(event, yaml.AliasEvent):
            self.alias(str(event.anchor), mark)
        elif isinstance(event, yaml.ScalarEvent):
            value = _scalar(event.value) if event.implicit[0] else event.value
            if event.anchor:
                self.anchors[event.anchor] = (value, 1)
            self.add(value, mark)
        else:
            if len(self.open) >= MAX_DEPTH:
                self.refuse(f"is nested deeper than {MAX_DEPTH} levels", mark)
            made: dict[str, Any] | list[Any]
            made = {} if isinstance(event, yaml.MappingStartEvent) else []
            self.tree.marks[id(made)] = {}
            self.open.append(_Open(made, mark, event.anchor))

    def alias(self, name: str, mark: Mark) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            self.refuse(f"has more than {MAX_ALIASES} aliases", mark)
        if name not in self.anchors:
            self.refuse(f"the alias *{name} names nothing that has ended before it", mark)
        value, size = self.anchors[name]
        self.add(value, mark, size)

    def close(self) -> None:
        done = self.open.pop()
        if done.anchor:
            self.anchors[done.anchor] = (done.value, done.size)
        self.add(done.value, done.mark, done.size)


def _scalar(text: str) -> str | int | float | bool | None:
    """A plain scalar's value by YAML 1.2's core schema, without octal and hexadecimal."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def read_yaml(text: str) -> Tree:
    """Read one document. Problems are in the tree; after one that stops the reading the rest of
    the file is not looked at. An empty file is None."""
    reader = _Reader()
    try:
        for event in yaml.parse(text, _LOADER):
            reader.event(event)
    except _RefusedError:
        pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = " ".join(part for part in (error.context, error.problem) if part)
        reader.tree.problems.append((f"is not YAML: {said}", place, reader.path()))
    except yaml.YAMLError as error:
        reader.tree.problems.append((f"is not YAML: {error}".split("\n", 1)[0], (1, 1), ()))
    return reader.tree
