"""`python -m tailrace.cli` is `tailrace`."""

from __future__ import annotations

from tailrace.cli.main import main

if __name__ == "__main__":
    main()
