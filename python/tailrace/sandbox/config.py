"""The sandbox's configuration: a mapping or a YAML file, every unknown name an error.

```yaml
seed: 0                   # of everything that looks like chance
latency_ms: 20            # or [5, 80]; 0 when left out
limits: none              # or a tier, for the vendors that have it; left out: each vendor's own
log_size: 1000            # requests that are remembered one by one
vendors:                  # left out: all of them with their defaults
  hubspot: {tokens: [pat-1], limits: starter}
  rest: {}
faults: [{match: {nth: 3}, do: 503}]
```
"""

from __future__ import annotations

import difflib
import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """The sandbox's configuration is wrong; the message names the place."""


def known(settings: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    """Refuse names that are not in ``names``, and say which one was probably meant."""
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{where}: a mapping is needed, not {type(settings).__name__}")
    allowed = sorted(names)
    for name in settings:
        if name not in allowed:
            near = difflib.get_close_matches(str(name), allowed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(allowed)}"
            raise ConfigError(f"{where}: unknown name {name!r}{hint}")


def choice(options: Mapping[str, Any], name: str, words: tuple[str, ...], where: str) -> str:
    """The word that stands under ``name``, the first where it is left out. Raises ConfigError."""
    value = options.get(name, words[0])
    if value not in words:
        raise ConfigError(f"{where}: {name} is one of {', '.join(words)}, not {value!r}")
    return str(value)


def texts(options: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    """A text or a list of them, none where it is left out. Raises ConfigError."""
    value = options.get(name) or []
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
        raise ConfigError(f"{where}: {name} is a text or a list of texts")
    return tuple(listed)


def number(options: Mapping[str, Any], name: str, default: float, where: str) -> float:
    """A number, 0 or more. Raises ConfigError."""
    value = options.get(name, default)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"{where}: {name} is a number")
    return float(value)


def is_count(value: Any) -> bool:
    """Whether it is a whole number above 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def saved_answer(given: Any, where: str) -> Mapping[str, Any]:
    """An answer that a real account gave: a document, or the JSON file at a path.

    Raises:
        ConfigError: it cannot be read, or is no JSON object.
    """
    document = given
    if isinstance(given, str):
        try:
            document = json.loads(Path(given).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{where}: {given}: {error}") from None
    if not isinstance(document, Mapping):
        raise ConfigError(f"{where}: a saved answer is a JSON object")
    return document


def saved_entries(given: Any, member: str, where: str) -> list[Mapping[str, Any]] | None:
    """The entries of a saved answer that lists them under ``member``; None where ``given`` is a
    mapping of another kind, such as a declaration.

    Raises:
        ConfigError: it is neither.
    """
    document = saved_answer(given, where)
    listed = document.get(member)
    if isinstance(listed, list) and all(isinstance(one, Mapping) for one in listed):
        return listed
    if isinstance(given, str):
        raise ConfigError(f"{where}: {given}: {member} is not a list of objects")
    return None


@dataclass(frozen=True, slots=True)
class Config:
    """A read configuration. ``vendors`` maps each name to that vendor's own part."""

    vendors: Mapping[str, Mapping[str, Any]]
    seed: int = 0
    latency_ms: tuple[float, float] = (0.0, 0.0)
    faults: Any = field(default_factory=list)
    log_size: int = 1000


Source = Mapping[str, Any] | str | Path | None

_NAMES = ("vendors", "seed", "latency_ms", "limits", "faults", "log_size")


def read_config(source: Source, available: Mapping[str, frozenset[str]]) -> Config:
    """Read a mapping, or the YAML file at a path; None is all vendors with their defaults.

    ``available`` are the vendors there are, each with its named limits.

    Raises:
        ConfigError: unreadable, or wrong somewhere.
    """
    settings = _load(source)
    known(settings, _NAMES, "sandbox")
    names = list(available)
    asked = settings.get("vendors")
    if asked is None:
        asked = {name: {} for name in names}
    elif isinstance(asked, (list, tuple)):
        asked = {name: {} for name in asked}
    known(asked, names, "vendors")
    if not asked:
        raise ConfigError("vendors: at least one is needed")
    limits = settings.get("limits")
    if limits is not None and not any(limits in available[name] for name in asked):
        names = sorted(set[str]().union(*(available[name] for name in asked)))
        raise ConfigError(f"limits: one of {', '.join(names)}, not {limits!r}")
    vendors = {}
    for name, part in asked.items():
        vendors[name] = _part(name, part, limits if limits in available[name] else None)
    return Config(
        vendors,
        _whole(settings, "seed", 0),
        _latency(settings.get("latency_ms", 0)),
        settings.get("faults") or [],
        _whole(settings, "log_size", 1000),
    )


def _part(name: str, part: Any, limits: str | None) -> Mapping[str, Any]:
    options = {} if part is None else part
    if not isinstance(options, Mapping):
        raise ConfigError(f"vendors.{name}: a mapping is needed")
    if limits is not None and "limits" not in options:
        return {**options, "limits": limits}
    return options


def _load(source: Source) -> Mapping[str, Any]:
    if source is None:
        return {}
    if isinstance(source, Mapping):
        return source
    # Only a file needs YAML, and only then is its package imported.
    import yaml

    try:
        settings = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{source}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source}: {error}") from None
    if settings is None:
        return {}
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{source}: a mapping is needed at the top")
    return settings


def _whole(settings: Mapping[str, Any], name: str, default: int) -> int:
    value = settings.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"{name}: a whole number is needed, not {value!r}")
    return value


def _latency(value: Any) -> tuple[float, float]:
    bounds = value if isinstance(value, (list, tuple)) else [value, value]
    numbers = [n for n in bounds if isinstance(n, (int, float)) and not isinstance(n, bool)]
    if len(bounds) != 2 or len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1]:
        raise ConfigError(f"latency_ms: a number or [least, most], not {value!r}")
    return float(numbers[0]), float(numbers[1])


def loopback(host: str) -> str:
    """The address to bind for ``host``.

    The sandbox has no real login and shows every row it gets, so it is never offered to a network.

    Raises:
        ConfigError: ``host`` is not this machine's loopback.
    """
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host.strip("[]")).is_loopback:
            return host.strip("[]")
    except ValueError:
        pass
    raise ConfigError(f"the sandbox listens on loopback only, not on {host!r}")
