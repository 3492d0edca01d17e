"""Standard output and standard error. A reader that went away never ends a run."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def prepare() -> None:
    """Give the process three standard streams that can be written to.

    A descriptor that was closed by the caller (`>&-`) is taken by /dev/null: the next file opened,
    such as the state store, would get its number and with it everything that is printed.
    """
    for number in range(3):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def write_out(text: str) -> None:
    """A line (or more) on standard output."""
    failure = _write(sys.stdout, text + "\n")
    if failure is not None and failure.errno != errno.EPIPE:
        write_err(f"standard output could not be written: {failure.strerror or failure}")


def write_err(text: str) -> None:
    """A line (or more) on standard error."""
    _write(sys.stderr, text + "\n")


def write_json(document: object) -> None:
    """The one JSON document of a command, on standard output."""
    import json

    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2)
    write_out(text)


def flush() -> None:
    """Write what is buffered, so that the interpreter has nothing to fail at when it ends."""
    _write(sys.stdout, "")
    _write(sys.stderr, "")


def _write(stream: TextIO, text: str) -> OSError | None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        _discard(stream)
        return error
    except ValueError:  # closed from within, as test harnesses do
        return None
    return None


def _discard(stream: TextIO) -> None:
    """Send all that follows nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at it; False for one that was closed."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def visible(text: str) -> str:
    """`text` on one line, with what a terminal would obey or hide written as an escape.

    Rows and replies come from elsewhere: they may neither forge a line nor move the cursor.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if unicodedata.category(character) not in _UNSEEN
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def visible_lines(text: str) -> str:
    """The same for a message of several lines."""
    return "\n".join(visible(line) for line in text.split("\n"))
