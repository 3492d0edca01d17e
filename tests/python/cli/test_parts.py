"""The small parts: exit codes, progress lines, tables, visible text."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tailrace import errors
from tailrace.cli import exits, streams
from tailrace.cli.bar import BarWatch
from tailrace.cli.show_report import _rows, size
from tailrace.cli.table import table
from tailrace.cli.watching import LineWatch, describe
from tailrace.report import Progress, RowMessage


@pytest.mark.parametrize(
    "kind",
    [
        errors.RejectedRows,
        errors.ConfigError,
        errors.GuardRefused,
        errors.Busy,
        errors.Unfinished,
        errors.QuotaExhausted,
        errors.StateLost,
    ],
)
def test_codes_are_those_of_the_errors(kind: type[errors.TailraceError]) -> None:
    assert exits.STATUS_CODES[kind.status] == kind.exit_code
    assert exits.advice(kind.exit_code, sync="one")


def test_precedence_has_every_code_once() -> None:
    assert sorted(exits.PRECEDENCE) == [0, 1, 2, 3, 4, 5, 6, 7, 130, 143]
    for at, code in enumerate(exits.PRECEDENCE):
        assert exits.first_that_applies(exits.PRECEDENCE[at:]) == code
    assert exits.first_that_applies([]) == 0


def progress(accepted: int, planned: int = 100) -> Progress:
    return Progress("send", 200, planned, accepted, 0, 0, accepted, 0.0)


def test_lines_come_once_a_second_and_at_both_ends() -> None:
    now = [0.0]
    lines: list[str] = []
    with LineWatch(lines.append, lambda: now[0]).of("one") as look:
        for tick in range(50):
            now[0] = tick * 0.2
            look(progress(tick))
    assert lines[0] == "one: started"
    assert len(lines) == 1 + 9 + 1
    assert lines[1] == "one: 1 s: send: 5 of 100 accepted, 5 requests"
    assert lines[-1] == "one: ended after 9.8 s: 49 of 100 accepted, 49 requests"


def test_a_run_that_stands_still_repeats_no_line() -> None:
    now = [0.0]
    lines: list[str] = []
    with LineWatch(lines.append, lambda: now[0]).of("one") as look:
        for tick in range(50):
            now[0] = tick * 0.2
            look(progress(7))
    assert len(lines) == 3


def test_the_end_is_told_of_a_run_that_failed() -> None:
    lines: list[str] = []
    with pytest.raises(ZeroDivisionError), LineWatch(lines.append).of("one"):
        raise ZeroDivisionError
    assert lines[-1].startswith("one: ended after ")


def test_progress_before_the_diff_ends_counts_rows_read() -> None:
    assert describe(Progress("read", 1200, 0, 0, 0, 0, 0, 0.1)) == "read: 1,200 rows read"
    told = describe(Progress("send", 9, 9, 1, 2, 3, 4, 0.1))
    assert told == "send: 1 of 9 accepted, 2 rejected, 3 unknown, 4 requests"


class Gone(io.StringIO):
    """A terminal that has been closed."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def isatty(self) -> bool:
        return True


def test_a_terminal_that_goes_away_ends_the_bar_alone() -> None:
    with BarWatch(Gone()).of("one") as look:
        look(progress(1))
        look(progress(100))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zoë 東京", "Zoë 東京"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("a\u202eb\u2028c\x85", "a\\u202eb\\u2028c\\x85"),
        ("\ud800", "\\ud800"),
    ],
)
def test_text_is_made_visible(text: str, shown: str) -> None:
    assert streams.visible(text) == shown


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    rows: list[list[Any]] = [["東京", 1234, None], ["x", 5, 2.25]]
    assert table(["city", "n", "s"], rows).splitlines() == [
        "city      n    s",
        "東京  1,234    –",
        "x         5  2.2",
    ]


def test_sizes() -> None:
    assert [size(n) for n in (0, 999, 1000, 2_500_000)] == ["0 B", "999 B", "1.0 kB", "2.5 MB"]


def test_a_code_without_words_is_shown_once() -> None:
    rows = [
        RowMessage("k1", "invalid_arguments", "invalid_arguments", ""),
        RowMessage("k2", "too_long", "30 at most", "name"),
    ]
    assert list(_rows("rejected", 2, rows)) == [
        "  rejected rows:",
        "    k1: invalid_arguments",
        "    k2: too_long: name: 30 at most",
    ]
