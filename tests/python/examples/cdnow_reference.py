"""The CDNOW scores once more, in plain Python from the raw file, and the models' likelihoods.

Written from the papers that examples/cdnow/dbt/models/customer_health.sql names, not from the SQL.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Order:
    customer_id: str
    day: date
    dollars: Decimal


def read_orders(path: Path) -> list[Order]:
    orders = []
    for line in path.read_text(encoding="ascii").splitlines()[1:]:
        customer_id, day, _cds, dollars = line.split()
        ordered = datetime.strptime(day, "%Y%m%d").date()  # noqa: DTZ007
        orders.append(Order(customer_id, ordered, Decimal(dollars)))
    return orders


@dataclass
class History:
    """One customer's orders up to a day."""

    as_of: date
    orders: list[Order]

    def __post_init__(self) -> None:
        self.by_day: dict[date, Decimal] = defaultdict(Decimal)
        for order in self.orders:
            self.by_day[order.day] += order.dollars
        self.first = min(self.by_day)
        self.last = max(self.by_day)
        self.repeats = len(self.by_day) - 1
        paid = [v for day, v in self.by_day.items() if day > self.first and v > 0]
        self.paid_repeats = len(paid)
        self.repeat_dollars = sum(paid, Decimal(0))
        self.weeks_to_last = (self.last - self.first).days / 7
        self.weeks = (self.as_of - self.first).days / 7

    @property
    def total(self) -> Decimal:
        return sum((order.dollars for order in self.orders), Decimal(0))

    @property
    def average(self) -> Decimal:
        return (self.total / len(self.orders)).quantize(CENT, ROUND_HALF_UP)


def histories(orders: Iterable[Order], as_of: date) -> dict[str, History]:
    grouped: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        if order.day <= as_of:
            grouped[order.customer_id].append(order)
    return {customer_id: History(as_of, own) for customer_id, own in grouped.items()}


def alive(history: History, settings: Mapping[str, float]) -> float:
    """P(alive | x, t_x, T) of the MBG/NBD model."""
    r, alpha = settings["purchase_rate_shape"], settings["purchase_rate_scale"]
    a, b = settings["dropout_alpha"], settings["dropout_beta"]
    gone = (a / (b + history.repeats)) * math.pow(
        (alpha + history.weeks) / (alpha + history.weeks_to_last), r + history.repeats
    )
    return 1 / (1 + gone)


def value_next_year(history: History, settings: Mapping[str, float]) -> float:
    """Expected dollars in 52 weeks, before rounding."""
    r, alpha = settings["purchase_rate_shape"], settings["purchase_rate_scale"]
    a, b = settings["dropout_alpha"], settings["dropout_beta"]
    p, q = settings["spend_shape"], settings["spend_rate_shape"]
    rate = (r + history.repeats) / (alpha + history.weeks)
    dropout = a / (a + b + history.repeats + 1)
    orders = alive(history, settings) * -math.expm1(-dropout * rate * 52) / dropout
    spend = p * (settings["spend_scale"] + float(history.repeat_dollars))
    return orders * spend / (p * history.paid_repeats + q - 1)


def purchase_likelihood(known: Iterable[History], settings: Mapping[str, float]) -> float:
    """The log likelihood of the MBG/NBD model."""
    r, alpha = settings["purchase_rate_shape"], settings["purchase_rate_scale"]
    a, b = settings["dropout_alpha"], settings["dropout_beta"]
    cases = Counter((h.repeats, h.weeks_to_last, h.weeks) for h in known)
    total = 0.0
    for (x, weeks_to_last, weeks), count in cases.items():
        common = math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) - _log_beta(a, b)
        stays = _log_beta(a, b + x + 1) - (r + x) * math.log(alpha + weeks)
        left = _log_beta(a + 1, b + x) - (r + x) * math.log(alpha + weeks_to_last)
        high, low = max(stays, left), min(stays, left)
        total += count * (common + high + math.log1p(math.exp(low - high)))
    return total


def spend_likelihood(known: Iterable[History], settings: Mapping[str, float]) -> float:
    """The log likelihood of the gamma-gamma model over customers with a paid repeat purchase."""
    p, q = settings["spend_shape"], settings["spend_rate_shape"]
    gamma = settings["spend_scale"]
    total = 0.0
    for history in known:
        x = history.paid_repeats
        if x == 0:
            continue
        mean = float(history.repeat_dollars) / x
        total += math.lgamma(p * x + q) - math.lgamma(p * x) - math.lgamma(q)
        total += q * math.log(gamma) + (p * x - 1) * math.log(mean) + p * x * math.log(x)
        total -= (p * x + q) * math.log(gamma + mean * x)
    return total


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
