"""A configuration file as plain values, each with its line and column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tailrace.errors import ConfigError, Problem
from tailrace.spec.yaml_events import Mark, read_yaml

Path = tuple[str | int, ...]

MAX_BYTES = 1 << 20


def dotted(path: Path) -> str:
    """`("fields", "Email")` as `fields.Email`; indexes of lists in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


@dataclass(frozen=True)
class Document:
    """Values of one file. `file` is the name for messages; `marks` is empty where lines mean
    nothing (a manifest, a Python mapping): then `line` stands for all of them."""

    file: str
    root: Any
    marks: dict[int, dict[str | int, Mark]] = field(default_factory=dict)
    line: int | None = None

    def place(self, path: Path) -> tuple[int | None, int | None]:
        """Line and column of the key (in a list: the item) at `path`, or of what encloses it."""
        line, column = self.line, None
        value = self.root
        for part in path:
            mark = self.marks.get(id(value), {}).get(part)
            if mark is not None:
                line, column = mark
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                break
        return line, column

    def section(self, *path: str | int) -> Section:
        """The part at `path`, which must be there."""
        value = self.root
        for part in path:
            value = value[part]
        return Section(self, path, value)


@dataclass(frozen=True)
class Section:
    """A part of a document, knowing where it stands. `value` may differ from the document's own
    where defaults or variables were put in; its shape may only grow."""

    document: Document
    path: Path
    value: Any

    def problem(self, message: str, *path: str | int) -> Problem:
        """A problem of the value at `path` within this section."""
        whole = self.path + path
        line, column = self.document.place(whole)
        if line is None and self.document.marks:
            line, column = 1, 1
        return Problem(message, self.document.file, line, column, dotted(whole) or None)

    def error(self, message: str, *path: str | int) -> ConfigError:
        """The same as an error of its own."""
        return ConfigError.of([self.problem(message, *path)])

    def where(self, *path: str | int) -> str:
        """`syncs/a.yml:3`, to be named in a message about another place."""
        problem = self.problem("", *path)
        return f"{problem.file}:{problem.line}" if problem.line else str(problem.file)

    def child(self, *path: str | int) -> Section:
        """The part at `path` within this section."""
        value = self.value
        for part in path:
            value = value[part]
        return Section(self.document, self.path + path, value)


def read_document(content: bytes, file: str) -> Document:
    """Parse YAML by the rules of `yaml_events`.

    Raises:
        ConfigError: Not readable; all duplicate keys are named together.
    """
    if len(content) > MAX_BYTES:
        raise ConfigError.of([Problem(f"is larger than {MAX_BYTES} bytes", file, 1, 1)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError.of([Problem("is not UTF-8", file, line, 1)]) from None
    tree = read_yaml(text)
    if tree.problems:
        raise ConfigError.of(
            Problem(message, file, *mark, key=dotted(path) or None)
            for message, mark, path in tree.problems
        )
    return Document(file, tree.root, tree.marks)
