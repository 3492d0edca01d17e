"""A run in a process of its own that is killed at a chosen moment."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_RUN = """
import json, sys
from tailrace import Project
Project.load(sys.argv[1], env=json.loads(sys.argv[2])).run("people")
"""


def kill_once(
    happened: Callable[[], bool], folder: Path, environment: Mapping[str, str], seconds: float = 30
) -> None:
    """Run the sync `people` of the project in `folder`, and kill it (9) when `happened`."""
    process = subprocess.Popen([sys.executable, "-c", _RUN, str(folder), json.dumps(environment)])
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
