"""SOQL, as far as a sync asks in it: one object, conditions, an order, a page.

``SELECT fields FROM object [WHERE ...] [ORDER BY ...] [LIMIT n] [OFFSET n]``. A field may be a path
(``Owner.Email``). AND and OR are not mixed without parentheses, as in the real language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import refuse

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*')
      | (?P<moment>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2}))
      | (?P<date>\d{4}-\d{2}-\d{2})
      | (?P<number>[+-]?\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_][\w.]*)
      | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_WORDS = {"true": True, "false": False, "null": None}
SIGNS = ("=", "!=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a query: its kind (text, number, date, moment, word) and what it says."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Compare:
    """``path sign literal``; for ``in`` and ``not in`` there are several literals."""

    path: str
    sign: str
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions that all have to hold (``and``), or one of them (``or``), or not (``not``)."""

    word: str
    parts: tuple[Condition, ...]


Condition = Compare | Joined


@dataclass(frozen=True, slots=True)
class Order:
    """By what is sorted; where nulls go is None for Salesforce's own way, first."""

    path: str
    descending: bool
    nulls_last: bool


@dataclass(slots=True)
class Query:
    """A parsed query. ``paths`` are the fields asked for, none for ``COUNT()``."""

    paths: list[str]
    object: str
    condition: Condition | None = None
    orders: list[Order] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        RefusalError: 400 MALFORMED_QUERY.
    """
    if not text.strip():
        raise refuse(400, "MALFORMED_QUERY", "A query string has to be specified")
    if len(text) > facts.MAX_SOQL:
        raise refuse(400, "MALFORMED_QUERY", "SOQL statement is too long")
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise _malformed(f"unexpected token: '{text[at : at + 20].strip()}'")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._at = 0

    def query(self) -> Query:
        self._need("select")
        paths = self._selected()
        self._need("from")
        query = Query(paths, self._name())
        if self._takes("where"):
            query.condition = self._condition()
        if self._takes("order"):
            self._need("by")
            query.orders = [self._order()]
            while self._takes(","):
                query.orders.append(self._order())
        if self._takes("limit"):
            query.limit = self._whole()
        if self._takes("offset"):
            query.offset = self._whole()
        if self._at < len(self._tokens):
            raise _malformed(f"unexpected token: '{self._tokens[self._at][1]}'")
        return query

    def _selected(self) -> list[str]:
        if self._peek() == "count":
            self._at += 1
            self._need("(")
            self._need(")")
            return []
        paths = [self._name()]
        while self._takes(","):
            paths.append(self._name())
        return paths

    def _condition(self) -> Condition:
        parts = [self._one()]
        word = self._peek()
        if word not in ("and", "or"):
            return parts[0]
        while self._takes(word):
            parts.append(self._one())
        if self._peek() in ("and", "or"):
            raise _malformed(f"unexpected token: '{self._peek().upper()}'")
        return Joined(word, tuple(parts))

    def _one(self) -> Condition:
        if self._takes("not"):
            return Joined("not", (self._one(),))
        if self._takes("("):
            inner = self._condition()
            self._need(")")
            return inner
        path = self._name()
        if self._takes("in"):
            return Compare(path, "in", self._list())
        if self._takes("not"):
            self._need("in")
            return Compare(path, "not in", self._list())
        if self._takes("like"):
            return Compare(path, "like", (self._literal(),))
        sign = self._peek()
        if sign not in SIGNS:
            raise _malformed(f"unexpected token: '{sign}'")
        self._at += 1
        return Compare(path, "!=" if sign == "<>" else sign, (self._literal(),))

    def _list(self) -> tuple[Literal, ...]:
        self._need("(")
        found = [self._literal()]
        while self._takes(","):
            found.append(self._literal())
        self._need(")")
        if len(found) > facts.MAX_IN:
            raise _malformed(f"an IN list has at most {facts.MAX_IN} values")
        return tuple(found)

    def _literal(self) -> Literal:
        kind, text = self._next()
        if kind == "text":
            return Literal("text", re.sub(r"\\(.)", _unescaped, text[1:-1], flags=re.DOTALL))
        if kind == "name" and text.lower() in _WORDS:
            return Literal("word", _WORDS[text.lower()])
        if kind in ("number", "date", "moment"):
            return Literal(kind, text)
        raise _malformed(f"unexpected token: '{text}'")

    def _order(self) -> Order:
        path = self._name()
        descending = self._takes("desc")
        if not descending:
            self._takes("asc")
        nulls_last = False
        if self._takes("nulls"):
            nulls_last = self._takes("last")
            if not nulls_last:
                self._need("first")
        return Order(path, descending, nulls_last)

    # -- tokens ----------------------------------------------------------------------------------

    def _peek(self) -> str:
        if self._at == len(self._tokens):
            return ""
        kind, text = self._tokens[self._at]
        return text.lower() if kind in ("name", "sign") else "\0"

    def _takes(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._at += 1
        return True

    def _need(self, word: str) -> None:
        if not self._takes(word):
            found = self._tokens[self._at][1] if self._at < len(self._tokens) else "<EOF>"
            raise _malformed(f"unexpected token: '{found}', expecting '{word}'")

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise _malformed("unexpected end of the query: '<EOF>'")
        self._at += 1
        return self._tokens[self._at - 1]

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise _malformed(f"unexpected token: '{text}'")
        return text

    def _whole(self) -> int:
        kind, text = self._next()
        if kind != "number" or not text.isdigit():
            raise _malformed(f"unexpected token: '{text}'")
        return int(text)


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])


def _malformed(message: str) -> Exception:
    return refuse(400, "MALFORMED_QUERY", message)
