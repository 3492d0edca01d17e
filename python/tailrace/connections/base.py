"""What all connections share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from tailrace.connections.address import checked_base_url
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
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


@dataclass(frozen=True)
class Wanted:
    """What a sync asks of its destination; `insert_safety` is None where that is left to it."""

    object: str
    mode: str = "upsert"
    on_removed: str = "ignore"
    insert_safety: str | None = None
    changed_fields: bool = False


@dataclass(frozen=True)
class Can:
    """What the sync core does for one object of a destination today.

    `safeties` are ways to be safe against an insert that may have happened; two of them need
    nothing of the destination. `changed_fields` says that a write leaves fields alone which it
    does not name.
    """

    modes: frozenset[str] = frozenset({"upsert", "mirror"})
    removals: frozenset[str] = frozenset({"ignore", "delete"})
    safeties: frozenset[str] = frozenset({"park", "duplicate_ok"})
    changed_fields: bool = False

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


class Destination(Connection, ABC):
    """A connection that rows are sent to.

    `account` names the state's owner where the login does not: state survives a new token then.
    `allow_private` lets requests go to addresses of a private network. `daily_calls` is how much
    of a day's calls may be used: `60%` of what the tool allows, by all who use the account, or a
    number of calls of our own. `timeout` is for a request as a whole, `idle_timeout` for its
    stretches without a byte.
    """

    base_url: BaseUrl
    account: Text | None = None
    max_in_flight: int | None = Field(default=None, ge=1, le=1024)
    daily_calls: DailyCalls | None = None
    timeout: Seconds | None = None
    idle_timeout: Seconds | None = None
    ca_file: Text | None = None
    proxy: Secret | None = None
    limits: tuple[RateLimit, ...] | None = None
    allow_private: bool = False

    @abstractmethod
    def auth_dict(self) -> dict[str, Any]:
        """The core's form of the credentials; texts are `Secret`s or public."""

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
            "base_url": self.base_url,
            "account": self.account,
            "public_login": self.public_login(),
            "auth": self.auth_dict(),
            "max_in_flight": self.max_in_flight,
            "timeout_s": self.timeout,
            "idle_timeout_s": self.idle_timeout,
            "ca_file": self.ca_file,
            "proxy": self.proxy,
            "headers": {},
            "daily_calls": self.daily_calls and self.daily_calls.to_dict(),
            "allow_private": self.allow_private,
            "limits": limits and [one.core_dict() for one in limits],
        }
