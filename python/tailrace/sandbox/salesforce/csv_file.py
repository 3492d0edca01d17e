"""The files of Bulk API 2.0: rows as they are sent, and result sets as they are told."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.wire import Document

if TYPE_CHECKING:
    from collections.abc import Mapping

DELIMITERS: Mapping[str, str] = {
    "COMMA": ",",
    "TAB": "\t",
    "PIPE": "|",
    "SEMICOLON": ";",
    "CARET": "^",
    "BACKQUOTE": "`",
}
LINE_ENDINGS: Mapping[str, str] = {"LF": "\n", "CRLF": "\r\n"}


class BadFileError(ValueError):
    """A file that is worth nothing as a whole; the message is the job's."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the lines and cells of a job's files are parted: names of the two tables above."""

    line_ending: str = "LF"
    delimiter: str = "COMMA"


@dataclass(slots=True)
class Table(Document):
    """A header and rows. Every cell is quoted when it is told."""

    header: list[str]
    rows: list[list[str]]
    form: Form

    def payload(self) -> bytes:
        target = io.StringIO()
        writer = csv.writer(
            target,
            delimiter=DELIMITERS[self.form.delimiter],
            lineterminator=LINE_ENDINGS[self.form.line_ending],
            quoting=csv.QUOTE_ALL,
        )
        writer.writerow(self.header)
        writer.writerows(self.rows)
        return target.getvalue().encode("utf-8")


def read_table(data: bytes, form: Form) -> Table:
    """The header and the rows of an uploaded file; empty lines are no rows.

    Raises:
        BadFileError: it is no UTF-8, its lines end otherwise than the job says, it is no CSV, or a
            row has more or fewer cells than the header.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadFileError("InvalidBatch : The file is not encoded in UTF-8") from None
    _check_line_ending(text, form)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=DELIMITERS[form.delimiter], strict=True
    )
    try:
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise BadFileError(f"ClientInputError : Failed to parse CSV: {error}") from None
    if not lines:
        raise BadFileError("InvalidBatch : The file has no header")
    header, *rows = lines
    if len(header) > facts.MAX_COLUMNS:
        raise BadFileError(f"InvalidBatch : A record has at most {facts.MAX_COLUMNS} fields")
    for at, row in enumerate(rows, 2):
        if len(row) != len(header):
            message = f"Row {at} has {len(row)} cells, the header has {len(header)}"
            raise BadFileError(f"ClientInputError : Failed to parse CSV: {message}")
    return Table(header, rows, form)


def _check_line_ending(text: str, form: Form) -> None:
    """By the end of the header, which is the first line that ends outside quotes."""
    quoted = False
    for at, one in enumerate(text):
        if one == '"':
            quoted = not quoted
        elif one == "\n" and not quoted:
            found = "CRLF" if text[at - 1 : at] == "\r" else "LF"
            if found != form.line_ending:
                message = "LineEnding is invalid on user data. Current LineEnding setting is"
                raise BadFileError(f"ClientInputError : {message} {form.line_ending}")
            return
