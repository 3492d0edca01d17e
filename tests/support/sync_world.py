"""A sync with nothing faked: a model in DuckDB, the core, and a sandbox that keeps count.

Every run made through `World.run` is held against what the sandbox itself recorded: sums of the
report, requests, rows called accepted, and places where a credential must never be.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
from destination_forms import KEY
from project_folder import ProjectFolder

from tailrace import TailraceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from destination_forms import Form

    from tailrace import RunReport
    from tailrace.sandbox import Sandbox

SYNC = "people"
_FIELDS = re.compile(
    r"/(properties/[^/]+|describe2?(\.json)?|\w+_fields\.json|merge-fields|data_attributes|getFields)$"
)
"""What a new mapping's first run asks: which fields there are."""
_OWNERS = re.compile(r"/(me|auth\.test|accounts/region)$")
"""What is asked once for a login: whose it is, of tools that are declared by profiles."""
_AROUND = ("create_job", "upload", "abort")
"""What is said to a job besides that it may start."""
SECRET = "canary-9f3ac17e55d0"
VARIABLE = "DESTINATION_SECRET"
STATE_VARIABLE = "STATE_ADDRESS"
FIELDS = {KEY: KEY, "level": "level", "note": "note"}
PEOPLE = f"create table people ({KEY} varchar, level varchar, note varchar)"


@dataclass(frozen=True)
class Ended:
    """How a run ended: `report` is None only where the run never got to have one."""

    report: RunReport | None
    error: TailraceError | None
    requests: int
    """That had to do with rows."""
    questions: int = 0
    """That did not: see `World.questions`."""

    @property
    def counts(self) -> Any:
        assert self.report is not None, self.error
        return self.report.counts

    @property
    def taken(self) -> int:
        """Rows that the tool has, if only in a job."""
        return int(self.counts.accepted + self.counts.pending)

    @property
    def left_over(self) -> int:
        """Rows of which nobody has said what became of them."""
        return int(self.counts.unknown + self.counts.pending)

    @property
    def code(self) -> int:
        return 0 if self.error is None else self.error.exit_code


