"""Reverse ETL as one more step of a DAG: send a model of the warehouse to a business tool.

Nothing is loaded before it is used: importing this package reads no extension, no parser and no
file, so that an orchestrator can parse many DAGs with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.errors import (
        Busy,
        Cancelled,
        ConfigError,
        GuardRefused,
        Problem,
        QuotaExhausted,
        RejectedRows,
        SourceError,
        StateLost,
        TailraceError,
        Unfinished,
    )
    from tailrace.functions import Batch, BatchRefused, Outcome, TryLater, destination
    from tailrace.inline import run
    from tailrace.project import Project
    from tailrace.report import Plan, Progress, RunReport

__version__ = "0.1.0"

_HOMES = {
    "Batch": "functions",
    "BatchRefused": "functions",
    "Busy": "errors",
    "Cancelled": "errors",
    "ConfigError": "errors",
    "GuardRefused": "errors",
    "Outcome": "functions",
    "Plan": "report",
    "Problem": "errors",
    "Progress": "report",
    "Project": "project",
    "QuotaExhausted": "errors",
    "RejectedRows": "errors",
    "RunReport": "report",
    "SourceError": "errors",
    "StateLost": "errors",
    "TailraceError": "errors",
    "TryLater": "functions",
    "Unfinished": "errors",
    "destination": "functions",
    "run": "inline",
}

__all__ = [
    "Batch",
    "BatchRefused",
    "Busy",
    "Cancelled",
    "ConfigError",
    "GuardRefused",
    "Outcome",
    "Plan",
    "Problem",
    "Progress",
    "Project",
    "QuotaExhausted",
    "RejectedRows",
    "RunReport",
    "SourceError",
    "StateLost",
    "TailraceError",
    "TryLater",
    "Unfinished",
    "__version__",
    "destination",
    "run",
]


def __getattr__(name: str) -> object:
    """Load the module that holds a public name when the name is first used (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
