"""A function of the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr

from tailrace.connections.base import Can, Destination, Wanted
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Name, Text  # noqa: TC001

if TYPE_CHECKING:
    from tailrace.functions import Function

_OBJECT = re.compile(r"[A-Za-z0-9_.:-]{1,100}\Z")


class PythonConnection(Destination):
    """`function` is `module:function`, or `folder/file.py:function` of the project. `options` are
    what it gets with each batch. `max_in_flight`: batches that it works on at once, 1 where left
    out."""

    type: Literal["python"]
    function: Text
    options: dict[Name, Secret] = Field(default_factory=dict)

    _found: Function[Any] | None = PrivateAttr(default=None)

    def locate(self, directory: str) -> list[str]:
        """Find the function, so that it can be asked what it does; the files that it stands in.

        Raises:
            ValueError: There is none, or it is no destination.
        """
        from tailrace.functions.function import find

        self._found = find(self.function, directory)
        return [] if self._found.file is None else [str(self._found.file)]

    def object_dict(self, name: str) -> dict[str, Any]:
        """With what the function can do."""
        found = self._function()
        told: dict[str, Any] = {
            "name": name,
            "operations": list(found.operations),
            "batch_rows": found.batch_rows,
        }
        if found.idempotency_s is not None:
            told["idempotency_ttl_s"] = found.idempotency_s
        return told

    def can(self, name: str) -> Can:  # noqa: ARG002
        """What its operations amount to."""
        found = self._function()
        does = set(found.operations)
        modes = {name for name in ("upsert", "update", "insert") if name in does}
        modes |= {"append"} if "insert" in does else set()
        modes |= {"mirror"} if {"upsert", "delete"} <= does else set()
        keyed = {"idempotency_key"} if found.idempotency_s is not None else set()
        return Can(
            modes=frozenset(modes),
            removals=frozenset({"ignore", *(does & {"delete", "archive", "clear"})}),
            safeties=Can.safeties | keyed,
            changed_fields=True,
        )

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Objects are the function's own affair, as long as they are names."""
        yield from self.can(wanted.object).refusals(wanted, f"the function {self.function}")
        if not _OBJECT.match(wanted.object):
            yield ("object",), f"{wanted.object!r} is not the name of an object"

    def core_dict(self, name: str) -> dict[str, Any]:
        """With what the function is called with, which the core does not get."""
        return {
            **super().core_dict(name),
            "type": "function",
            # Never contacted: it is what requests in a trace have for an address.
            "base_url": "http://localhost",
            "account": self.account or f"python:{self.function}",
            "function": self.function,
            "options": dict(self.options),
        }

    def _function(self) -> Function[Any]:
        if self._found is None:
            raise RuntimeError("the function was not looked for")
        return self._found
