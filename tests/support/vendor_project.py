"""Projects that sync the table `people` of a DuckDB file to one destination.

For tests of what is particular to a destination; what all are asked is put to a `World`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from project_folder import ProjectFolder
from sync_world import assert_sums

from tailrace import TailraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tailrace.sandbox import Sandbox


class ModelProject(ProjectFolder):
    """`sync` has what is not said by the table alone; `columns` are the table's, as SQL has them.
    Values of `environment` may show nowhere."""

    def __init__(
        self,
        folder: Path,
        connection: dict[str, Any],
        sync: Mapping[str, Any],
        columns: str,
        environment: Mapping[str, str],
    ) -> None:
        self.folder, self.connection, self.environment = folder, connection, dict(environment)
        self.sync: dict[str, Any] = {
            "name": "people",
            "source": "warehouse",
            "model": {"table": "people"},
            "destination": "tool",
            **sync,
        }
        (folder / "syncs").mkdir()
        self.sql(f"create table people ({columns})")
        self.write()

    def write(self) -> None:
        """Write the project's files; what is JSON is YAML."""
        connections = {
            "warehouse": {"type": "duckdb", "path": "people.duckdb"},
            "tool": self.connection,
        }
        root = json.dumps({"name": "shop", "connections": connections})
        (self.folder / "tailrace.yml").write_text(root, encoding="utf-8")
        (self.folder / "syncs" / "people.yml").write_text(json.dumps(self.sync), encoding="utf-8")

    def sql(self, statement: str, *parameters: Any) -> None:
        """Change the model."""
        with duckdb.connect(str(self.folder / "people.duckdb")) as connection:
            connection.execute(statement, list(parameters))

    def run(self, **options: Any) -> tuple[Any, TailraceError | None]:
        """The report and how the run ended; its sums hold and no secret shows."""
        try:
            report, error = self.project().run("people", **options), None
        except TailraceError as caught:
            report, error = caught.report, caught
        if report is not None:
            assert_sums(report)
        for secret in self.environment.values():
            assert secret not in f"{error!r}{error}{report}"
        return report, error


class VendorProject(ModelProject):
    """One whose destination is a vendor's sandbox, and whose rows become records of `object`."""

    vendor: str
    object: str

    def __init__(self, folder: Path, sandbox: Sandbox, *declared: Any) -> None:
        super().__init__(folder, *declared)
        self.sandbox = sandbox

    def log(self) -> list[dict[str, Any]]:
        """Requests that came."""
        return self.sandbox.log(self.vendor)

    def created(self) -> int:
        """Records that were made."""
        objects = self.sandbox.state()["vendors"][self.vendor]["objects"]
        return int(objects[self.object]["created"])

    def stop_when(self, happened: Callable[[], bool]) -> None:
        """Run, and stop the run as Ctrl-C does once it `happened`."""

        def look(_: object) -> None:
            if happened():
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.project().run("people", progress=look)

    def settles(self) -> Any:
        """The report of a run that is done, after which there is nothing to do."""
        report, error = self.run()
        assert error is None, error
        before = len(self.log())
        again, error = self.run()
        assert error is None, error
        assert again.counts.unchanged == again.counts.scanned
        assert len(self.log()) == before, "nothing to do asks nothing"
        return report
