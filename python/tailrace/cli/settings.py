"""What every command is told: how much to say, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.cli import streams

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Settings:
    """`level` is 0 for ordinary messages, above for more, below for errors alone."""

    level: int = 0
    json: bool = False
    debug: bool = False

    def note(self, text: str) -> None:
        """A message about what happens, on standard error."""
        if self.level >= 0:
            streams.write_err(text)

    def detail(self, text: str) -> None:
        """A message that is shown with -v only."""
        if self.level > 0:
            streams.write_err(text)

    def error(self, text: str) -> None:
        """What went wrong, always shown, on standard error."""
        streams.write_err(streams.visible_lines(text))

    def result(self, text: str, document: Mapping[str, object] | None = None) -> None:
        """What the command was asked for, on standard output: the document with --json."""
        if not self.json:
            if text:
                streams.write_out(text)
        elif document is not None:
            streams.write_json(document)

    def log_to_stderr(self) -> None:
        """Let the package's own loggers speak, with -v."""
        if self.level <= 0:
            return
        import logging

        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logger = logging.getLogger("tailrace")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if self.level > 1 else logging.INFO)
