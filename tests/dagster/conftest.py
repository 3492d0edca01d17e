"""Projects and sandboxes for the Dagster library.

No `annotations` from `__future__`: Dagster looks at that of `context` as it stands.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLE = ROOT / "examples" / "cdnow"

# Test modules are imported by path, so modules beside them are found only here.
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "support")]

import contacts_project as contacts  # noqa: E402
import dagster as dg  # noqa: E402

from dagster_tailrace import TailraceResource, tailrace_assets  # noqa: E402
from tailrace.sandbox import Sandbox  # noqa: E402

KEY = dg.AssetKey(["hubspot", "contacts"])


def wait_for(what: str, happened: Callable[[], object], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < end, f"{what} did not happen within {within_s} s"
        time.sleep(0.02)


def make_assets(project: Any, *, wanted: Any = None, **arguments: Any) -> dg.AssetsDefinition:
    """The assets of a project, run with the arguments `wanted`."""

    @tailrace_assets(project=project, **arguments)
    def made(context: dg.AssetExecutionContext, tailrace: TailraceResource) -> Iterator[Any]:
        yield from tailrace.run(context=context, **(wanted or {}))

    return made


@dataclass(frozen=True)
class People:
    """A project of 250 people and the sandbox that they go to."""

    folder: Path
    sandbox: Sandbox

    def materialize(self, wanted: Any = None, **resource: Any) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [make_assets(self.folder, wanted=wanted)],
            resources={"tailrace": TailraceResource(project_dir=str(self.folder), **resource)},
            raise_on_error=False,
        )


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [one for one in os.environ if one.startswith(("DAGSTER_", "DBT_", "CDNOW_"))]:
        del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(contacts.sandbox_settings()) as running:
        yield running


@pytest.fixture
def people(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> People:
    for name, value in contacts.environment(sandbox).items():
        monkeypatch.setenv(name, value)
    return People(contacts.make_project(tmp_path / "people", 250), sandbox)
