"""Salesforce's record ids: 15 characters in which case counts, and three that say which case.

The three are a checksum: bit i of each five-character block is set where character i is a capital.
"""

from __future__ import annotations

import functools
import re

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CASES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_FORM = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", re.ASCII)
# The two characters after an object's prefix name the instance that a record was made on.
_INSTANCE = "5g"


def make_id(prefix: str, number: int) -> str:
    """The id of 18 characters of the ``number``-th record under a prefix of three."""
    high, low = divmod(number, 62**5)
    first, last = prefix + _INSTANCE + _digits(high), _digits(low)
    return f"{first}{last}{_mark(first[:5])}{_mark(first[5:])}{_mark(last)}"


def read_id(text: str) -> str | None:
    """The id of 18 characters that a text of 15 or 18 means, None where it is no id."""
    if not _FORM.fullmatch(text):
        return None
    whole = _with_case(text[:15])
    return whole if len(text) == 15 or whole[15:] == text[15:].upper() else None


def _with_case(short: str) -> str:
    return short + "".join(_mark(short[start : start + 5]) for start in (0, 5, 10))


@functools.lru_cache(4096)
def _mark(block: str) -> str:
    return _CASES[sum(1 << at for at, one in enumerate(block) if one.isupper())]


@functools.lru_cache(4096)
def _digits(number: int) -> str:
    """Five digits of base 62."""
    digits = ""
    for _ in range(5):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
