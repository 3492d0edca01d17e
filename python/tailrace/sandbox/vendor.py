"""What a vendor of the sandbox is: the four steps that ``server.py`` takes each request through.

1. ``principal``: who is calling, or the vendor's refusal;
2. ``admit``: the rate limit, as headers for the answer or as a refusal;
3. ``read``: what the request asks for, with the key of each row, and nothing changed yet;
4. ``apply``: do it.

Between 3 and 4 a fault may be injected, which is why reading and doing are apart. All four are
plain functions on the event loop's thread, so a request is atomic.

A new vendor is a folder and a line in ``registry.py``. It brings its facts, what its rows have to
be and the words of its refusals; what all of them need stands beside this file: logins (``auth``,
``oauth``), budgets of requests (``limits``), records with unique values (``records``), which
handler a request line is for (``routes``), jobs that take their time (``jobs``), and reading its
part of the configuration (``config``). Faults, the log, ``/__state`` and the page come by
themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.sandbox.config import ConfigError, is_count, known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.records import Collection
    from tailrace.sandbox.wire import Json, Reply, Request


@dataclass(slots=True)
class Call:
    """A request that was understood.

    ``keys`` name the rows in the order in which they were sent. ``refuse`` holds the positions of
    rows that an injected fault wants refused, each with a message, and ``refuse_code`` the code for
    them where the rule names one; ``job`` is the fault that the job meets which the request queues,
    and ``job_options`` what the rule says of it. ``apply`` counts what it did in ``applied`` and
    ``rejected``.
    """

    op: str
    object: str
    keys: list[str]
    run: Callable[[Call], Reply]
    refuse: Mapping[int, str] = field(default_factory=dict)
    refuse_code: str = ""
    job: str = ""
    job_options: Mapping[str, Any] = field(default_factory=dict)
    applied: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a vendor is made from: its part of the configuration, and what all of them share."""

    options: Mapping[str, Any]
    seed: int
    clock: Clock
    """Seconds, monotonic: for limits."""
    wall_ms: Callable[[], int]
    """Milliseconds since 1970: for the records' times."""


class Vendor(ABC):
    """One business tool. A subclass has a folder of its own; ``registry.py`` lists it."""

    name: ClassVar[str]
    OPTIONS: ClassVar[frozenset[str]]
    """The names that this vendor's part of the configuration may have."""
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none"})
    """The limits that have a name, such as a tier's."""

    max_body_bytes: int = 4 * 1024 * 1024

    def __init__(self, setting: Setting) -> None:
        known(setting.options, self.OPTIONS, f"vendors.{self.name}")
        self.seed = setting.seed
        self.clock = setting.clock
        self.wall_ms = setting.wall_ms
        self.running: dict[int, float] = {}
        """The requests that were admitted and are under way, with the moment when."""
        size = setting.options.get("max_body_bytes", self.max_body_bytes)
        if not is_count(size):
            raise ConfigError(f"vendors.{self.name}: max_body_bytes is a number of bytes")
        self.max_body_bytes = size

    @abstractmethod
    def serves(self, path: str) -> bool:
        """Whether this path (undecoded, without query) is the vendor's."""

    @abstractmethod
    def principal(self, request: Request) -> str:
        """Who calls.

        Raises:
            RefusalError: nobody that this vendor knows.
        """

    @abstractmethod
    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:
        """Take one request from the budget; the answer's rate headers.

        Raises:
            RefusalError: the budget is spent.
        """

    def occupies(self, principal: str) -> bool:  # noqa: ARG002
        """Whether a caller's requests count among those under way that ``running`` tells of."""
        return True

    @abstractmethod
    def read(self, request: Request) -> Call:
        """What is asked.

        Raises:
            RefusalError: the request as a whole cannot be meant.
        """

    def body_most(self, path: str) -> int:  # noqa: ARG002
        """How many bytes a request to this path may have."""
        return self.max_body_bytes

    def apply(self, call: Call) -> Reply:
        """Do it.

        Raises:
            RefusalError: the vendor refuses the request as a whole; then nothing was changed.
        """
        return call.run(call)

    @abstractmethod
    def refusal(self, status: int, message: str, **facts: Any) -> Reply:
        """An answer with this status in the vendor's own error shape (used by faults)."""

    @abstractmethod
    def results(self, body: Json) -> list[Json] | None:
        """The list of per-row results inside an answer of this vendor, to be altered in place."""

    @abstractmethod
    def collections(self) -> Mapping[str, Collection]:
        """The vendor's objects by name."""

    @abstractmethod
    def set_limits(self, limits: Any) -> None:
        """Replace the rate limit; counts start anew.

        Raises:
            ConfigError: not a limit that this vendor knows.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget all records, and all that was made at run time."""