class World(ProjectFolder):
    """A project in `folder` that syncs the table `people` to a form of a destination."""

    def __init__(self, folder: Path, form: Form, sandbox: Sandbox) -> None:
        self.folder = folder
        self.form = form
        self.sandbox = sandbox
        self.environment = {VARIABLE: SECRET}
        self.secrets = [SECRET]
        self.root: dict[str, Any] = {"name": "world"}
        # By the fields that are asked for: opening DuckDB costs more than a run.
        self._model: dict[str, dict[str, dict[str, Any]]] = {}
        self.connection = form.connection_to(sandbox.url, "${env:" + VARIABLE + "}")
        self.sync: dict[str, Any] = {
            "name": SYNC,
            "source": "warehouse",
            "model": {"table": "people"},
            "key": KEY,
            "destination": "tool",
            "object": form.object,
            "match": KEY,
            "fields": dict(FIELDS),
            **({"mode": "append"} if form.appends else {}),
        }
        self.sql(PEOPLE)
        self.write()

    # -- the project -----------------------------------------------------------------------------

    def write(self) -> None:
        """Write the project's files; what is JSON is YAML."""
        connections = {
            "warehouse": {"type": "duckdb", "path": "people.duckdb"},
            "tool": self.connection,
        }
        root = {**self.root, "connections": connections}
        (self.folder / "syncs").mkdir(exist_ok=True)
        (self.folder / "tailrace.yml").write_text(json.dumps(root), encoding="utf-8")
        (self.folder / "syncs" / "people.yml").write_text(
            json.dumps(self._told()), encoding="utf-8"
        )

    def _told(self) -> dict[str, Any]:
        """The sync by the tool's own names of its fields."""
        fields = {self.form.field(name): one for name, one in self.sync["fields"].items()}
        match = self.form.field(KEY)
        if match in fields:
            fields[match] = self.form.match_value(fields[match])
        fields = {**self.form.needs, **fields}
        return {**self.sync, "match": self.form.field(self.sync["match"]), "fields": fields}

    def keep_state_at(self, url: str, *secrets: str) -> None:
        """Keep the state at `url`, of which `secrets` must show nowhere."""
        self.environment[STATE_VARIABLE] = url
        self.secrets += secrets
        self.root["state"] = "${env:" + STATE_VARIABLE + "}"
        self.write()

    # -- the model -------------------------------------------------------------------------------

    def sql(self, statement: str, *parameters: Any) -> None:
        self._model.clear()
        with duckdb.connect(str(self.folder / "people.duckdb")) as connection:
            connection.execute(statement, list(parameters))

    def people(self, count: int, *, first: int = 0, level: str = "low") -> None:
        """Add so many people, `p0` on."""
        self.sql(
            "insert into people select 'p' || i, ?, 'note ' || i from range(?, ?) as t(i)",
            level,
            first,
            first + count,
        )

    def model(self) -> dict[str, dict[str, Any]]:
        """The records that the destination must hold, by key."""
        fields = json.dumps(self.sync["fields"])
        if fields not in self._model:
            self._model[fields] = self._read_model()
        return self._model[fields]

    def _read_model(self) -> dict[str, dict[str, Any]]:
        with duckdb.connect(str(self.folder / "people.duckdb"), read_only=True) as connection:
            names = list(self.sync["fields"])
            columns = ", ".join(self.sync["fields"].values())
            rows = connection.execute(f"select {columns} from people").fetchall()
        return {
            row[names.index(KEY)]: self.form.stored(dict(zip(names, row, strict=True)))
            for row in rows
        }

    # -- the destination -------------------------------------------------------------------------

    def delivered(self) -> dict[str, dict[str, Any]]:
        """The records that the sandbox holds, by key, without what nobody wrote."""
        records = self.sandbox.records(self.form.vendor, self.form.object)
        unwritten = self.form.fills - self.sync["fields"].keys()
        held = (record["values"] for record in records)
        rows = [self.form.as_row(values) for values in held if self.form.is_there(values)]
        return {
            str(row[KEY]): {name: one for name, one in row.items() if name not in unwritten}
            for row in rows
        }

    def requests(self) -> int:
        """Requests that the sandbox got, but for questions."""
        counters = self.sandbox.counters(self.form.vendor)
        return int(counters["total"]) - self.questions()

    def questions(self) -> int:
        """How often the sandbox was asked for the account of a login, for an object's fields, or
        for what the form says besides."""
        return sum(self._asks(one) for one in self.sandbox.log(self.form.vendor))

    def _asks(self, entry: Mapping[str, Any]) -> bool:
        path = str(entry["path"]).partition("?")[0]
        told = self.form.jobs or _FIELDS.search(path) or _OWNERS.search(path)
        if (entry["method"] == "GET" and told) or entry["op"] in _AROUND:
            return True
        if not self.form.account_path or not path.endswith(self.form.account_path):
            return False
        # A request that was refused before it was read has no object.
        return not self.form.account_object or entry["object"] in ("", self.form.account_object)

    def silence(self) -> None:
        """Let the sandbox apply what it is sent and answer nothing, nor tell of jobs."""
        asked = {"match": {"op": "job_status"}, "do": "503"}
        told = [asked] if self.form.asks_after else []
        self.sandbox.set_faults([{"do": "apply_then_reset"}, *told])

    def is_still(self) -> bool:
        """Whether the sandbox has dealt with all that was sent to it.

        Each look is a turn of its loop; what a dead process has left in a socket takes a few turns
        to become a request.
        """
        return all(self.sandbox.counters(self.form.vendor)["in_flight"] == 0 for _ in range(20))

    def log(self, *, since: int = 0) -> list[dict[str, Any]]:
        """The sandbox's log of the requests that `requests` counts after the first `since`, oldest
        first."""
        log = self.sandbox.log(self.form.vendor)
        counted = (one for one in log if not self._asks(one))
        log = [{**one, "number": number} for number, one in enumerate(counted, start=1)]
        return [one for one in log if one["number"] > since]

    def created(self) -> int:
        """How many records were ever made: one that was made twice shows here."""
        objects = self.sandbox.state()["vendors"][self.form.vendor]["objects"]
        return int(objects[self.form.object]["created"])

    def writes(self) -> dict[str, int]:
        """How often each key was written or removed."""
        return self.sandbox.writes(self.form.vendor, self.form.object)

    def unequal(self) -> set[str]:
        """Keys whose record is not what the model says, records that are too many included."""
        model, held = self.model(), self.delivered()
        return {key for key in model.keys() | held.keys() if model.get(key) != held.get(key)}

    # -- runs ------------------------------------------------------------------------------------

    def run(self, *, counted: bool = True, compared: bool = True, **options: Any) -> Ended:
        """One run, its report held against the sandbox.

        `counted` is False where requests may be lost on the way, so that the numbers of those sent
        and those that arrived may differ; `compared` where the model has no plain columns to
        compare records with.
        """
        before, asked = self.requests(), self.questions()
        notes = _Notes()
        logging.getLogger().addHandler(notes)
        error: TailraceError | None = None
        report: RunReport | None = None
        try:
            report = self.project().run(SYNC, **options)
        except TailraceError as caught:
            error, report = caught, caught.report
        finally:
            logging.getLogger().removeHandler(notes)
        ended = Ended(report, error, self.requests() - before, self.questions() - asked)
        self._check(ended, counted=counted, compared=compared)
        self.assert_no_secret([*notes.lines, repr(error), str(error), _json(report)])
        return ended

    def settles(self, *, runs: int = 1, counted: bool = True) -> Ended:
        """Run to the end: everything is there, and the run after it makes no request."""
        ended = self.run(counted=counted)
        for _ in range(runs - 1):
            ended = self.run(counted=counted)
        assert ended.error is None, ended.error
        assert self.unequal() == set()
        self.assert_quiet()
        return ended

    def assert_quiet(self) -> None:
        """A run with nothing to do asks the destination nothing."""
        again = self.run()
        assert again.error is None, again.error
        assert again.requests == again.questions == 0
        assert again.counts.unchanged == again.counts.scanned

    def _check(self, ended: Ended, *, counted: bool, compared: bool) -> None:
        if ended.report is None:
            return
        assert_sums(ended.report)
        counts = ended.report.counts
        assert counts.pending == 0 or self.form.jobs
        assert (ended.code == 0) == (ended.report.status == "done")
        if counted:
            assert ended.report.http.requests == ended.requests + ended.questions
        if compared and counts.removed == 0:
            assert counts.accepted + counts.unchanged <= self._equal()

    def _equal(self) -> int:
        """Rows of the model that the sandbox holds as they are."""
        held = self.delivered()
        return sum(held.get(key) == record for key, record in self.model().items())

    def assert_no_secret(self, texts: list[str]) -> None:
        """No credential in what a run says, nor in any file that it leaves."""
        for text in texts:
            assert not any(secret in text for secret in self.secrets)
        for path in self.folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not any(secret.encode() in content for secret in self.secrets), path


