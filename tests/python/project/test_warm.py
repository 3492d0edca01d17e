"""What was compiled is kept, is never stale, and is read without the heavy packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tailrace
from tailrace.compile import compiler
from tailrace.errors import ConfigError

HEAVY = ("pydantic", "sqlglot", "rich", "yaml", "click")


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the syncs that were compiled."""
    names: list[str] = []
    compile_sync = compiler.compile_sync

    def counted(project: Any, name: str) -> Any:
        names.append(name)
        return compile_sync(project, name)

    monkeypatch.setattr(compiler, "compile_sync", counted)
    return names


def script(folder: Any, body: str) -> str:
    """What a fresh process prints."""
    root = Path(tailrace.__file__).parent.parent
    environment = {**os.environ, **folder.environment, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", body], env=environment, text=True, capture_output=True, check=True
    )
    return done.stdout.strip()


def test_importing_loads_nothing_heavy(folder: Any) -> None:
    body = (
        "import sys, tailrace\n"
        f"print([m for m in {(*HEAVY, 'tailrace._core', 'tailrace.project', 'json')!r} "
        "if m in sys.modules])\n"
        "print(sorted(tailrace.__all__) == dir(tailrace))"
    )
    assert script(folder, body) == "[]\nTrue"


def test_a_warm_run_loads_nothing_heavy(folder: Any, core: Any) -> None:
    folder.load().run("health")
    body = (
        "import sys, types\n"
        "class Handle:\n"
        "    def __init__(self, spec, stream): self.rows = stream.fetchall()\n"
        "    def start(self): pass\n"
        "    def wait(self, seconds): return True\n"
        '    def result(self): return \'{"status": "busy", "report": null}\'\n'
        "core = types.ModuleType('tailrace._core'); core.RunHandle = Handle\n"
        "sys.modules['tailrace._core'] = core\n"
        "import tailrace\n"
        f"project = tailrace.Project.load({str(folder.path)!r})\n"
        "assert project.syncs == project.select(['h*']) == ['health']\n"
        "try: project.run('health')\n"
        "except tailrace.Busy: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert script(folder, body) == "[]"


def test_an_unchanged_project_is_compiled_once(
    folder: Any, core: Any, compilations: list[str]
) -> None:
    for _ in range(3):
        folder.load().run("health")
    first, *others = core.specs
    for spec in others:
        for own in ("run_id", "state"):
            spec[own] = first[own]
        assert spec == first
    assert compilations == ["health"]


def touch_manifest(folder: Any) -> None:
    os.utime(folder.path / "target/manifest.json", ns=(1, 1))


def other_version(folder: Any) -> None:
    from tailrace.compile import cache

    cache.__version__ = "0.0.0"


CHANGES: dict[str, Any] = {
    "the sync": lambda one: one.change("syncs/health.yml", "score: score", "score: id"),
    "a comment": lambda one: one.change("syncs/health.yml", "mode:", "# why\nmode:"),
    "another sync": lambda one: one.write("syncs/other.yml", "name: other\n"),
    "the project": lambda one: one.change("tailrace.yml", "127.0.0.1:1", "127.0.0.1:2"),
    "the manifest's time": touch_manifest,
    "the manifest": lambda one: one.write(
        "target/manifest.json", '{"metadata": {"project_name": "x"}}'
    ),
    "a variable that is no secret": lambda one: one.environment.update(TABLE="main.users"),
    "the version": other_version,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_compiles_anew(
    *,
    folder: Any,
    core: Any,
    compilations: list[str],
    change: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tailrace.compile import cache

    monkeypatch.setattr(cache, "__version__", tailrace.__version__)
    folder.write("target/manifest.json", '{"metadata": {"project_name": "acme"}}')
    folder.change("tailrace.yml", "name: acme", "name: acme\ndbt: {}")
    folder.change("syncs/health.yml", "table: users", 'table: "${env:TABLE}"')
    folder.environment["TABLE"] = "users"
    folder.load().run("health")
    folder.load().run("health")
    assert compilations == ["health"]
    change(folder)
    folder.load().run("health")
    assert compilations == ["health"] * 2


def test_targets_do_not_share_what_is_kept(folder: Any, core: Any, compilations: list[str]) -> None:
    folder.change("tailrace.yml", "name: acme", "name: acme\ntargets: {dev: {}}")
    for target in (None, "dev", None, "dev"):
        folder.load(target).run("health")
    assert len(compilations) == 2


def test_a_new_secret_is_used_and_compiles_nothing(
    folder: Any, core: Any, compilations: list[str]
) -> None:
    folder.load().run("health")
    folder.environment["CRM_TOKEN"] = "rotated"
    folder.load().run("health")
    assert core.specs[1]["connection"]["auth"] == {"token": "rotated"}
    assert core.specs[1]["connection"]["account"] == core.specs[0]["connection"]["account"]
    assert compilations == ["health"]


def test_a_secret_that_is_gone_is_told_with_its_place(folder: Any, core: Any) -> None:
    project = folder.load()
    project.run("health")
    del folder.environment["CRM_TOKEN"]
    with pytest.raises(ConfigError, match="CRM_TOKEN is not set") as caught:
        project.run("health")
    assert (caught.value.file, caught.value.line) == ("tailrace.yml", 7)


def test_a_secret_in_the_file_itself_is_not_kept(
    folder: Any, core: Any, compilations: list[str]
) -> None:
    folder.change("tailrace.yml", "${env:CRM_TOKEN}", "canary-in-file")
    folder.load().run("health")
    folder.load().run("health")
    assert len(compilations) == 2
    for path in (folder.path / ".tailrace").rglob("*.json"):
        assert "canary-in-file" not in path.read_text()


def test_no_hash_of_a_secret_is_kept(folder: Any, core: Any) -> None:
    import hashlib

    folder.load().run("health")
    digest = hashlib.sha256(folder.environment["CRM_TOKEN"].encode()).hexdigest()
    for path in (folder.path / ".tailrace").rglob("*.json"):
        assert digest[:16] not in path.read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"key": 1}', b"\xff"])
def test_a_damaged_entry_is_compiled_anew(
    folder: Any, core: Any, compilations: list[str], content: bytes
) -> None:
    folder.load().run("health")
    for path in (folder.path / ".tailrace" / "cache").iterdir():
        path.write_bytes(content)
    folder.load().run("health")
    assert len(compilations) == 2


def test_a_change_of_the_profile_compiles_anew(
    folder: Any, core: Any, compilations: list[str]
) -> None:
    profile = "lab: {target: a, outputs: {a: {type: duckdb, path: lab.duckdb}}}\n"
    folder.write("dbt_project.yml", "profile: lab\n")
    folder.write("profiles.yml", profile)
    folder.change("tailrace.yml", "{type: duckdb, path: lab.duckdb}", "{type: dbt}")
    folder.load().run("health")
    folder.load().run("health")
    assert len(compilations) == 1
    folder.write("profiles.yml", profile + "# changed\n")
    folder.load().run("health")
    assert len(compilations) == 2
    folder.environment["DBT_PROFILES_DIR"] = str(folder.path)
    folder.load().run("health")
    assert len(compilations) == 3
