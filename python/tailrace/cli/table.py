"""Text in columns, without a library: a warm run has no time for one."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from tailrace.cli.streams import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]], indent: int = 0) -> str:
    """Lines with aligned columns, numbers to the right. Every cell is made visible text."""
    raw = [list(row) for row in rows]
    texts = [[_cell(value) for value in row] for row in raw]
    widths = [
        max([width(title), *(width(row[at]) for row in texts)]) for at, title in enumerate(head)
    ]
    right = [
        bool(raw) and all(isinstance(row[at], (int, float)) or row[at] is None for row in raw)
        for at in range(len(head))
    ]
    lines = [list(head), *texts]
    return "\n".join(
        " " * indent
        + "  ".join(
            _pad(text, wide, to_right)
            for text, wide, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return visible(str(value))


def _pad(text: str, wide: int, to_right: bool) -> str:
    blank = " " * (wide - width(text))
    return blank + text if to_right else text + blank


def width(text: str) -> int:
    """Columns that a terminal gives to `text`."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def shortened(text: str, longest: int = 300) -> str:
    """`text`, cut where it is longer than a message may be."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
