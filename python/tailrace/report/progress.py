"""How far a run is, for progress bars and log lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.report.reading import parse, take

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Progress:
    """`phase` is read, diff, send, settle or done; `planned` is 0 until the diff has ended."""

    phase: str
    scanned: int
    planned: int
    accepted: int
    rejected: int
    unknown: int
    requests: int
    seconds: float

    @classmethod
    def from_json(cls, document: str | bytes | Mapping[str, Any]) -> Progress:
        """Raises ValueError where a member is missing."""
        return take(cls, parse(document, "progress"), "progress")
