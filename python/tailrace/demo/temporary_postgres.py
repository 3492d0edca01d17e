"""A Postgres cluster for the demo and for tests: made, started, stopped and deleted by us."""

from __future__ import annotations

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
from types import TracebackType
from typing import Any

_NEEDED = ("initdb", "postgres", "createdb", "pg_isready")
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


class PostgresUnavailable(RuntimeError):
    """No Postgres server could be made here; the message says why and what to do."""


def find_binaries() -> Path:
    """The folder of the newest installed server's programs.

    Looks at `pg_config --bindir`, the folder of `initdb` on PATH and Debian's
    /usr/lib/postgresql/VERSION/bin, in this order.

    Raises:
        PostgresUnavailable: none of them has a server.
    """
    for folder in _candidate_folders():
        if all((folder / name).is_file() for name in _NEEDED):
            return folder
    raise PostgresUnavailable(
        "no PostgreSQL server is installed (initdb and postgres were not found by pg_config, on "
        "PATH or in /usr/lib/postgresql): install one, such as the package postgresql, or put its "
        "folder of programs on PATH"
    )


def _candidate_folders() -> list[Path]:
    folders: list[Path] = []
    if pg_config := shutil.which("pg_config"):
        asked = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
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
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable(
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
        PostgresUnavailable: by `start`, when there is no server or it does not come up.
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
        programs = find_binaries()
        account = _server_account()
        self._folder = Path(tempfile.mkdtemp(prefix="tailrace-postgres-"))
        try:
            self._make_cluster(programs, account)
            self._start_server(programs, account)
            self._run(programs / "createdb", "--host", self.host, "--port", str(self.port),
                      "--username", self.user, self.database, account=account)  # fmt: skip
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

    def _make_cluster(self, programs: Path, account: pwd.struct_passwd | None) -> None:
        assert self._folder is not None
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, encoding="ascii")
        if account is not None:
            for path in (self._folder, password_file):
                os.chown(path, account.pw_uid, account.pw_gid)
        self._run(
            programs / "initdb", "--pgdata", str(self._folder / "data"), "--username", self.user,
            "--pwfile", str(password_file), "--auth", "scram-sha-256", "--encoding", "UTF8",
            "--no-locale", "--no-sync", account=account,
        )  # fmt: skip
        password_file.unlink()

    def _start_server(self, programs: Path, account: pwd.struct_passwd | None) -> None:
        for _ in range(_PORT_TRIES):
            self.port = _free_port()
            self._launch(programs, account)
            if self._wait_until_ready(programs):
                return
            if "Address already in use" not in self._log():
                break
        raise PostgresUnavailable(f"the PostgreSQL server did not start:\n{self._log()[-2000:]}")

    def _launch(self, programs: Path, account: pwd.struct_passwd | None) -> None:
        assert self._folder is not None
        settings = {**_SETTINGS, "port": str(self.port)}
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [programs / "postgres", "-D", self._folder / "data", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
                start_new_session=True, env=self._environment(), **_as_account(account),
            )  # fmt: skip

    def _wait_until_ready(self, programs: Path) -> bool:
        """False where the server ended by itself or is not ready in time."""
        assert self._process is not None
        deadline = time.monotonic() + self._start_timeout_s
        asking = [programs / "pg_isready", "-q", "-h", self.host, "-p", str(self.port)]
        while time.monotonic() < deadline:
            if subprocess.run([*asking, "-d", "postgres"], check=False).returncode == 0:
                return self._process.poll() is None
            try:
                self._process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            return False
        return False

    def _log(self) -> str:
        assert self._folder is not None
        return (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # English messages: the log is searched for a port that was taken in the meantime.
        return {**kept, "LC_ALL": "C", "PGPASSWORD": self.password}

    def _run(self, program: Path, *arguments: str, account: pwd.struct_passwd | None) -> None:
        ended = subprocess.run(
            [program, *arguments], cwd=self._folder, env=self._environment(),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            **_as_account(account),
        )  # fmt: skip
        if ended.returncode != 0:
            raise PostgresUnavailable(f"{program.name} failed: {ended.stderr.strip()}")


def _as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
