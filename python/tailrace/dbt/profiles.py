"""A dbt project's profile as the settings of a warehouse.

Of Jinja only `{{ env_var('NAME') }}`, with a default and the filters that make a number of it, is
understood; nothing is evaluated.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.errors import ConfigError, Problem
from tailrace.nearest import hint
from tailrace.secret import Secret
from tailrace.spec.document import Document, Section, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXPRESSION = re.compile(
    r"""\{\{\s*env_var\(\s*
        (?P<quote>['"])(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P=quote)\s*
        (?:,\s*(?P<other>['"])(?P<default>[^'"]*)(?P=other)\s*)?
        \)\s*(?:\|\s*(?:as_number|as_text|as_native|as_bool|int|string)\s*)*\}\}""",
    re.VERBOSE,
)
_KINDS = ("duckdb", "postgres")


class Profile:
    """One output of a profile. `files` are those looked at, also in vain, and `used` the variables
    asked for: for whoever keeps what comes of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.files: list[Path] = []
        self.used: set[str] = set()

    def _variable(self, name: str) -> str | None:
        self.used.add(name)
        return self._environment.get(name)

    def source(
        self,
        project: Path,
        *,
        profiles_dir: Path | None = None,
        profile: str | None = None,
        target: str | None = None,
    ) -> dict[str, Any]:
        """`kind` and settings of the warehouse, as `Warehouse.source` has them.

        Raises:
            ConfigError: A file, the profile, the target or a variable is missing, or the adapter
                is not one that can be read.
        """
        if profile is None:
            named = self._read(project / "dbt_project.yml")
            profile = self._text(named.section(), "profile")
        document = self._read(self._profiles_file(project, profiles_dir))
        section = self._choose(document.section(), profile, "profile")
        if target is None:
            has_one = isinstance(section.value, dict) and "target" in section.value
            target = self._text(section, "target") if has_one else "default"
        outputs = self._choose(section, "outputs", "key")
        output = self._choose(outputs, target, "target")
        kind = self._text(output, "type")
        if kind not in _KINDS:
            raise output.error(f"dbt's {kind} is not offered as source by this version", "type")
        return self._duckdb(output, project) if kind == "duckdb" else self._postgres(output)

    def _profiles_file(self, project: Path, profiles_dir: Path | None) -> Path:
        environment_dir = self._variable("DBT_PROFILES_DIR")
        if profiles_dir is None and environment_dir:
            profiles_dir = Path(environment_dir)
        if profiles_dir is not None:
            return profiles_dir / "profiles.yml"
        beside = project / "profiles.yml"
        self.files.append(beside)
        return beside if beside.is_file() else Path.home() / ".dbt" / "profiles.yml"

    def _read(self, path: Path) -> Document:
        try:
            content = path.read_bytes()
        except OSError as error:
            problem = Problem(f"cannot be read: {error.strerror}", str(path), 1, 1)
            raise ConfigError.of([problem]) from None
        self.files.append(path)
        return read_document(content, str(path))

    @staticmethod
    def _choose(section: Section, name: str, what: str) -> Section:
        if not isinstance(section.value, dict):
            raise section.error("must be a mapping")
        if name not in section.value:
            raise section.error(f"has no {what} {name!r}{hint(name, section.value)}")
        return section.child(name)

    def _text(self, section: Section, name: str, default: str | None = None) -> str:
        value = section.value.get(name) if isinstance(section.value, dict) else None
        if value is None:
            if default is None:
                raise section.error(f"{name!r} is missing", name)
            return default

        def put_in(match: re.Match[str]) -> str:
            found = self._variable(match["name"])
            if found is None:
                found = match["default"]
            if found is None:
                message = f"the environment variable {match['name']} is not set"
                raise section.error(message, name)
            return found

        text = _EXPRESSION.sub(put_in, str(value))
        if isinstance(value, str) and "{{" in _EXPRESSION.sub("", value):
            raise section.error("of Jinja only env_var('NAME', 'default') is read here", name)
        return text

    def _duckdb(self, output: Section, project: Path) -> dict[str, Any]:
        path = self._text(output, "path")
        return {"kind": "duckdb", "path": str(project / path)}

    def _postgres(self, output: Section) -> dict[str, Any]:
        names = {
            "host": ("host", None),
            "port": ("port", "5432"),
            "user": ("user", None),
            "dbname": ("dbname" if "dbname" in output.value else "database", None),
            "sslmode": ("sslmode", ""),
            "sslrootcert": ("sslrootcert", ""),
            "sslcert": ("sslcert", ""),
            "sslkey": ("sslkey", ""),
        }
        password = "password" if "password" in output.value else "pass"
        settings = {
            ours: self._text(output, theirs, default) for ours, (theirs, default) in names.items()
        }
        settings["password"] = self._text(output, password, "")
        pairs = [f"{name}={_quoted(value)}" for name, value in settings.items() if value]
        return {"kind": "postgres", "dsn": Secret(" ".join(pairs))}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
