"""`${env:NAME}` in configuration, as a whole value or inside of one; `$${` stands for `${`."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACE = re.compile(r"\$\$\{|\$\{(?:env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<other>[^}]*)\}?)")


class MissingVariableError(LookupError):
    """An environment variable that a value names is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the environment variable {name} is not set")
        self.name = name


class Expanded(str):
    """A text that came out of `expand`, and what it was before."""

    __slots__ = ("template",)
    template: str

    def __new__(cls, value: str, template: str) -> Expanded:
        text = super().__new__(cls, value)
        text.template = template
        return text

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        # A copy that leaves the process is plain text.
        return str, (str(self),)


def names_in(text: str) -> Counter[str]:
    """The variables that `text` names, each with how often."""
    found = (match["name"] for match in _PLACE.finditer(text))
    return Counter(name for name in found if name is not None)


def expand(text: str, environment: Mapping[str, str]) -> str:
    """`text` with its variables put in.

    The result is an `Expanded` where anything was put in, else plain text.

    Raises:
        MissingVariableError: A variable is not set.
        ValueError: Something else than `env:NAME` stands between `${` and `}`.
    """
    if "${" not in text:
        return text

    def put_in(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name = match["name"]
        if name is None:
            raise ValueError(f"{match[0]!r} is not ${{env:NAME}}; for the characters write $${{")
        value = environment.get(name)
        if value is None:
            raise MissingVariableError(name)
        return value

    result = _PLACE.sub(put_in, text)
    return Expanded(result, text) if names_in(text) else result
