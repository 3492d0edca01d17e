"""What goes into XCom is small, whatever the run was like, and is read as a report again."""

from __future__ import annotations

import json

import contacts_project as contacts
import pytest

from airflow_provider_tailrace.xcom import MAX_BYTES, small_report
from tailrace import RunReport
from tailrace.report.run_report import RowMessage

ROW = RowMessage("k" * 5_000, "INVALID", "é" * 100_000, "level")


def test_a_small_report_is_left_as_it_is() -> None:
    report = contacts.make_report("done", accepted=7, added=7, scanned=7)
    assert RunReport.from_json(small_report(report)) == report


def test_samples_are_cut_to_twenty_rows_and_texts_to_300_characters() -> None:
    row = RowMessage("7", "INVALID", "x" * 1_000, "level")
    report = contacts.make_report("rejected", rejected=100_000, rejected_sample=(row,) * 100)
    document = small_report(report)
    assert len(document["rejected_sample"]) == 20
    assert {len(one["message"]) for one in document["rejected_sample"]} == {300}
    assert RunReport.from_json(document).counts == report.counts


@pytest.mark.parametrize("rows", [1, 20, 100])
def test_any_report_fits(rows: int) -> None:
    report = contacts.make_report(
        "rejected",
        "é" * 50_000,
        rejected=rows,
        rejected_sample=(ROW,) * rows,
        invalid_sample=(ROW,) * rows,
    )
    document = small_report(report)
    assert len(json.dumps(document)) <= MAX_BYTES
    assert document["rejected_sample"]
    assert RunReport.from_json(document).counts == report.counts
