"""What a warehouse is to the rest: columns when compiling, a source for the core when running."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True)
class ModelColumn:
    """A column of the model: its name, our type word, the warehouse's own."""

    name: str
    type: str
    source_type: str


@dataclass(frozen=True)
class Source:
    """`spec` is the run spec's source; `stream` what goes beside it, None where the core reads by
    itself."""

    spec: dict[str, Any]
    stream: object | None = None


class Describer(Protocol):
    """What is asked while compiling."""

    def describe(self, select: str) -> list[ModelColumn]:
        """The columns of a query, which is not run. Raises SourceError."""
        ...


class OpenWarehouse(Describer, Protocol):
    """An open connection. Sources that it gave are good until it is closed."""

    def source(self, select: str, comment: str) -> Source:
        """What the core reads the query's rows from. Raises SourceError."""
        ...

    def __enter__(self) -> OpenWarehouse: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
