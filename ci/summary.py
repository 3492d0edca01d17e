"""Sums the JUnit reports of all suites: one line a suite, then `N passed, N failed`.

A skipped test counts as failed, since a skip hides what was not tested; so does a suite that ended
badly without naming a failed test (it crashed, or found no tests).
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def count(report: Path) -> tuple[int, int, int]:
    """Returns how many test cases of a JUnit report passed, failed and were skipped."""
    passed = failed = skipped = 0
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in {"notrun", "disabled"}:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def note_of(report: Path) -> str:
    """What a suite says of itself beside its cases: a property named `note`."""
    note = ET.parse(report).find(".//property[@name='note']")
    return "" if note is None else f" ({note.get('value')})"


def main(reports: Path, suites: list[str]) -> int:
    total_passed = total_failed = 0
    print()
    for suite in suites:
        name, _, status = suite.rpartition(":")
        report = reports / f"{name}.xml"
        passed, failed, skipped = count(report) if report.exists() else (0, 0, 0)
        note = f", {skipped} skipped (counted as failed)" if skipped else ""
        note += note_of(report) if report.exists() else ""
        if status != "0" and not failed:
            note += f", ended with status {status} (counted as failed)"
            failed += 1
        print(f"{name}: {passed} passed, {failed} failed{note}")
        total_passed += passed
        total_failed += failed + skipped
    print(f"\n{total_passed} passed, {total_failed} failed")
    return 1 if total_failed or not total_passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
