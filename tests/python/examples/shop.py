"""The examples that write the shop's customers to a tool: a copy, its database, its account."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tailrace import Project
from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
LOAD = EXAMPLES / "helpdesk" / "load.py"
CUSTOMERS, CHANGED = 23_570, 2_040
"""Until the end of January 1998, and what February changes of them."""


class Shop:
    """A copy of an example, and the account that it writes to."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, vendor: str, environment: Mapping[str, str]
    ) -> None:
        self.folder, self.sandbox, self.vendor = folder, sandbox, vendor
        self.database = str(folder / "shop.duckdb")
        self.environment = {"HELPDESK_DUCKDB": self.database, **environment}

    def load(self, until: str) -> str:
        data = str(EXAMPLES / "cdnow" / "data" / "CDNOW_master.txt")
        ended = subprocess.run(
            [sys.executable, str(LOAD), until],
            cwd=self.folder,
            env={**os.environ, **self.environment, "CDNOW_DATA": data},
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout.strip()

    def project(self) -> Project:
        return Project.load(self.folder, env=self.environment)

    def run(self, syncs: Sequence[str]) -> dict[str, Any]:
        """The counts of each sync, in the order in which they go, which is the given one."""
        project = self.project()
        order = project.parents_first(project.syncs)
        assert list(order) == list(syncs)
        return {name: project.run(name).counts for name in order}

    def log(self) -> list[dict[str, Any]]:
        return self.sandbox.log(self.vendor)


def settings(example: str) -> dict[str, Any]:
    """The example's sandbox."""
    text = (EXAMPLES / example / "sandbox.yml").read_text(encoding="utf-8")
    config: dict[str, Any] = yaml.safe_load(text)
    return config


@contextmanager
def opened(example: str, vendor: str, folder: Path, **environment: str) -> Iterator[Shop]:
    """The example in a folder, with its sandbox and no limits; `$URL` is the sandbox's."""
    copy = folder / example
    shutil.copytree(EXAMPLES / example, copy)
    config = settings(example)
    config["vendors"][vendor]["limits"] = "none"
    with Sandbox({**config, "log_size": 2000}) as sandbox:
        names = {name: one.replace("$URL", sandbox.url) for name, one in environment.items()}
        yield Shop(copy, sandbox, vendor, names)
