"""The sandbox as a program of its own, which benchmarks send to."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@contextlib.contextmanager
def sandbox_program(folder: Path, settings: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Its address and the number of its process, while it runs; `folder` has its configuration."""
    config = folder / "sandbox.yml"
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "tailrace.sandbox", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            told = started.stdout.readline()
            yield told[told.index("http://") :].split()[0].rstrip("/"), started.pid
        finally:
            started.terminate()
