"""What Airflow learns of the package, and what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.resources import files

import jsonschema

import airflow_provider_tailrace
from airflow_provider_tailrace import get_provider_info
from tailrace import __version__

IMPORT = """
import socket, sys, time
import airflow.sdk.bases.operator, airflow.providers.common.compat.sdk
from airflow.sdk import BaseOperator

def refuse(*arguments):
    raise AssertionError("a socket at import")

socket.socket = refuse
before = time.perf_counter()
from airflow_provider_tailrace.operators.sync import TailraceSyncOperator
operator = TailraceSyncOperator(task_id="send", sync="any", project_dir="/not/there")
seconds = time.perf_counter() - before
heavy = {"tailrace._core", "tailrace.project", "sqlglot", "duckdb"}
print(seconds, *sorted(heavy & set(sys.modules)))
"""


def test_the_provider_info_is_valid() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_the_entry_point_leads_to_it() -> None:
    (found,) = [
        point
        for point in entry_points(group="apache_airflow_provider")
        if point.value.startswith("airflow_provider_tailrace")
    ]
    assert found.load() is get_provider_info


def test_airflow_lists_the_provider_and_its_version() -> None:
    from airflow.providers_manager import ProvidersManager

    found = ProvidersManager().providers["tailrace"]
    assert found.version == __version__
    assert found.data["name"] == "Tailrace"


def test_versions_agree() -> None:
    assert airflow_provider_tailrace.__version__ == __version__
    assert get_provider_info()["versions"] == [__version__]


def test_every_option_has_a_default_in_airflow() -> None:
    from airflow.configuration import conf

    assert conf.getboolean("tailrace", "allow_local_state") is False
    assert conf.get("tailrace", "project_dir", fallback=None) is None


def test_importing_loads_no_engine_and_opens_no_socket() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", IMPORT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    seconds, *loaded = ended.stdout.splitlines()[-1].split()
    assert loaded == []
    assert float(seconds) < 0.2
