"""`@tailrace.destination`: a function that takes batches, and where it is found."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args, overload

from tailrace.functions.batch import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, ModuleType

F = TypeVar("F", bound="Callable[..., Any]")
Form = Literal["dicts", "arrow"]

MOST_ROWS = 100_000
_OPERATIONS: tuple[str, ...] = get_args(Operation)
# Functions that no import finds again: those of a notebook, a script or a test.
_KNOWN: dict[str, Function[Any]] = {}


@dataclass(frozen=True)
class Function(Generic[F]):
    """A function with what the core has to know of it. It is called as it was before."""

    call: F
    batch_rows: int
    operations: tuple[str, ...]
    rows: Form
    idempotency_s: float | None

    @property
    def name(self) -> str:
        """Where it is found: `module:function`."""
        return f"{self.call.__module__}:{self.call.__qualname__}"

    @property
    def file(self) -> Path | None:
        """The file that it stands in, where there is one."""
        found = inspect.getsourcefile(self.call)
        return Path(found) if found and Path(found).is_file() else None

    def connection(self, **settings: Any) -> dict[str, Any]:
        """The connection that calls it, for `tailrace.run(…, connections={…})`."""
        return {"type": "python", "function": self.name, **settings}

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.call(*arguments, **named)


@overload
def destination(function: F) -> Function[F]: ...
@overload
def destination(
    *,
    batch_rows: int = ...,
    operations: Iterable[str] = ...,
    rows: Form = ...,
    idempotency: float | None = ...,
) -> Callable[[F], Function[F]]: ...
def destination(
    function: F | None = None,
    *,
    batch_rows: int = 500,
    operations: Iterable[str] = ("upsert",),
    rows: Form = "dicts",
    idempotency: float | None = None,
) -> Function[F] | Callable[[F], Function[F]]:
    """Make a function a destination.

    It gets a `Batch` and returns what became of its rows: an `Outcome` for each, in their order; a
    mapping of positions to Outcomes, in which rows that are not named were accepted; or None where
    every row was. An exception leaves every row unknown, unless it is `TryLater` or `BatchRefused`
    (nothing was done) or `ConfigError` (the run ends).

    Args:
        batch_rows: The most rows of a batch.
        operations: What it can do, of upsert, update, insert, delete, archive and clear.
        rows: What `Batch.rows` is: dicts, or a table of pyarrow.
        idempotency: For how many seconds the function honours `Batch.idempotency_key`: a batch of
            inserts that comes again under it is applied once.

    Raises:
        ValueError: An argument is none of these.
    """
    known = tuple(dict.fromkeys(operations))
    if not known or set(known) - set(_OPERATIONS):
        raise ValueError(f"operations must be of {', '.join(_OPERATIONS)}")
    if isinstance(batch_rows, bool) or not 1 <= batch_rows <= MOST_ROWS:
        raise ValueError(f"batch_rows must be from 1 to {MOST_ROWS}")
    if rows not in get_args(Form):
        raise ValueError(f"rows must be one of {', '.join(get_args(Form))}")
    if idempotency is not None and idempotency <= 0:
        raise ValueError("idempotency must be a number of seconds")

    def make(chosen: F) -> Function[F]:
        if inspect.iscoroutinefunction(chosen) or inspect.isgeneratorfunction(chosen):
            raise ValueError(f"{chosen.__qualname__} must be a plain function, that returns")
        made = Function(chosen, batch_rows, known, rows, idempotency)
        _KNOWN[made.name] = made
        return made

    return make if function is None else make(function)


def find(named: str, directory: str) -> Function[Any]:
    """The function of `module:function`, or of `folder/file.py:function` below `directory`.

    Raises:
        ValueError: There is none, or it is no destination.
    """
    place, mark, name = named.rpartition(":")
    if not mark or not place or not name:
        raise ValueError(f"{named!r} is not module:function or file.py:function")
    if not place.endswith(".py") and named in _KNOWN:
        return _KNOWN[named]
    module = _of_file(directory, place) if place.endswith(".py") else _of_name(place)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise ValueError(f"{place} has no {name!r}")
    if not isinstance(found, Function):
        raise ValueError(f"{named} is no destination: put @tailrace.destination over it")
    return found


class _AsItIs(SourceFileLoader):
    """Reads the file itself: what Python has compiled of it before is taken for it where the two
    are of one second and one length, and would be left in the project's folder."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        """Compiled anew."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _of_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ValueError(f"{name} cannot be imported: {_told(error)}") from error


def _of_file(directory: str, place: str) -> ModuleType:
    root = Path(directory).resolve()
    path = (root / place).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"{place} is not in the project's folder")
    if not path.is_file():
        raise ValueError(f"there is no file {place}")
    name = "tailrace_destination_" + "".join(c if c.isalnum() else "_" for c in str(path))
    loader = _AsItIs(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # noqa: S101  (a loader was given)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ValueError(f"{place} cannot be loaded: {_told(error)}") from error
    return module


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
