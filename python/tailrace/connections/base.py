"""What all connections share."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from tailrace.connections.address import checked_base_url
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Seconds, Strict, Text

BaseUrl = Annotated[str, AfterValidator(checked_base_url)]


class Connection(Strict):
    """A warehouse or a destination by its name in the project."""

    type: str


class Warehouse(Connection):
    """A connection that models are read from."""

    def source(self, directory: str) -> dict[str, Any]:
        """What `tailrace.warehouses` opens: `kind` and its settings, which may hold `Secret`s.
        `directory` is the project's, for relative paths."""
        raise NotImplementedError


class RateLimit(Strict):
    """So many requests in so much time, over all runs of the account."""

    requests: int = Field(ge=1)
    per: Seconds


class Destination(Connection):
    """A connection that rows are sent to.

    `modes` and `removals` are what the sync core does for this type today. `account` names the
    state's owner where the login does not: state survives a new token then. `allow_private` lets
    requests go to addresses of a private network.
    """

    modes: ClassVar[frozenset[str]] = frozenset({"upsert", "mirror"})
    removals: ClassVar[frozenset[str]] = frozenset({"ignore", "delete"})
    not_offered: ClassVar[frozenset[str]] = frozenset({"daily_calls"})

    base_url: BaseUrl
    account: Text | None = None
    max_in_flight: int | None = Field(default=None, ge=1, le=1024)
    timeout: Seconds | None = None
    ca_file: Text | None = None
    proxy: Secret | None = None
    limits: tuple[RateLimit, ...] | None = None
    allow_private: bool = False

    def auth_dict(self) -> dict[str, Any]:
        """The core's form of the credentials; texts are `Secret`s or public."""
        raise NotImplementedError

    def public_login(self) -> str | None:
        """The part of the login that may be known, such as a user name; None for no such part."""
        return None

    def object_dict(self, name: str) -> dict[str, Any]:
        """The core's form of an object that `refusals` has let through."""
        return {"name": name}

    def refusals(self, name: str, mode: str, on_removed: str) -> Iterator[tuple[Path, str]]:  # noqa: ARG002
        """What this destination cannot do of what a sync asks: (path in the sync, message)."""
        if mode not in self.modes:
            yield ("mode",), self._not_offered(f"mode: {mode}", self.modes)
        if on_removed not in self.removals:
            yield ("on_removed",), self._not_offered(f"on_removed: {on_removed}", self.removals)

    def _not_offered(self, what: str, offered: frozenset[str]) -> str:
        names = ", ".join(sorted(offered))
        return f"{what} is not offered by destination {self.type} in this version; it does {names}"

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
            "ca_file": self.ca_file,
            "proxy": self.proxy,
            "headers": {},
            "daily_calls": None,
            "allow_private": self.allow_private,
            "limits": limits and [{"requests": one.requests, "per_s": one.per} for one in limits],
        }
