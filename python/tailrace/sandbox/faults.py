"""Faults on a schedule: which requests go wrong, and how.

A schedule is data, so that it can be saved, replayed and cut down:

```yaml
seed: 41
rules:
- {match: {vendor: hubspot, op: upsert, attempt: 1}, p: 0.2, do: apply_then_reset}
- {match: {nth: 17}, do: partial_207, ok_share: 0.6}
- {match: {key: k7}, times: 2, do: 429, retry_after: {date_in_s: 3}}
```

``nth`` counts, per vendor and from 1, the requests that passed login and rate limit since the
schedule was set. Questions that come before a write (whose account a login is, ``op: account`` or
``details``; which fields there are, ``op: describe``, ``fields`` or ``properties``; which records
are there, ``op: find``), what a job is made ready by (``op: create_job``, ``upload``) and questions
that come after a write (what became of a job, ``op: job_status``, ``import_status``,
``import_errors`` and the like) are not counted and meet only rules that name them, so that a
schedule says the same whether or not they are asked, and however often. ``attempt`` counts how
often the same operation came with the same set of keys.
With ``p`` a request's fate hangs on (seed, rule, operation, keys, attempt) alone, never on the
order of arrival, so concurrent clients meet the same faults in every run. The first rule that
fires wins; ``times`` bounds how often a rule may.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.sandbox.config import ConfigError, known


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: whether the rows are applied unless the rule says otherwise, its options,
    and how often it fires unless ``times`` says otherwise (None: without end)."""

    applied: bool
    options: tuple[str, ...] = ()
    times: int | None = None
    may_choose: bool = True
    """Whether a rule may set ``applied`` itself."""


_STATUS_OPTIONS = ("retry_after", "policy", "message")

KINDS: Mapping[str, Kind] = {
    # The connection breaks.
    "reset_before": Kind(False, ("how",), may_choose=False),
    "apply_then_reset": Kind(True, ("how",), may_choose=False),
    "reset_mid_body": Kind(True, ("share",)),
    "truncated": Kind(True, ("share",)),
    "timeout": Kind(False, ("seconds",)),
    "late": Kind(True, ("seconds",), may_choose=False),
    # Time passes.
    "slow": Kind(True, ("delay_ms",), may_choose=False),
    "slow_body": Kind(True, ("seconds",)),
    # A definite no.
    "401_once": Kind(False, (), 1, may_choose=False),
    "401_always": Kind(False, (), may_choose=False),
    "batch_409": Kind(False, ("message",), may_choose=False),
    "quota": Kind(False, ("retry_after",), may_choose=False),
    "redirect": Kind(False, ("status", "to")),
    # An answer that says nothing about the rows.
    "html200": Kind(False),
    "empty200": Kind(False),
    "okfalse200": Kind(False),
    "bad_json": Kind(True),
    "wrong_charset": Kind(True),
    "gzip_bomb": Kind(True, ("megabytes",)),
    # An answer that says less, or more, than what happened.
    "partial_207": Kind(True, ("ok_share", "message", "code"), may_choose=False),
    "missing_results": Kind(True, ("n",), may_choose=False),
    "extra_results": Kind(True, ("n",), may_choose=False),
    "duplicate_results": Kind(True, ("n",), may_choose=False),
    "shuffled": Kind(True, (), may_choose=False),
    # A job that the request has queued.
    "job_failed": Kind(True, ("share",), may_choose=False),
    "job_killed": Kind(True, ("share",), may_choose=False),
    "job_gone": Kind(True, (), may_choose=False),
    "job_slow": Kind(True, ("seconds",), may_choose=False),
}

_QUESTIONS = (
    *("account", "details", "describe", "fields", "find", "properties"),
    *("create_job", "upload"),
    *("job_status", "successful_results", "failed_results", "unprocessed_records"),
    *("import_status", "import_errors", "import_failures", "import_warnings"),
)
_MATCH = ("nth", "every", "vendor", "op", "object", "key", "keyset", "attempt")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a schedule, read and checked."""

    match: Mapping[str, Any]
    do: str
    applied: bool
    options: Mapping[str, Any]
    p: float = 1.0
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to go wrong with one request."""

    kind: str
    applied: bool
    options: Mapping[str, Any]
    refuse: Mapping[int, str]
    """Positions of rows to refuse, each with a message (``partial_207``)."""
    status: int = 0
    """The status of a fault that is nothing but a status, such as 503."""


def prf(seed: int, *parts: object) -> float:
    """A number in [0, 1) that looks random and depends on the arguments alone."""
    text = "\x1f".join(str(part) for part in parts)
    mark = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8, key=str(seed).encode())
    return int.from_bytes(mark.digest(), "big") / 2.0**64


def keyset(keys: Iterable[str]) -> str:
    """A short name for a set of keys, whatever their order."""
    joined = "\x1f".join(sorted(keys))
    return hashlib.blake2b(joined.encode("utf-8", "replace"), digest_size=12).hexdigest()


