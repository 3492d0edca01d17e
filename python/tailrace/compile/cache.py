"""What was compiled, kept until anything it came from changes.

An entry holds no secret: a credential is kept as the `${env:NAME}` that it was written as and put
in anew at each reading; a sync whose credential stands in a file itself is not kept at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tailrace import __version__, private_files
from tailrace.compile.compiled import Compiled
from tailrace.environment import MissingVariableError, expand, names_in
from tailrace.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT = 2

_SECRET = "$secret"  # noqa: S105  (a name of the format)
_PUBLIC = "$public"


class NotKeptError(Exception):
    """The value holds a credential that stands in a file itself."""


@dataclass(frozen=True)
class Dependencies:
    """What an entry came from, beside the project's files: times and sizes of large files, hashes
    of small ones and of variables. A file or variable that was not there is None."""

    stamps: dict[str, list[int] | None] = field(default_factory=dict)
    files: dict[str, str | None] = field(default_factory=dict)
    variables: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        large: Iterable[Path],
        small: Iterable[Path],
        variables: Iterable[str],
        environment: Mapping[str, str],
    ) -> Dependencies:
        """As they are now."""
        return cls(
            {str(path): _stamp(path) for path in large},
            {str(path): _hash_of_file(path) for path in small},
            {name: _hash(environment.get(name)) for name in variables},
        )

    def unchanged(self, environment: Mapping[str, str]) -> bool:
        """True where all of them are as they were."""
        now = Dependencies.of(
            map(Path, self.stamps), map(Path, self.files), self.variables, environment
        )
        return now == self


def _stamp(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def _hash_of_file(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _hash(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256(value.encode()).hexdigest()


@dataclass(frozen=True)
class Cache:
    """Entries of one project as it stands (`digest` of its own files) for one target."""

    folder: Path
    digest: str
    target: str | None

    def _path(self, name: str) -> Path:
        readable = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:40]
        own = hashlib.sha256(json.dumps([self.target, name]).encode()).hexdigest()[:16]
        return self.folder / f"{readable}-{own}.json"

    def _key(self, name: str) -> list[object]:
        return [FORMAT, __version__, self.digest, self.target, name]

    def read(self, name: str, environment: Mapping[str, str]) -> Any | None:
        """The value kept under `name`; None where there is none or anything has changed."""
        try:
            content = private_files.read(self._path(name))
            entry = json.loads(content) if content else None
            if not isinstance(entry, dict) or entry.get("key") != self._key(name):
                return None
            if not Dependencies(**entry["depends"]).unchanged(environment):
                return None
            return entry["value"]
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, name: str, value: Any, depends: Dependencies) -> None:
        """Keep `value`, plain values only. A folder that cannot be written is no error."""
        entry = {"key": self._key(name), "depends": asdict(depends), "value": value}
        try:
            private_files.write(self._path(name), json.dumps(entry).encode())
        except OSError:
            return


def read_compiled(cache: Cache, sync: str, environment: Mapping[str, str]) -> Compiled | None:
    """The compiled sync with its credentials put in; None where it has to be compiled anew."""
    value = cache.read(f"sync {sync}", environment)
    if not isinstance(value, dict):
        return None
    try:
        opened = {name: value[name] for name in (one.name for one in fields(Compiled))}
        for name in ("warehouse", "connection", "state"):
            opened[name] = _decode(opened[name], environment)
    except (KeyError, MissingVariableError, ValueError):
        return None
    return Compiled(**opened)


def write_compiled(
    cache: Cache,
    compiled: Compiled,
    *,
    used: Counter[str],
    large: Iterable[Path],
    small: Iterable[Path],
    environment: Mapping[str, str],
) -> None:
    """Keep a compiled sync. `used` counts the variables that were put into anything; of those
    that stand in credentials alone not even a hash is written."""
    in_secrets: Counter[str] = Counter()
    value = {one.name: getattr(compiled, one.name) for one in fields(Compiled)}
    try:
        for name in ("warehouse", "connection", "state"):
            value[name] = _encode(value[name], in_secrets)
    except NotKeptError:
        return
    depends = Dependencies.of(large, small, sorted(used - in_secrets), environment)
    cache.write(f"sync {compiled.sync}", value, depends)


def _encode(value: Any, in_secrets: Counter[str]) -> Any:
    if isinstance(value, Secret):
        if value.template is not None:
            in_secrets.update(names_in(value.template))
            return {_SECRET: value.template}
        if _is_public(value.reveal()):
            return {_PUBLIC: value.reveal()}
        raise NotKeptError
    if isinstance(value, dict):
        return {key: _encode(one, in_secrets) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(one, in_secrets) for one in value]
    return value


def _decode(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get(_SECRET), str):
            template = value[_SECRET]
            return Secret(str(expand(template, environment)), template)
        if len(value) == 1 and isinstance(value.get(_PUBLIC), str):
            return Secret(value[_PUBLIC])
        return {key: _decode(one, environment) for key, one in value.items()}
    if isinstance(value, list):
        return [_decode(one, environment) for one in value]
    return value


def _is_public(text: str) -> bool:
    """True for addresses that hold no password: they may be written down."""
    if text.startswith("sqlite:///"):
        return True
    if not text.startswith(("postgresql://", "postgres://")):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.password is None and "password" not in parts.query.lower()
