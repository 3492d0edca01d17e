"""What a run and a plan tell, the same for command line, XCom, Dagster metadata and state store."""

from tailrace.report.plan import NewField, Plan, Sample, SampleRow
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
from tailrace.report.verification import (
    Answer,
    FieldDifference,
    Request,
    RowDifference,
    Trial,
    Verification,
)

__all__ = [
    "Answer",
    "Breach",
    "Counts",
    "FieldDifference",
    "HttpCounts",
    "NewField",
    "PhaseSeconds",
    "Plan",
    "Progress",
    "Request",
    "RowDifference",
    "RowMessage",
    "RunReport",
    "Sample",
    "SampleRow",
    "StateMark",
    "Trial",
    "Verification",
]
