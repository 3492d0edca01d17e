"""A sync as its file says it: one model to one object of one destination."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from tailrace.nearest import hint
from tailrace.spec.associate import Associate  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.limits import Guards, Rejected, Tolerate
from tailrace.spec.mapping import FieldSpec, ModelSpec, field_of, model_of
from tailrace.spec.values import Name, OneOrMore, Seconds, Strict, Text

Mode = Literal["upsert", "update", "insert", "append", "mirror"]
OnRemoved = Literal["ignore", "delete", "archive", "clear"]
InsertSafety = Literal["idempotency_key", "read_back", "park", "duplicate_ok"]

# Modes that make records, and write to none that is there.
CREATING = ("insert", "append")


class Sync(Strict):
    """One sync. Whether a destination can do what it asks is judged where that is known."""

    not_offered: ClassVar[frozenset[str]] = frozenset({"require"})

    name: Name
    was: OneOrMore = ()
    description: str | None = None
    tags: OneOrMore = ()
    source: Text
    model: Annotated[ModelSpec, BeforeValidator(model_of)]
    key: OneOrMore | None = None
    destination: Text
    object: Text
    match: Text
    mode: Mode = "upsert"
    on_missing: Literal["skip", "reject"] | None = None
    on_removed: OnRemoved | None = None
    backfill: Literal["send", "skip"] = "send"
    insert_safety: InsertSafety | None = None
    after: OneOrMore = ()
    resync_every: Seconds | None = None
    send: Literal["row", "changed_fields"] = "row"
    create_fields: bool = False
    row_log: bool = False
    fields: dict[Text, Annotated[FieldSpec, BeforeValidator(field_of)]] = Field(min_length=1)
    associate: Associate | None = None
    guards: Guards = Guards()
    tolerate: Tolerate = Tolerate()
    rejected: Rejected = Rejected()

    @property
    def effective_mode(self) -> str:
        """The mode of the run spec: mirror is upsert and the deletion of removed rows."""
        return "upsert" if self.mode == "mirror" else self.mode

    @property
    def effective_on_removed(self) -> str:
        """What happens to removed rows."""
        if self.on_removed is not None:
            return self.on_removed
        return "delete" if self.mode == "mirror" else "ignore"

    @property
    def effective_on_missing(self) -> str:
        """What happens to a row whose record is not in the tool, under mode update."""
        return self.on_missing or "skip"

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """Values that do not go together."""
        yield from self._of_the_mode()
        if self.mode in CREATING:
            yield from self._of_creating()
        if self.key is not None and len(set(self.key)) != len(self.key):
            yield ("key",), "names a column twice"
        for key, names in (("after", self.after), ("was", self.was)):
            if self.name in names:
                yield (key,), f"names the sync itself, {self.name!r}"
            elif len(set(names)) != len(names):
                yield (key,), "names a sync twice"
        yield from self._of_the_match()
        if self.associate is not None and self.associate.name in self.fields:
            yield ("fields", self.associate.name), "is the name that `associate` has in reports"
        for name in self.guards.max_null_jump:
            if name not in self.fields:
                message = f"{name!r} is not among the fields{hint(name, self.fields)}"
                yield ("guards", "max_null_jump", name), message

    def _of_the_mode(self) -> Iterator[tuple[Path, str]]:
        if self.mode == "mirror" and self.on_removed not in (None, "delete"):
            yield (
                ("on_removed",),
                "contradicts mode: mirror, which deletes removed rows; to keep them: mode: upsert",
            )
        if self.on_missing is not None and self.mode != "update":
            yield (
                ("on_missing",),
                (
                    f"is for mode: update alone: with mode: {self.mode} no record is missing, "
                    "since the run makes it"
                ),
            )
        if self.insert_safety is not None and self.mode not in CREATING:
            yield (
                ("insert_safety",),
                (
                    f"is for mode: insert and append: mode: {self.mode} may write a record twice "
                    "without harm"
                ),
            )

    def _of_creating(self) -> Iterator[tuple[Path, str]]:
        """What modes that only make records cannot have."""
        if self.on_removed not in (None, "ignore"):
            yield (
                ("on_removed",),
                f"contradicts mode: {self.mode}, which does not know the records it made",
            )
        if self.resync_every is not None:
            yield (
                ("resync_every",),
                f"contradicts mode: {self.mode}, which would make every record again",
            )
        if self.mode == "append" and self.insert_safety == "read_back":
            yield (
                ("insert_safety",),
                (
                    "read_back contradicts mode: append: versions of one record have one match "
                    "value, so that none can be told from another"
                ),
            )
        if self.send == "changed_fields":
            yield (
                ("send",),
                f"contradicts mode: {self.mode}: a new record has all of its fields; send: row",
            )

    def _of_the_match(self) -> Iterator[tuple[Path, str]]:
        field = self.fields.get(self.match)
        if field is None:
            end = hint(self.match, self.fields)
            yield ("match",), f"the match field {self.match!r} is not among the fields{end}"
        elif field.value is not None:
            yield (
                ("fields", self.match),
                "the match field is a constant, so that every row would be the same record",
            )
        elif field.sql is not None and self.key is None:
            yield (
                ("match",),
                "comes from an SQL expression, so that `key` must name the key columns",
            )
