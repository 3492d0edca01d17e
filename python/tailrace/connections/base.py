"""What all connections share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from tailrace.connections.address import checked_base_url
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.associate import Associate  # noqa: TC001
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Amount, Seconds, Strict, Text

BaseUrl = Annotated[str, AfterValidator(checked_base_url)]


class Connection(Strict):
    """A warehouse or a destination by its name in the project."""

    type: str


class Warehouse(Connection):
    """A connection that models are read from."""


class OwnWarehouse(Warehouse, ABC):
    """A warehouse whose settings stand in the project, and not in another tool's file."""

    @abstractmethod
    def source(self, directory: str) -> dict[str, Any]:
        """What `tailrace.warehouses` opens: `kind` and its settings, which may hold `Secret`s.
        `directory` is the project's, for relative paths."""


class RateLimit(Strict):
    """So many requests in so much time, over all runs of the account, or so many of one run at
    once (`concurrent`)."""

    requests: int | None = Field(default=None, ge=1)
    per: Seconds | None = None
    concurrent: int | None = Field(default=None, ge=1, le=1024)

    @model_validator(mode="after")
    def _whole(self) -> RateLimit:
        if (self.requests is None) != (self.per is None):
            raise ValueError("requests and per go together, as in {requests: 100, per: 10s}")
        if self.requests is None and self.concurrent is None:
            raise ValueError("needs requests and per, or concurrent")
        return self

    def core_dict(self) -> dict[str, Any]:
        """The form of the run spec."""
        pairs = {"requests": self.requests, "per_s": self.per, "concurrent": self.concurrent}
        return {name: value for name, value in pairs.items() if value is not None}


def _some_calls(amount: Amount) -> Amount:
    if amount.value <= 0:
        raise ValueError("must be above 0: a run without calls sends nothing")
    return amount


DailyCalls = Annotated[Amount, AfterValidator(_some_calls)]


# Who links records by `associate`.
LINKING = "hubspot and zendesk (users)"


@dataclass(frozen=True)
class Wanted:
    """What a sync asks of its destination; `insert_safety` is None where that is left to it."""

    object: str
    mode: str = "upsert"
    on_removed: str = "ignore"
    insert_safety: str | None = None
    changed_fields: bool = False
    create_fields: bool = False
    match: str | None = None
    associate: Associate | None = None
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Can:
    """What the sync core does for one object of a destination today.

    `safeties` are ways to be safe against an insert that may have happened; two of them need
    nothing of the destination. `changed_fields` says that a write leaves fields alone which it
    does not name, `creates_fields` that fields which are missing can be made. `match` are the
    fields that may identify a record; None: any. `associates` says that
    records can be linked to others by `associate`, `members` that nothing of a record is written:
    rows say which are on a list, or have a tag.
    """

    modes: frozenset[str] = frozenset({"upsert", "mirror"})
    removals: frozenset[str] = frozenset({"ignore", "delete"})
    safeties: frozenset[str] = frozenset({"park", "duplicate_ok"})
    changed_fields: bool = False
    creates_fields: bool = False
    match: frozenset[str] | None = None
    associates: bool = False
    members: bool = False

    def refusals(self, wanted: Wanted, who: str) -> Iterator[tuple[Path, str]]:
        """Of what is wanted that which cannot be done: (path in the sync, message)."""
        asked: tuple[tuple[str, str | None, frozenset[str]], ...] = (
            ("mode", wanted.mode, self.modes),
            ("on_removed", wanted.on_removed, self.removals),
            ("insert_safety", wanted.insert_safety, self.safeties),
        )
        for key, word, offered in asked:
            if key == "on_removed" and wanted.mode == "mirror":
                continue  # said by the mode
            if word is not None and word not in offered:
                names = ", ".join(sorted(offered))
                yield (key,), f"{key}: {word} is not offered by {who}; it does {names}"
        if wanted.changed_fields and not self.changed_fields:
            message = f"send: changed_fields is not offered by {who}, which writes whole records"
            yield ("send",), message
        if wanted.create_fields and not self.creates_fields:
            message = f"create_fields is not offered by {who} for {wanted.object!r}"
            yield ("create_fields",), f"{message}: make the fields in the tool itself"
        if self.match is not None and wanted.match is not None and wanted.match not in self.match:
            names = ", ".join(sorted(self.match))
            yield ("match",), f"match: {wanted.match} is not taken by {who}; it takes {names}"
        if wanted.associate is not None and not self.associates:
            yield ("associate",), f"associate is not offered by {who}; {LINKING} do it"
        others = wanted.fields - {wanted.match or ""} if self.members else frozenset()
        for field in sorted(others):
            message = f"nothing of the records of {wanted.object!r} is written, they are named by"
            yield ("fields", field), f"{message} {wanted.match} alone"


class Reaching(Connection):
    """How a tool is reached, whatever tool it is.

    `account` names the state's owner where the login does not: state survives a new token then.
    `timeout` is for a request as a whole.
    """

    account: Text | None = None
    max_in_flight: int | None = Field(default=None, ge=1, le=1024)
    timeout: Seconds | None = None
    limits: tuple[RateLimit, ...] | None = None


class HttpReaching(Reaching):
    """How an HTTP API is reached, whatever API it is.

    `allow_private` lets requests go to addresses of a private network. `daily_calls` is how much
    of a day's calls may be used: `60%` of what the tool allows, by all who use the account, or a
    number of calls of our own. `idle_timeout` is for a request's stretches without a byte.
    """

    daily_calls: DailyCalls | None = None
    idle_timeout: Seconds | None = None
    ca_file: Text | None = None
    proxy: Secret | None = None
    allow_private: bool = False


class Destination(Reaching, ABC):
    """A connection that rows are sent to."""

    def public_login(self) -> str | None:
        """The part of the login that may be known, such as a user name; None for no such part."""
        return None

    def object_dict(self, name: str) -> dict[str, Any]:
        """The core's form of an object that `refusals` has let through."""
        return {"name": name}

    def can(self, name: str) -> Can:  # noqa: ARG002
        """What may be asked for with an object."""
        return Can()

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """What this destination cannot do of what a sync asks: (path in the sync, message)."""
        who = f"destination {self.type} in this version"
        yield from self.can(wanted.object).refusals(wanted, who)

    def core_dict(self, name: str) -> dict[str, Any]:
        """The connection as the run spec has it, before `resolving.resolve`."""
        limits = self.limits
        return {
            "name": name,
            "type": self.type,
            "base_url": "",
            "account": self.account,
            "public_login": self.public_login(),
            "auth": {},
            "max_in_flight": self.max_in_flight,
            "timeout_s": self.timeout,
            "ca_file": None,
            "proxy": None,
            "headers": {},
            "limits": limits and [one.core_dict() for one in limits],
        }


class HttpDestination(HttpReaching, Destination):
    """A destination behind an HTTP API."""

    base_url: BaseUrl

    @abstractmethod
    def auth_dict(self) -> dict[str, Any]:
        """The core's form of the credentials; texts are `Secret`s or public."""

    def core_dict(self, name: str) -> dict[str, Any]:
        """With what belongs to HTTP."""
        own = {
            "base_url": self.base_url,
            "auth": self.auth_dict(),
            "idle_timeout_s": self.idle_timeout,
            "ca_file": self.ca_file,
            "proxy": self.proxy,
            "daily_calls": self.daily_calls and self.daily_calls.to_dict(),
            "allow_private": self.allow_private,
        }
        return {**super().core_dict(name), **own}
