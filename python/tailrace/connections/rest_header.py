"""Names of HTTP headers that a project may set."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}\Z")
_OWN_HEADERS = frozenset({"authorization", "connection", "content-length", "content-type", "host"})


def _header_name(name: str) -> str:
    if not _HEADER.match(name):
        raise ValueError(f"{name!r} is no name of a header")
    return name


def _free_header(name: str) -> str:
    if name.lower() in _OWN_HEADERS:
        raise ValueError(f"{name} is set by the connection itself")
    return _header_name(name)


HeaderName = Annotated[str, AfterValidator(_header_name)]
FreeHeaderName = Annotated[str, AfterValidator(_free_header)]
