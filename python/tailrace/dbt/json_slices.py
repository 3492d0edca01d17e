"""Members of a large JSON object, one at a time, without the whole of it in memory."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_STRING + rb"|[{}\[\]]", re.DOTALL)
_KEY = re.compile(rb"[\s,]*(" + _STRING + rb")\s*:\s*", re.DOTALL)
_END = re.compile(rb"[\s,]*\}")
_ATOM = re.compile(rb"[^\s,}\]]+")
_OPENING = (b"{", b"[")

Span = tuple[int, int]


def members(buffer: mmap | bytes, start: int) -> Iterator[tuple[str, Span]]:
    """Names of the object that begins at `start`, each with where its value begins and ends.

    Raises:
        ValueError: It is no object, or it is cut off.
    """
    if buffer[start : start + 1] != b"{":
        raise ValueError(f"no object at byte {start}")
    position = start + 1
    while not _END.match(buffer, position):
        key = _KEY.match(buffer, position)
        if key is None:
            raise ValueError(f"a member was to come at byte {position}")
        end = _value_end(buffer, key.end())
        yield json.loads(key[1]), (key.end(), end)
        position = end


def load(buffer: mmap | bytes, span: Span) -> Any:
    """The value at `span`. Raises ValueError where it is not JSON."""
    return json.loads(buffer[span[0] : span[1]])


def _value_end(buffer: mmap | bytes, start: int) -> int:
    first = buffer[start : start + 1]
    if first == b'"' or first in _OPENING:
        depth = 0
        for token in _TOKEN.finditer(buffer, start):
            # Not token[0]: a string of many megabytes would be copied to look at its first byte.
            kind = buffer[token.start() : token.start() + 1]
            if kind in _OPENING:
                depth += 1
            elif kind in (b"}", b"]"):
                depth -= 1
            if depth == 0:
                return token.end()
    else:
        atom = _ATOM.match(buffer, start)
        if atom is not None:
            return atom.end()
    raise ValueError(f"the value at byte {start} has no end")
