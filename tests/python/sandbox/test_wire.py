"""JSON is read strictly, and numbers keep their digits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tailrace.sandbox.wire import BadJsonError, read_json, text_of, write_json


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": 1} x',
        b"NaN",
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\ud800"}',
        b'["\\uDC00"]',
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 01}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": "line\nbreak"}',
        b"[" * 100_000,
        b"1" * 5_000,
        b"1e99999999999999999999",
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadJsonError):
        read_json(body)


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert read_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "digits", ["12345678901234567890.123456789", "0.10000000000000000001", "1E+400", "-1E-400"]
)
def test_numbers_beyond_a_double_keep_their_digits(digits: str) -> None:
    value = read_json(digits.encode())
    assert isinstance(value, Decimal)
    assert text_of(value) == digits
    assert write_json({"n": value}) == f'{{"n":{digits}}}'.encode()


@pytest.mark.parametrize("digits", ["0.1", "1.5", "-2.25", "100000.0"])
def test_numbers_that_a_double_holds_stay_doubles(digits: str) -> None:
    value = read_json(digits.encode())
    assert isinstance(value, float)
    assert text_of(value) == digits


def test_big_integers_are_exact() -> None:
    assert text_of(read_json(b"9223372036854775808123")) == "9223372036854775808123"


def test_scalars_become_the_texts_that_json_uses() -> None:
    assert [text_of(one) for one in (True, False, 12, "x")] == ["true", "false", "12", "x"]


def test_text_survives_the_way_out_and_back() -> None:
    hostile = "\u0000\u2028<script>'\"\\ \N{GRINNING FACE} \u202e e\u0301 \ufeff"
    assert read_json(write_json([hostile])) == [hostile]
