"""``python -m tailrace.sandbox --port 8080 --config sandbox.yml``"""

from __future__ import annotations

import argparse
import sys

from tailrace.sandbox.run import run_sandbox


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tailrace.sandbox",
        description="Local stand-ins for business tools. They listen on this machine only.",
    )
    parser.add_argument("--vendors", help="names joined by commas (default: all)")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--limits", help="none, or a tier's name")
    parser.add_argument("--config", help="a YAML file")
    options = parser.parse_args(arguments)
    return run_sandbox(
        vendors=options.vendors,
        host=options.host,
        port=options.port,
        limits=options.limits,
        config=options.config,
    )


if __name__ == "__main__":
    sys.exit(main())