class Faults:
    """A schedule at work."""

    def __init__(self, schedule: Any = None, seed: int = 0) -> None:
        self.set(schedule or [], seed)

    def set(self, schedule: Any, seed: int = 0) -> None:
        """Put a schedule in the place of the present one; all counts start anew.

        Raises:
            ConfigError: it is not a schedule; the present one stays.
        """
        rules, own_seed = read_schedule(schedule)
        self._rules = rules
        self._seed = own_seed if own_seed is not None else seed
        self.restart()

    def restart(self) -> None:
        """Keep the schedule and count anew."""
        self._fired = [0] * len(self._rules)
        self._nth: dict[str, int] = {}
        self._attempts: dict[tuple[str, str, str, str], int] = {}

    def decide(self, vendor: str, op: str, name: str, keys: list[str]) -> Fault | None:
        """The fate of the request that has just been read."""
        if not self._rules:
            return None
        told_apart = op in _QUESTIONS
        nth = self._nth.get(vendor, 0) + (not told_apart)
        self._nth[vendor] = nth
        asked = (vendor, op, name, keyset(keys))
        attempt = self._attempts[asked] = self._attempts.get(asked, 0) + 1
        facts = {"vendor": vendor, "op": op, "object": name, "nth": nth, "attempt": attempt}
        for index, rule in enumerate(self._rules):
            if rule.times is not None and self._fired[index] >= rule.times:
                continue
            if told_apart and "op" not in rule.match:
                continue
            if not _matches(rule.match, facts, keys):
                continue
            if rule.p < 1.0 and prf(self._seed, index, *asked, attempt) >= rule.p:
                continue
            self._fired[index] += 1
            return self._fault(index, rule, keys, attempt)
        return None

    def _fault(self, index: int, rule: Rule, keys: list[str], attempt: int) -> Fault:
        refuse: dict[int, str] = {}
        if rule.do == "partial_207":
            share = float(rule.options.get("ok_share", 0.5))
            message = str(rule.options.get("message", "refused by the fault schedule"))
            for position, key in enumerate(keys):
                if prf(self._seed, index, "row", key, attempt) >= share:
                    refuse[position] = message
        status = int(rule.do) if rule.do.isdigit() else 0
        return Fault(rule.do, rule.applied, rule.options, refuse, status)


def _matches(match: Mapping[str, Any], facts: Mapping[str, Any], keys: list[str]) -> bool:
    for name, wanted in match.items():
        if name == "keyset":
            continue
        if name == "key":
            if not any(str(key) in keys for key in _listed(wanted)):
                return False
        elif name == "every":
            if facts["nth"] % wanted:
                return False
        elif facts[name] not in _listed(wanted):
            return False
    return True


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def read_schedule(schedule: Any) -> tuple[list[Rule], int | None]:
    """The rules, and the seed where the schedule has its own.

    Raises:
        ConfigError: some name or value is wrong.
    """
    seed = None
    vendor = None
    rules = schedule
    if isinstance(schedule, Mapping):
        known(schedule, ("seed", "rules", "conn"), "faults")
        rules = schedule.get("rules", [])
        vendor = schedule.get("conn")
        seed = schedule.get("seed")
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            raise ConfigError("faults: seed is a whole number")
    if not isinstance(rules, (list, tuple)):
        raise ConfigError("faults: a list of rules is needed")
    return [_rule(rule, f"faults[{at}]", vendor) for at, rule in enumerate(rules)], seed


def _rule(rule: Any, where: str, vendor: str | None) -> Rule:
    if not isinstance(rule, Mapping) or "do" not in rule:
        raise ConfigError(f"{where}: a rule is a mapping with 'do'")
    do = str(rule["do"])
    kind = _kind(do, where)
    own = ("match", "do", "p", "times", *kind.options, *(("applied",) if kind.may_choose else ()))
    known(rule, own, where)
    match = dict(rule.get("match") or {})
    known(match, _MATCH, f"{where}.match")
    _check_match(match, where)
    if vendor is not None:
        match.setdefault("vendor", vendor)
    p = rule.get("p", 1.0)
    if not isinstance(p, (int, float)) or isinstance(p, bool) or not 0 <= p <= 1:
        raise ConfigError(f"{where}: p is a number from 0 to 1")
    times = rule.get("times", kind.times)
    if times is not None and (not isinstance(times, int) or times < 1):
        raise ConfigError(f"{where}: times is a number of requests")
    options = {name: rule[name] for name in kind.options if name in rule}
    _check_options(options, where)
    return Rule(match, do, bool(rule.get("applied", kind.applied)), options, float(p), times)


def _kind(do: str, where: str) -> Kind:
    if do.isdigit() and 400 <= int(do) <= 599:
        return Kind(False, _STATUS_OPTIONS)
    known({do: None}, KINDS, f"{where}.do")
    return KINDS[do]


def _check_match(match: Mapping[str, Any], where: str) -> None:
    for name in ("nth", "every", "attempt"):
        for value in _listed(match.get(name, 1)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{where}.match: {name} is counted from 1")
    if isinstance(match.get("every"), list):
        raise ConfigError(f"{where}.match: every is one number")
    if match.get("keyset", "*") != "*":
        raise ConfigError(f"{where}.match: keyset is '*'; name single keys with 'key'")


_RANGES: Mapping[str, tuple[float, float]] = {
    "share": (0, 1),
    "ok_share": (0, 1),
    "seconds": (0, 3600),
    "delay_ms": (0, 3_600_000),
    "n": (1, 1_000_000),
    "megabytes": (1, 1024),
    "status": (300, 399),
}


def _check_options(options: Mapping[str, Any], where: str) -> None:
    for name, (least, most) in _RANGES.items():
        value = options.get(name, least)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ConfigError(f"{where}: {name} is a number")
        if not least <= value <= most:
            raise ConfigError(f"{where}: {name} is from {least} to {most}")
    if options.get("how", "rst") not in ("rst", "fin"):
        raise ConfigError(f"{where}: how is rst or fin")
