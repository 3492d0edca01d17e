"""Bodies of the type ``multipart/form-data`` (RFC 7578), taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.sandbox.wire import Request


class BadMultipartError(ValueError):
    """A body that is not the parts that its header speaks of."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; ``filename`` is None where it is none of a file."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: str = "text/plain"


def read_parts(request: Request) -> list[Part]:
    """The parts of a request, in order.

    Raises:
        BadMultipartError: there is no boundary, the end is missing, or a part has no name.
    """
    header = _header("Content-Type", request.headers.get("content-type", ""))
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise BadMultipartError("multipart/form-data with a boundary is expected")
    mark = b"--" + boundary.encode("utf-8", "replace")
    # The first delimiter may stand at the very beginning, all others begin with a line break.
    _, *pieces = (b"\r\n" + request.body).split(b"\r\n" + mark)
    if not pieces or not pieces[-1].startswith(b"--"):
        raise BadMultipartError("the last boundary is missing")
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> Part:
    start, found, rest = piece.partition(b"\r\n")
    if not found or start.strip(b" \t"):
        raise BadMultipartError("a boundary has no end of line")
    head, found, data = (b"\r\n" + rest).partition(b"\r\n\r\n")
    if not found:
        raise BadMultipartError("a part has no headers")
    fields = {}
    for line in head.decode("utf-8", "replace").split("\r\n")[1:]:
        title, _, value = line.partition(":")
        fields[title.strip().lower()] = value.strip()
    disposition = _header("Content-Disposition", fields.get("content-disposition", ""))
    name = disposition.get_param("name", header="Content-Disposition")
    if disposition.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise BadMultipartError("a part has no name")
    return Part(name, data, disposition.get_filename(), fields.get("content-type", "text/plain"))


def _header(name: str, value: str) -> Message:
    message = Message()
    message[name] = value.replace("\r", " ").replace("\n", " ")
    return message
