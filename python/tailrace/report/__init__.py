"""What a run and a plan tell, the same for command line, XCom, Dagster metadata and state store."""

from tailrace.report.plan import Plan, Sample, SampleRow
from tailrace.report.progress import Progress
from tailrace.report.run_report import (
    Breach,
    Counts,
    HttpCounts,
    PhaseSeconds,
    RowMessage,
    RunReport,
    StateMark,
)

__all__ = [
    "Breach",
    "Counts",
    "HttpCounts",
    "PhaseSeconds",
    "Plan",
    "Progress",
    "RowMessage",
    "RunReport",
    "Sample",
    "SampleRow",
    "StateMark",
]
