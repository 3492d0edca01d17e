"""The sandbox as a process, and the options of a command line laid over a configuration."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tailrace.sandbox
from tailrace.sandbox import ConfigError, merged_config, run_sandbox
from tailrace.sandbox.registry import VENDORS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = str(Path(tailrace.sandbox.__file__).parents[2])


@pytest.fixture
def spawn() -> Iterator[Any]:
    """Start ``python -m tailrace.sandbox`` with these arguments, in a process group of its own."""
    started: list[subprocess.Popen[str]] = []

    def make(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tailrace.sandbox", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": ROOT},
        )
        started.append(process)
        return process

    yield make
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert match, (line, process.stderr and process.stderr.read())
    return match[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_url_serves_and_stops_on_a_signal(spawn: Any, number: int) -> None:
    process = spawn("--vendors", "hubspot,rest", "--port", "0", "--limits", "none")
    url = url_of(process)
    with urllib.request.urlopen(f"{url}/__state") as answer:
        assert answer.status == 200
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_it_reads_a_yaml_file(spawn: Any, tmp_path: Path) -> None:
    file = tmp_path / "sandbox.yml"
    file.write_text("vendors:\n  hubspot:\n    tokens: [secret-one]\n", encoding="utf-8")
    url = url_of(spawn("--config", str(file)))
    request = urllib.request.Request(
        f"{url}/crm/v3/objects/contacts", headers={"Authorization": "Bearer secret-one"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "loopback"),
        (["--vendors", "hubspott"], "did you mean 'hubspot'"),
        (["--limits", "free"], "limits"),
        (["--config", "/nowhere.yml"], "/nowhere.yml"),
    ],
)
def test_a_wrong_option_ends_with_2_and_one_line(
    spawn: Any, arguments: list[str], message: str
) -> None:
    process = spawn(*arguments)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert message in errors
    assert errors.count("\n") == 1


def test_run_sandbox_says_2_for_a_wrong_configuration(capsys: Any) -> None:
    assert run_sandbox(config={"vendor": {}}, out=io.StringIO()) == 2
    assert "did you mean 'vendors'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "sandbox.yml"), ("- 1", "mapping"), ("!!python/object:os.system {}", "tag")],
)
def test_a_wrong_file_names_itself(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "sandbox.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        merged_config(file, None, None)


def test_options_are_laid_over_the_configuration() -> None:
    config = {
        "seed": 7,
        "faults": [{"do": 503}],
        "vendors": {"hubspot": {"tokens": ["t"], "limits": "starter"}},
    }
    merged = merged_config(config, "hubspot, rest", "none")
    assert merged["vendors"] == {
        "hubspot": {"tokens": ["t"], "limits": "none"},
        "rest": {"limits": "none"},
    }
    assert (merged["seed"], merged["faults"]) == (7, [{"do": 503}])
    kept = merged_config(config, None, None)
    assert kept["vendors"] == {"hubspot": {"tokens": ["t"], "limits": "starter"}}


def test_a_tier_goes_to_the_vendors_that_know_it() -> None:
    merged = merged_config(None, None, "starter")
    others = {name: part for name, part in merged["vendors"].items() if name != "hubspot"}
    assert merged["vendors"]["hubspot"] == {"limits": "starter"}
    assert others == {name: {} for name in VENDORS if name != "hubspot"}
