"""`tailrace sandbox`: local stand-ins for the business tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.cli.options import common
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from tailrace.cli.settings import Settings


@click.command("sandbox")
@click.option("--vendors", metavar="NAMES", help="Joined by commas; default: all.")
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any that is free.")
@click.option("--limits", metavar="NAME", help="none, or a tier such as professional.")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Accounts, properties, limits and faults, as YAML.",
)
@common
def command(
    settings: Settings,
    *,
    vendors: str | None,
    host: str,
    port: int,
    limits: str | None,
    config: Path | None,
) -> int:
    """Serve stand-ins for the business tools on this machine, until Ctrl-C.

    What arrives can be seen in a browser at the URL that is printed; it is kept in memory alone.
    """
    try:
        from tailrace import sandbox
    except ModuleNotFoundError as error:
        raise ConfigError(str(error)) from None
    try:
        merged = sandbox.merged_config(config, vendors, limits)
        names = sorted(merged["vendors"])

        def ready(url: str) -> None:
            text = f"Sandbox for {', '.join(names)} at {url} (open it in a browser; Ctrl-C stops)"
            settings.result(text, {"url": url, "vendors": names})

        sandbox.serve(merged, host, port, ready)
    except sandbox.ConfigError as error:
        raise ConfigError(f"sandbox: {error}") from None
    except OSError as error:
        raise ConfigError(f"sandbox: port {port} on {host}: {error.strerror or error}") from None
    return 0
