"""Ways to run the sandbox: ``serve`` until a signal, ``Sandbox`` in the background of a test or a
notebook, ``run_sandbox`` for the command line."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from tailrace.sandbox.app import App, Clocks
from tailrace.sandbox.config import ConfigError, Source, loopback, read_config
from tailrace.sandbox.registry import VENDORS
from tailrace.sandbox.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

T = TypeVar("T")

READY_WITHIN_S = 20.0


def make_app(config: Source = None, clocks: Clocks | None = None) -> App:
    """The application for a configuration (a mapping, a YAML file's path, or None).

    Raises:
        ConfigError: the configuration is wrong.
    """
    limits = {name: vendor.LIMIT_NAMES for name, vendor in VENDORS.items()}
    return App(read_config(config, limits), VENDORS, clocks)


def serve(
    config: Source = None,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        config: a mapping, the path of a YAML file, or None for all vendors as they come.
        host: a loopback name or address.
        port: 0 takes a free one.
        ready: called with the URL as soon as requests are taken.

    Raises:
        ConfigError: the configuration is wrong, or ``host`` is not loopback.
        OSError: the port is taken.
    """
    asyncio.run(_serve(make_app(config), loopback(host), port, ready))


async def _serve(app: App, host: str, port: int, ready: Callable[[str], None] | None) -> None:
    server = Server(app)
    await server.start(host, port)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        if ready is not None:
            ready(server.url)
        await stopped.wait()
    finally:
        await server.stop()


class Sandbox:
    """A sandbox in a thread of its own; a context manager.

    >>> with Sandbox({"vendors": {"hubspot": {"limits": "none"}}}) as sandbox:
    ...     connection = {"type": "hubspot", "base_url": sandbox.url}

    All methods may be called from any thread while it runs.

    Raises:
        ConfigError: the configuration is wrong.
        OSError: the port is taken (on entering).
    """

    def __init__(
        self,
        config: Source = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clocks: Clocks | None = None,
    ) -> None:
        self._app = make_app(config, clocks)
        self._host = loopback(host)
        self._port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.url = ""

    def __enter__(self) -> Sandbox:
        started: Future[str] = Future()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._run(started)), name="tailrace-sandbox", daemon=True
        )
        thread.start()
        self.url = started.result(READY_WITHIN_S)
        self._thread = thread
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(READY_WITHIN_S)
        self._thread = None

    async def _run(self, started: Future[str]) -> None:
        server = Server(self._app)
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            await server.start(self._host, self._port)
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(server.url)
        try:
            await self._stop.wait()
        finally:
            await server.stop()

    def _call(self, work: Callable[[], T]) -> T:
        """Run ``work`` on the sandbox's own thread, so that it never meets half a request."""
        if self._thread is None or self._loop is None:
            return work()
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised again in the caller
                result.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return result.result(READY_WITHIN_S)

    def records(self, vendor: str, name: str) -> list[dict[str, Any]]:
        """The records of one object, oldest first: ``id``, ``values``, ``created_ms``,
        ``updated_ms``, ``writes``.

        Raises:
            KeyError: there is no such vendor or object.
        """
        return self._call(lambda: self._app.records(vendor, name))

    def state(self, *, records: bool = True, writes: bool = True, last: int = 0) -> dict[str, Any]:
        """All that ``GET /__state`` shows; ``last`` is how many requests to list."""
        state = self._call(lambda: self._app.state(records=records, writes=writes, last=last))
        return dict(state)

    def log(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """The last requests (``log_size`` of them), oldest first."""
        entries = self._call(self._app.log.recent)
        return [entry for entry in entries if vendor in (None, entry["vendor"])]

    def counters(self, vendor: str) -> dict[str, Any]:
        """The request counters of one vendor since the last reset.

        Raises:
            KeyError: there is no such vendor.
        """
        return self._call(lambda: self._app.log.counters()[vendor])

    def writes(self, vendor: str, name: str) -> dict[str, int]:
        """How often each key was written, removals included.

        Raises:
            KeyError: there is no such vendor or object.
        """
        return self._call(lambda: dict(self._app.vendors[vendor].collections()[name].writes))

    def set_faults(self, schedule: Any) -> None:
        """Put a fault schedule in the place of the present one (``[]``: none).

        Raises:
            ConfigError: it is not a schedule.
        """
        self._call(lambda: self._app.faults.set(schedule, self._app.config.seed))

    def set_limits(self, limits: Any) -> None:
        """Replace rate limits: ``{vendor: limits}``, or a name such as ``none``.

        Raises:
            ConfigError: a vendor is unknown, or does not know its limits.
        """
        self._call(lambda: self._app.set_limits(limits))

    def reset(self) -> None:
        """Forget records, counters, tokens; faults and limits stay."""
        self._call(self._app.reset)


def run_sandbox(
    *,
    vendors: str | Iterable[str] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    out: TextIO | None = None,
) -> int:
    """What ``tailrace sandbox`` does; blocks until SIGINT or SIGTERM.

    The command line maps its options onto these one to one: ``--vendors hubspot,rest``,
    ``--host``, ``--port``, ``--limits none`` (or a tier's name), ``--config FILE``.

    Args:
        vendors: names, as a list or joined by commas; None takes those of ``config``, else all.
        limits: replaces the limits that ``config`` gives for the vendors that know the name.
        config: a YAML file's path or a mapping, see ``config.py``.
        out: where the URL and the list of vendors go; standard output when left out.

    Returns:
        0 after a signal; 2 for a wrong configuration or a port that is taken, with one line on
        standard error.
    """
    out = out or sys.stdout
    try:
        settings = merged_config(config, vendors, limits)
        names = ", ".join(settings["vendors"])

        def ready(url: str) -> None:
            out.write(f"Sandbox for {names} at {url} (open it in a browser; Ctrl-C stops)\n")
            out.flush()

        serve(settings, host, port, ready)
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"tailrace sandbox: {error}\n")
        return 2
    return 0


def merged_config(
    config: Source, vendors: str | Iterable[str] | None, limits: str | None
) -> dict[str, Any]:
    """A configuration with a command line's options laid over it.

    Raises:
        ConfigError: the configuration or an option is wrong.
    """
    known_limits = {name: vendor.LIMIT_NAMES for name, vendor in VENDORS.items()}
    read = read_config(config, known_limits)
    parts: dict[str, Any] = {name: dict(part) for name, part in read.vendors.items()}
    if vendors is not None:
        listed = vendors.split(",") if isinstance(vendors, str) else list(vendors)
        names = [name.strip() for name in listed if name.strip()]
        parts = {name: parts.get(name, {}) for name in names}
    settings: dict[str, Any] = {
        "vendors": parts,
        "seed": read.seed,
        "latency_ms": list(read.latency_ms),
        "faults": read.faults,
        "log_size": read.log_size,
    }
    if limits is not None:
        settings["limits"] = limits
        for name, part in parts.items():
            if limits in known_limits.get(name, ()):
                part["limits"] = limits
    return settings
