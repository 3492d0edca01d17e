"""A Postgres cluster for the demo and for tests: made, started, stopped and deleted by us."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_NEEDED = ("initdb", "postgres", "createdb")
_PORT_TRIES = 3

# The data is thrown away, so nothing has to survive a power cut.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "50",
}


class PostgresUnavailableError(RuntimeError):
    """No Postgres server could be made here; the message says why and what to do."""


def find_binaries() -> Path:
    """The folder of the newest installed server's programs.

    Looks at `pg_config --bindir`, the folder of `initdb` on PATH and Debian's
    /usr/lib/postgresql/VERSION/bin, in this order.

    Raises:
        PostgresUnavailableError: none of them has a server.
    """
    for folder in _candidate_folders():
        if all((folder / name).is_file() for name in _NEEDED):
            return folder
    raise PostgresUnavailableError(
        "no PostgreSQL server is installed (initdb and postgres were not found by pg_config, on "
        "PATH or in /usr/lib/postgresql): install one, such as the package postgresql, or put its "
        "folder of programs on PATH"
    )


def _candidate_folders() -> list[Path]:
    folders: list[Path] = []
    if pg_config := shutil.which("pg_config"):
        asking = [pg_config, "--bindir"]
        asked = subprocess.run(asking, capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            folders.append(Path(asked.stdout.strip()))
    if initdb := shutil.which("initdb"):
        folders.append(Path(initdb).resolve().parent)
    debian = Path("/usr/lib/postgresql")
    versions = [path for path in debian.glob("*/bin") if path.parent.name.isdigit()]
    folders += sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    return folders


def _server_account() -> pwd.struct_passwd | None:
    """The account to run the server as: Postgres refuses root. None: the caller's own."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresUnavailableError(
        "a PostgreSQL server does not run as root, and there is neither an account postgres nor "
        "nobody to run it as"
    )


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TemporaryPostgres:
    """A cluster in a temporary folder, on loopback and a free port, with a random password.

    Use it as a context manager, or call `start` and `stop`. `stop` may be called at any time and
    more than once; it leaves neither a process nor a file.

    Attributes:
        host, port, user, password, database: what `dsn` is made of; the port is 0 before `start`.

    Raises:
        PostgresUnavailableError: by `start`, when there is no server or it does not come up.
    """

    host = "127.0.0.1"
    user = "tailrace"

    def __init__(self, database: str = "warehouse", *, start_timeout_s: float = 30.0) -> None:
        self.database = database
        self.password = secrets.token_urlsafe(18)
        self.port = 0
        self._start_timeout_s = start_timeout_s
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The connection URL, password included."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"

    def __enter__(self) -> TemporaryPostgres:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        if self._folder is not None:
            raise RuntimeError("this cluster has been started already")
        tools = _Tools(find_binaries(), _server_account(), self.password)
        folder = self._folder = Path(tempfile.mkdtemp(prefix="tailrace-postgres-"))
        try:
            self._make_cluster(tools, folder)
            self._start_server(tools, folder)
            where = ["--host", self.host, "--port", str(self.port), "--username", self.user]
            tools.run(folder, "createdb", *where, self.database)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server, by force where it does not end within 10 s, and deletes the folder."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)  # a fast shutdown: clients are dropped
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    def _make_cluster(self, tools: _Tools, folder: Path) -> None:
        password_file = folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, encoding="ascii")
        for path in (folder, password_file):
            tools.give(path)
        login = ["--username", self.user, "--pwfile", str(password_file)]
        form = ["--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"]
        tools.run(folder, "initdb", "--pgdata", str(folder / "data"), *login, *form)
        password_file.unlink()

    def _start_server(self, tools: _Tools, folder: Path) -> None:
        log = folder / "server.log"
        for _ in range(_PORT_TRIES):
            self.port = _free_port()
            settings = {**_SETTINGS, "port": str(self.port)}
            self._process = tools.launch(folder, log, settings)
            if self._wait_until_ready(self._process, folder / "data" / "postmaster.pid"):
                return
            said = log.read_text(encoding="utf-8", errors="replace")
            if "Address already in use" not in said:
                break
        raise PostgresUnavailableError(f"the PostgreSQL server did not start:\n{said[-2000:]}")

    def _wait_until_ready(self, process: subprocess.Popen[bytes], status: Path) -> bool:
        """False where the server ended by itself or is not ready in time.

        Asks the server's own status file and not the port, which could be somebody else's server.
        """
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                if "ready" in status.read_text(encoding="utf-8").split():
                    return True
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
                return False
        return False


class _Tools:
    """The server's programs, run as the account that may run them and without the caller's PG*."""

    def __init__(self, programs: Path, account: pwd.struct_passwd | None, password: str) -> None:
        self._programs = programs
        self._account = account
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # English messages: the log is searched for a port that was taken in the meantime.
        self._environment = {**kept, "LC_ALL": "C", "PGPASSWORD": password}

    def give(self, path: Path) -> None:
        """Makes the account the owner of a file or folder."""
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def run(self, folder: Path, name: str, *arguments: str) -> None:
        """Runs a program to its end; `PostgresUnavailableError` with its words where it fails."""
        ended = subprocess.run(
            [self._programs / name, *arguments],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self._identity(),
        )
        if ended.returncode != 0:
            raise PostgresUnavailableError(f"{name} failed: {ended.stderr.strip()}")

    def launch(
        self, folder: Path, log: Path, settings: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Starts a server in a process group of its own, its messages in `log`."""
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        with log.open("wb") as messages:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", folder / "data", *options],
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
                start_new_session=True,
                **self._identity(),
            )

    def _identity(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
