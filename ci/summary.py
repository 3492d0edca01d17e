"""Sums the JUnit reports of all suites: one line a suite, then `N passed, N failed`.

A test that failed beside other suites and passed alone (`NAME.again.xml`) counts as passed, and is
named. A skipped test counts as failed, since a skip hides what was not tested; so does a suite that
ended badly without naming a failed test (it crashed, or found no tests).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET


def outcomes(report: Path) -> dict[str, str]:
    """The test cases of a JUnit report: passed, failed or skipped."""
    found = {}
    for number, case in enumerate(ET.parse(report).iter("testcase")):
        name = f"{case.get('classname')}::{case.get('name')}"
        if name in found:
            name += f" ({number})"
        if case.find("failure") is not None or case.find("error") is not None:
            found[name] = "failed"
        elif case.find("skipped") is not None or case.get("status") in {"notrun", "disabled"}:
            found[name] = "skipped"
        else:
            found[name] = "passed"
    return found


def count(report: Path) -> tuple[Counter[str], list[str]]:
    """How many cases passed, failed and were skipped; those that passed when they were alone."""
    if not report.exists():
        return Counter(), []
    found = outcomes(report)
    again = report.with_name(f"{report.stem}.again.xml")
    alone = outcomes(again) if again.exists() else {}
    unsteady = [
        name for name, how in found.items() if how == "failed" and alone.get(name) == "passed"
    ]
    return Counter((found | dict.fromkeys(unsteady, "passed")).values()), unsteady


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
        counted, unsteady = count(report)
        passed, failed, skipped = (counted[how] for how in ("passed", "failed", "skipped"))
        note = f", {skipped} skipped (counted as failed)" if skipped else ""
        note += note_of(report) if report.exists() else ""
        if status != "0" and not failed:
            note += f", ended with status {status} (counted as failed)"
            failed += 1
        print(f"{name}: {passed} passed, {failed} failed{note}")
        for one in unsteady:
            print(f"  passed alone, after it failed beside other suites: {one}")
        total_passed += passed
        total_failed += failed + skipped
    print(f"\n{total_passed} passed, {total_failed} failed")
    return 1 if total_failed or not total_passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
