"""What the operator sees of the engine and of Airflow, without either."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tailrace import Plan, RunReport


@dataclass
class FakeProject:
    """Stands for the class `tailrace.Project` and for what its `load` returns."""

    outcome: RunReport | Plan | Exception | None = None
    state_is_local: bool = True
    secret: str = ""
    directory: Path = Path("/projects/people")
    loaded: list[tuple[str, str | None]] = field(default_factory=list)
    calls: list[tuple[str, Any, dict[str, Any]]] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    phases: tuple[str, ...] = ("send", "done")

    def load(self, directory: str, *, target: str | None = None) -> FakeProject:
        self.loaded.append((directory, target))
        return self

    def secrets(self, sync: object) -> list[str]:
        return [self.secret] if self.secret else []

    def run(self, sync: object, **arguments: Any) -> Any:
        return self._end("run", sync, arguments)

    def plan(self, sync: object, **arguments: Any) -> Any:
        return self._end("plan", sync, arguments)

    def _end(self, name: str, sync: object, arguments: dict[str, Any]) -> Any:
        progress = arguments.pop("progress")
        self.calls.append((name, sync, arguments))
        for phase in self.phases:
            self.during()
            progress(Progress(phase, 250, 250, 100, 0, 0, 3, 1.0))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@dataclass
class FakeTask:
    """A task instance that keeps what is pushed."""

    first: datetime | None = None
    pushed: list[tuple[str, Any]] = field(default_factory=list)
    dag_id: str = "crm"
    task_id: str = "send"
    run_id: str = "manual__1"

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed.append((key, value))

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.first
