"""What the state store looked like after the last run: how a lost or swapped one is noticed.

One small file for each target, store address and owner of state, below `.tailrace/stores`. A
target with another store is not a loss; the same address with another store behind it is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tailrace import private_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.report import RunReport


@dataclass(frozen=True)
class KnownState:
    """The store's random id, and how far its journal of one sync was."""

    store_id: str
    epoch: int
    last_seq: int

    @classmethod
    def of(cls, document: Mapping[str, object]) -> KnownState:
        """From plain values, as orchestrators keep it.

        Raises:
            ValueError: A member is missing or of the wrong kind.
        """
        store_id = document.get("store_id")
        numbers = [document.get(name) for name in ("epoch", "last_seq")]
        if not isinstance(store_id, str) or not store_id:
            raise ValueError("the expected state lacks its store_id")
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int):
                raise ValueError("the expected state lacks its epoch or last_seq")
        epoch, last_seq = numbers
        assert isinstance(epoch, int)  # noqa: S101  (checked above)
        assert isinstance(last_seq, int)  # noqa: S101
        return cls(store_id, epoch, last_seq)

    def to_dict(self) -> dict[str, str | int]:
        """The run spec's form."""
        return asdict(self)


@dataclass(frozen=True)
class StoreMemory:
    """The memory of one owner of state: sync, account and object at one address."""

    path: Path

    @classmethod
    def at(cls, folder: Path, *owner: str | None) -> StoreMemory:
        """`owner`: target, store address, sync, account, object. Only a hash of it is written."""
        name = hashlib.sha256(json.dumps(owner).encode()).hexdigest()[:32]
        return cls(folder / "stores" / f"{name}.json")

    def read(self) -> KnownState | None:
        """What was seen last; None where nothing was, which means unknown, never lost."""
        try:
            content = private_files.read(self.path)
            document = json.loads(content) if content else None
            return KnownState.of(document) if isinstance(document, dict) else None
        except ValueError:
            return None

    def remember(self, seen: KnownState) -> None:
        """Keep what a run saw, unless a later run of the same store has written before.

        Raises:
            OSError: The file cannot be written.
        """
        known = self.read()
        if known is not None and known.store_id == seen.store_id and known.epoch > seen.epoch:
            return
        private_files.write(self.path, json.dumps(seen.to_dict()).encode())

    def remember_report(self, report: RunReport | None) -> None:
        """The same of a run's report, if it saw a store at all. What cannot be kept is told."""
        if report is None or report.status == "state_lost" or not report.state.store_id:
            return
        state = report.state
        try:
            self.remember(KnownState(state.store_id, state.epoch, state.last_seq))
        except OSError as error:
            import logging

            logging.getLogger(__name__).warning(
                "cannot remember the state store, a lost one would go unnoticed: %s", error
            )

    def forget(self) -> None:
        """After a reset."""
        self.path.unlink(missing_ok=True)
