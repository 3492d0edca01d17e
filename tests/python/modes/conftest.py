"""The table of modes, cell by cell, with nothing faked: DuckDB, the core and the sandbox.

Two forms of destination are asked: HubSpot, and an API that declares every operation.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

HERE = Path(__file__).resolve().parent
# Test modules are imported by path, so a module beside them is found only here.
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "support")]

from destination_forms import KEY, Form  # noqa: E402
from mode_forms import API, BULK, EVENTS, HUBSPOT, NOTES, PICKY  # noqa: E402
from sync_fixtures import ground, make_world, timing  # noqa: E402, F401
from sync_world import SECRET, World  # noqa: E402

from tailrace.demo.temporary_postgres import TemporaryPostgres  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Tool:
    """The destination as a person uses it: edits past the sync."""

    world: World

    def edit(self, key: str, field: str, value: str) -> None:
        """Change a field of a record in the tool."""
        self._upsert({KEY: key, field: value})

    def make(self, key: str, **fields: str) -> None:
        """Make a record in the tool."""
        self._upsert({KEY: key, **fields})

    def _upsert(self, values: dict[str, str]) -> None:
        if self.world.form.vendor == "hubspot":
            one = {"id": values[KEY], "idProperty": KEY, "properties": values}
            self._send("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": [one]})
        else:
            self._send("POST", "/rest/people", [values])

    def drop(self, key: str) -> None:
        """Delete a record in the tool."""
        if self.world.form.vendor == "hubspot":
            body = {"inputs": [{"id": self._id(key)}]}
            self._send("POST", "/crm/v3/objects/contacts/batch/archive", body)
        else:
            self._send("DELETE", f"/rest/people/{key}", None)

    def _id(self, key: str) -> str:
        records = self.world.sandbox.records("hubspot", "contacts")
        return next(str(one["id"]) for one in records if one["values"][KEY] == key)

    def _send(self, method: str, path: str, body: Any) -> None:
        request = urllib.request.Request(
            self.world.sandbox.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {SECRET}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from None


@pytest.fixture(params=[HUBSPOT, API], ids=lambda form: form.name)
def form(request: pytest.FixtureRequest) -> Form:
    """A destination that can do every mode."""
    made: Form = request.param
    return made


@pytest.fixture
def world(form: Form, make_world: Callable[..., World]) -> World:  # noqa: F811
    return make_world(form)


@pytest.fixture(scope="session")
def comma_locale() -> Iterator[Path]:
    """For LOCPATH: the locale `comma` writes one and a half as 1,5. No machine has to have one."""
    numbers = 'LC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3;3\nEND LC_NUMERIC\n'
    with tempfile.TemporaryDirectory(prefix="tailrace-locales-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # for the server's own user
        (folder / "comma.src").write_text(numbers, encoding="ascii")
        # It warns of the categories that are left out, and ends with 1 for that.
        command = ["localedef", "-c", "-i", folder / "comma.src", "-f", "ANSI_X3.4-1968"]
        subprocess.run([*command, folder / "comma"], capture_output=True, check=False)
        assert (folder / "comma" / "LC_NUMERIC").is_file()
        yield folder


@pytest.fixture(scope="session")
def postgres(comma_locale: Path) -> Iterator[TemporaryPostgres]:
    """A server for models, which knows the locale `comma`."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOCPATH", str(comma_locale))
        server = TemporaryPostgres()
        server.__enter__()
    yield server
    server.__exit__(None, None, None)


@pytest.fixture
def tool(world: World) -> Tool:
    return Tool(world)


@pytest.fixture
def api(make_world: Callable[..., World]) -> World:  # noqa: F811
    """The API alone, for what no form decides."""
    return make_world(API)


@pytest.fixture
def hubspot(make_world: Callable[..., World]) -> World:  # noqa: F811
    """HubSpot alone."""
    return make_world(HUBSPOT)


@pytest.fixture
def bulk(make_world: Callable[..., World]) -> World:  # noqa: F811
    """An API that takes a thousand rows a request."""
    return make_world(BULK)


@pytest.fixture
def events(make_world: Callable[..., World]) -> World:  # noqa: F811
    """An API that takes every row as a new record."""
    return make_world(EVENTS)


@pytest.fixture
def notes(make_world: Callable[..., World]) -> World:  # noqa: F811
    """HubSpot, where every row that comes may be a new record."""
    return make_world(NOTES)


@pytest.fixture
def picky(make_world: Callable[..., World]) -> World:  # noqa: F811
    """HubSpot with a level that takes two values."""
    return make_world(PICKY)
