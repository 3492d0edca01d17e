"""What a tool calls the records and fields that a test calls otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KEY = "person_id"


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The tool's names of fields, and its form of keys."""

    match: str = KEY
    """The tool's name of the match field."""
    names: dict[str, str] = field(default_factory=dict)
    """The tool's names of other fields, where it has names of its own alone."""
    prefix: str = ""
    """Before the tool's names of the other fields; dotted, it is where they stand in a record."""
    address: str = ""
    """What makes an e-mail address of a key, where the match field has to be one."""
    gone: dict[str, Any] = field(default_factory=dict)
    """What a record says that was taken away, where the tool keeps it."""

    def field(self, name: str) -> str:
        """The tool's name of a field."""
        return self.match if name == KEY else self.prefix + self.names.get(name, name)

    def key_at_tool(self, key: str) -> str:
        """What the tool has as the match value of a key."""
        return key + self.address

    def key_of(self, match_value: str) -> str:
        """The key that a match value was made of."""
        return match_value.removesuffix(self.address)

    def match_value(self, column: Any) -> Any:
        """What is mapped to the match field: a column, or an address made of it. One that is blank
        stays so."""
        if not self.address or not isinstance(column, str):
            return column
        made = f"{column}::varchar || '{self.address}'"
        return {"sql": f"case when trim({column}::varchar) = '' then '' else {made} end"}

    def is_there(self, values: dict[str, Any]) -> bool:
        """Whether a record as the sandbox holds it was not taken away."""
        return not self.gone or any(values.get(name) != one for name, one in self.gone.items())

    def as_row(self, values: dict[str, Any]) -> dict[str, Any]:
        """A record as the sandbox holds it, by our names."""
        held = dict(values)
        if self.prefix:
            held.update(held.pop(self.prefix.rstrip("."), {}))
        ours = {self.match: KEY, **{tools: name for name, tools in self.names.items()}}
        row = {ours.get(name, name): one for name, one in held.items()}
        if self.address:
            row[KEY] = self.key_of(str(row[KEY]))
        return row