class _Notes(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _json(report: RunReport | None) -> str:
    return "" if report is None else report.to_json()


def assert_sums(report: RunReport | Mapping[str, Any]) -> None:
    """The two sums that hold on every run."""
    counts = report["counts"] if not hasattr(report, "counts") else vars(report.counts)
    read = ("unchanged", "added", "changed", "invalid")
    ended = ("accepted", "rejected", "skipped", "pending", "unknown", "not_attempted")
    assert counts["scanned"] == sum(counts[name] for name in read), counts
    planned = counts["added"] + counts["changed"] + counts["removed"]
    assert planned == sum(counts[name] for name in ended), counts


def same_number(value: object, text: str) -> bool:
    """Whether a stored number is exactly the one that `text` writes, by its digits."""
    return Decimal(str(value)) == Decimal(text)


def traced(world: World, **options: Any) -> tuple[Ended, list[dict[str, Any]]]:
    """A run, and the requests that it sent."""
    path = world.folder.parent / f"{world.folder.name}.trace"
    path.unlink(missing_ok=True)
    ended = world.run(trace=path, trace_bodies=True, **options)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return ended, [json.loads(line) for line in lines]


def body(entry: Mapping[str, Any]) -> Any:
    """What a traced request sent."""
    return json.loads(entry["request_body"])
