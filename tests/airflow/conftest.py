"""An Airflow of our own in temporary folders, its database migrated once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLE = ROOT / "examples" / "cdnow"
BIN = Path(sys.executable).parent

# Airflow reads these when it is imported, and would write into the home folder without them.
_UNIT_HOME = Path(tempfile.mkdtemp(prefix="tailrace-airflow-"))
_SETTINGS = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_UNIT_HOME}/airflow.db",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "TAILRACE_"))]:
    del os.environ[_name]
os.environ.update(AIRFLOW_HOME=str(_UNIT_HOME), **_SETTINGS)

# Test modules are imported by path, so modules beside them are found only here.
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "support")]

import contacts_project as contacts  # noqa: E402

from tailrace.sandbox import Sandbox  # noqa: E402

DAG_WITHIN_S = 90.0


def pytest_sessionfinish() -> None:
    shutil.rmtree(_UNIT_HOME, ignore_errors=True)


@dataclass(frozen=True)
class Ended:
    """How a DAG run ended: states as (state, try), XComs by task and key, and what was logged."""

    state: str
    states: dict[str, tuple[str, int]]
    xcoms: dict[str, dict[str, Any]]
    log: str


def wait_for(what: str, happened: Callable[[], object], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < end, f"{what} did not happen within {within_s} s"
        time.sleep(0.02)


class DagProcess:
    """A process with an Airflow home of its own that runs DAGs by `dag.test()`."""

    def __init__(self, home: Path, database: Path) -> None:
        home.mkdir()
        shutil.copy(database, home / "airflow.db")
        shutil.copytree(HERE / "dags", home / "dags")
        shutil.copy(EXAMPLE / "airflow" / "dags" / "cdnow_dag.py", home / "dags")
        self._home = home
        self._log = home / "log"
        self._asked = 0
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "run_dag.py")],
                env=airflow_environment(home),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def start(self, dag_id: str, environment: dict[str, str], conf: dict[str, Any]) -> Path:
        """Start a run; returns the file that appears when it has ended."""
        self._asked += 1
        output = self._home / f"ended-{self._asked}.json"
        asked = {"dag_id": dag_id, "conf": conf, "environment": environment, "output": str(output)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return output

    def test(self, dag_id: str, environment: dict[str, str], conf: dict[str, Any]) -> Ended:
        """Run the DAG to its end."""
        before = self._log.stat().st_size
        output = self.start(dag_id, environment, conf)
        wait_for("the DAG run's end", lambda: output.exists() or not self.alive, DAG_WITHIN_S)
        log = self._log.read_bytes()[before:].decode()
        assert output.exists(), log
        found = json.loads(output.read_text(encoding="utf-8"))
        assert "error" not in found, found
        states = {name: (state, number) for name, (state, number) in found["states"].items()}
        return Ended(found["state"], states, found["xcoms"], log)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def signal(self, number: int) -> None:
        os.kill(self._process.pid, number)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def airflow_environment(home: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW_", "CDNOW_", "DBT_", "HUBSPOT_"))
    }
    return {
        **inherited,
        **_SETTINGS,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
        "PEOPLE_HOME": str(home),
    }


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that every DAG process copies."""
    home = tmp_path_factory.mktemp("migrated")
    ended = subprocess.run(
        [str(BIN / "airflow"), "db", "migrate"],
        env=airflow_environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return home / "airflow.db"


@pytest.fixture
def own_process(tmp_path: Path, migrated: Path) -> Iterator[DagProcess]:
    """For a test that ends it."""
    process = DagProcess(tmp_path / "airflow", migrated)
    yield process
    process.stop()


@pytest.fixture(scope="session")
def dags(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[DagProcess]:
    """One for all other tests: most of a run's time is the import of Airflow."""
    process = DagProcess(tmp_path_factory.mktemp("airflow") / "home", migrated)
    yield process
    process.stop()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(contacts.sandbox_settings()) as running:
        yield running


@dataclass(frozen=True)
class People:
    """A project of 250 people; `test` runs the DAG `people` that sends them to the sandbox."""

    folder: Path
    sandbox: Sandbox
    dags: DagProcess

    @property
    def environment(self) -> dict[str, str]:
        return {**contacts.environment(self.sandbox), "PEOPLE_HOME": str(self.folder)}

    def test(self, **conf: Any) -> Ended:
        return self.dags.test("people", self.environment, conf)


@pytest.fixture
def people(tmp_path: Path, sandbox: Sandbox, dags: DagProcess) -> People:
    return People(contacts.make_project(tmp_path / "people", 250), sandbox, dags)
