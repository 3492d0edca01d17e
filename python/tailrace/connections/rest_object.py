"""One kind of record of a REST API, declared by the project. The core reads the same members."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from tailrace.connections.base import Can
from tailrace.connections.rest_answers import (  # noqa: TC001  (pydantic reads the annotations)
    CodeMeanings,
    CodePaths,
    RestSuccess,
)
from tailrace.connections.rest_endpoint import (
    Codes,
    RestInsert,
    RestRemoval,
    RestShape,
    RestUpdate,
    Statuses,
    holds_one_row,
    names_a_row,
    needs_id,
)
from tailrace.connections.rest_header import HeaderName  # noqa: TC001  (pydantic too)
from tailrace.connections.rest_knowing import RestDescribe  # noqa: TC001
from tailrace.connections.rest_reading import RestFind, RestRead  # noqa: TC001
from tailrace.spec.values import OneOrMore, Seconds, Strict

_SHAPE = tuple(RestShape.model_fields)
_OPERATIONS = ("update", "insert", "delete", "archive", "clear")


class RestIdempotency(Strict):
    """A header under which the API takes a request once, however often it comes. `busy`: what says
    that the first one is still being worked on."""

    header: HeaderName = "Idempotency-Key"
    ttl: Seconds
    busy: Codes | None = None


class RestObject(RestShape):
    """What is sent for upsert stands here, the other operations under their names: one that is not
    declared is not offered. `match`: the fields that may identify a record; left out: any."""

    match: OneOrMore | None = None
    find: RestFind | None = None
    update: RestUpdate | None = None
    insert: RestInsert | None = None
    delete: RestRemoval | None = None
    archive: RestRemoval | None = None
    clear: RestUpdate | None = None
    read: RestRead | None = None
    describe: RestDescribe | None = None
    idempotency: RestIdempotency | None = None
    idempotent: bool | None = None
    partial: bool | None = None
    batch_bytes: int | None = Field(default=None, ge=1, le=8 << 20)
    row_bytes: int | None = Field(default=None, ge=1, le=8 << 20)
    encode: Literal["json", "form"] | None = None
    numbers: Literal["number", "string", "safe_number"] | None = None
    clear_as: Literal["json_null", "empty_text"] | None = None
    answer: Literal["plausible", "json", "any"] | None = None
    success: RestSuccess | None = None
    code: CodePaths | None = None
    codes: CodeMeanings | None = None
    statuses: Statuses | None = None

    @model_validator(mode="after")
    def _something_is_sent(self) -> RestObject:
        written = [self.update, self.insert, self.delete, self.archive, self.clear]
        if self.path is None:
            lonely = [name for name in _SHAPE if getattr(self, name) is not None]
            if lonely:
                raise ValueError(f"`{lonely[0]}` goes with a path, and there is none")
            if not any(written):
                raise ValueError("needs `path`, or an operation such as update or insert")
            for name in ("update", "insert", "clear"):
                operation = getattr(self, name)
                lent = name == "clear" and self.update is not None
                if operation is not None and operation.path is None and not lent:
                    raise ValueError(f"`{name}` needs a path: the object has none of its own")
        return self

    @model_validator(mode="after")
    def _ids_are_found(self) -> RestObject:
        named = {
            "upsert": self.path,
            **{name: getattr(getattr(self, name), "path", None) for name in _OPERATIONS},
        }
        by_id = [name for name, path in named.items() if needs_id(path)]
        if by_id and self.find is None:
            raise ValueError(f"`{by_id[0]}` has {{id}} in its path: `find` says how it is found")
        if "insert" in by_id:
            raise ValueError("`insert`: a record that is to be made has no {id} yet")
        makes = self.insert is not None and (self.insert.batch_rows or 1) == 1
        if "upsert" in by_id and not makes:
            raise ValueError("an upsert by {id} needs `insert`, of one row a request")
        return self

    @model_validator(mode="after")
    def _answers_fit(self) -> RestObject:
        if self.codes is not None and self.code is None:
            raise ValueError("`codes` needs `code`: where an answer has it")
        if self.encode == "form":
            written = [self if self.path else None, self.update, self.insert, self.clear]
            several = [one for one in written if one is not None and not self._takes_one(one)]
            if several:
                raise ValueError("encode: form takes one row a request: `body: object`")
        return self

    def _takes_one(self, shape: RestShape) -> bool:
        body = shape.body if shape.body is not None or shape.path else self.body
        return holds_one_row(body) or (body is None and names_a_row(shape.path or self.path))

    def can(self) -> Can:
        """What its operations amount to."""
        removals = [name for name in ("delete", "archive", "clear") if getattr(self, name)]
        modes = {
            "upsert": self.path is not None,
            "mirror": self.path is not None and self.delete is not None,
            "update": self.update is not None,
            "insert": self.insert is not None,
            "append": self.insert is not None,
        }
        safeties = {
            "idempotency_key": self.idempotency is not None,
            "read_back": self._finds_at_once(),
        }
        return Can(
            modes=frozenset(mode for mode, offered in modes.items() if offered),
            removals=frozenset({"ignore", *removals}),
            safeties=Can.safeties | {name for name, offered in safeties.items() if offered},
            changed_fields=not self._replaces() if self.partial is None else self.partial,
            creates_fields=self.describe is not None and self.describe.makes is True,
            match=None if self.match is None else frozenset(self.match),
        )

    def _finds_at_once(self) -> bool:
        """Whether a record is found as soon as it was made."""
        return self.read is not None and self.read.path is not None and not self.read.lags

    def _replaces(self) -> bool:
        """PUT puts a record in the place of what was there."""
        return any(one is not None and one.method == "PUT" for one in (self, self.update))

    def core_dict(self, name: str) -> dict[str, Any]:
        """The core's form."""
        told: dict[str, Any] = self.model_dump(
            mode="json", exclude_none=True, exclude={"match"}, by_alias=True
        )
        if self.read is not None:
            told["read"] = self.read.core_dict()
        if self.idempotency is not None:
            told["idempotency"]["ttl_s"] = told["idempotency"].pop("ttl")
        return {**told, "name": name}
