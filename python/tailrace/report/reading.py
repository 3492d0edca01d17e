"""Dataclasses from and to JSON. A document that lacks a field is an error, never a zero."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def parse(document: str | bytes | Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """The mapping that `document` is.

    Raises:
        ValueError: It is not JSON, or no object.
    """
    found = json.loads(document) if isinstance(document, (str, bytes)) else document
    if not isinstance(found, dict):
        raise ValueError(f"a {what} is an object, not {type(found).__name__}")
    return found


def take(kind: type[T], document: Any, what: str) -> T:
    """A flat dataclass of the members of `document` that have its fields' names.

    Members of a newer writer are passed over.

    Raises:
        ValueError: A field is missing.
    """
    if not isinstance(document, dict):
        raise ValueError(f"{what} is not an object")
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    missing = [name for name in names if name not in document]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}")
    return kind(**{name: document[name] for name in names})
