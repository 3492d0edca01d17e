"""examples/health_scores, and the benchmark that measures it: half of the accounts change, and the
next run sends those, within the vendors' limits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "benchmarks"))

from health_scores import EXAMPLE, LIMITS, VENDORS, Limit, measure  # noqa: E402

SYNCS = {f"health_to_{vendor}" for vendor in VENDORS}


def test_half_of_the_accounts_change_and_the_next_run_sends_those_within_the_limits(
    tmp_path: Path,
) -> None:
    """On a small scale: how near to the limits a run comes is the benchmark's to say."""
    small = {
        "salesforce": Limit(),
        "zendesk": LIMITS["zendesk"],  # of a minute, and no less: its headers say so
        "marketo": Limit(1, 1.0),
        "hubspot": Limit(2, 1.0),
    }
    rows = 300
    fewest = {"salesforce": 2, "zendesk": 3, "marketo": 1, "hubspot": 3}
    for one in measure(2 * rows, tmp_path, small):
        assert (one.changed, one.accepted) == (rows, rows), one.line()
        assert one.calls >= fewest[one.vendor], one.line()
        assert one.seconds >= small[one.vendor].least_s(fewest[one.vendor]), one.line()
        assert (one.least_s > 0) or one.vendor != "hubspot", one.line()


def test_what_the_limits_allow_is_reckoned_from_the_calls() -> None:
    assert LIMITS["zendesk"].least_s(500) == 60
    assert LIMITS["zendesk"].least_s(400) == LIMITS["salesforce"].least_s(9) == 0
    assert LIMITS["hubspot"].least_s(500) == 20
    assert LIMITS["marketo"].least_s(167) == 60
    assert LIMITS["zendesk"].at_rate_s(500) == 75
    assert LIMITS["salesforce"].at_rate_s(9) == 0


def test_every_sync_sends_the_same_model_and_every_field_is_one_of_the_sandbox() -> None:
    syncs = [
        yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted((EXAMPLE / "syncs").glob("*.yml"))
    ]
    assert {one["name"] for one in syncs} == SYNCS
    assert {one["model"] for one in syncs} == {"ref('user_health_scores')"}
    vendors: Any = yaml.safe_load((EXAMPLE / "sandbox.yml").read_text(encoding="utf-8"))["vendors"]
    assert set(vendors) == set(VENDORS)
    assert all(one["limits"] != "none" for one in vendors.values())


def test_the_numbers_of_the_readme_are_those_of_the_benchmark() -> None:
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    assert "500 requests at 400 a minute" in text
    assert LIMITS["zendesk"] == Limit(400, 60)
    assert "50,000 changed each" in text
