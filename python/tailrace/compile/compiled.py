"""A compiled sync: all of the run spec that does not change from run to run, secrets apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tailrace.secret import Secret


@dataclass(frozen=True)
class Compiled:
    """`warehouse` is what `tailrace.warehouses` opens, `connection` what `resolving.resolve`
    finishes; both may hold `Secret`s. `spec` is the rest of the run spec as it stands."""

    sync: str
    project: str
    select: str
    warehouse: dict[str, Any]
    connection: dict[str, Any]
    state: Secret | None
    spec: dict[str, Any]
