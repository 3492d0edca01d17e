"""How a REST API tells which fields an object has, and whose the login is, by declaration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from tailrace.connections.rest_endpoint import UrlPath, names_a_row
from tailrace.spec.values import Strict, Text

Takes = Literal["number", "whole_number", "yes_or_no", "date", "moment"]


def _plain(path: str) -> str:
    if names_a_row(path):
        raise ValueError("asks for no row, and holds no placeholder")
    return path


PlainPath = Annotated[UrlPath, AfterValidator(_plain)]


class RestDescribe(Strict):
    """How the fields of an object are asked for; members are dotted paths.

    `results`: the list of fields, of whose entries `name`, `type`, `writable` and `options` are
    members; or an object that has types by names. `takes`: what the API's words for types mean.
    `standard`: fields that are there whatever is listed. `makes`: a field is made by writing it.
    """

    path: PlainPath
    results: Text | None = None
    name: Text | None = None
    type: Text | None = None
    writable: Text | None = None
    options: Text | None = None
    takes: dict[Text, Takes] | None = None
    standard: tuple[Text, ...] | None = None
    makes: bool | None = None


class RestOwner(Strict):
    """Where the API says whose the login is: `id` is the member that names the account."""

    path: PlainPath
    id: Text
