"""Clients for Node that others wrote, used from tests in their own words."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[1] / "build" / "conformance"


def tool(name: str) -> Path:
    """A program that `make conformance` installs."""
    found = TOOLS / name
    assert found.exists(), f"{found} is missing: run `make conformance`"
    return found


class ClientError(Exception):
    """What a client threw: its class, its name, and the fields that its users can read."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(f"{told['kind']} {told['name']}: {told['message']}")
        self.kind, self.name, self.message = told["kind"], told["name"], told["message"]
        self.fields: dict[str, Any] = told["fields"]


class Node:
    """A process that runs clients."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [tool("bin/node"), HERE / "driver.mjs", TOOLS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"HOME": str(home), "NO_PROXY": "127.0.0.1"},
        )

    def client(self, package: str, make: str, **given: Any) -> Client:
        """A client of a package, made by an expression that has the package as `library`."""
        return Client(self, self.ask({"package": package, "make": make, "given": given}))

    def ask(self, asked: dict[str, Any]) -> Any:
        """The answer of the driver."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": null}')
        if "error" not in answer:
            return answer["value"]
        assert answer["error"] is not None, f"node ended with {self._process.wait(20)}"
        raise ClientError(answer["error"])

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=20)


class Client:
    """A client that lives in the process of Node."""

    def __init__(self, node: Node, number: int) -> None:
        self._node, self._number = node, number

    def __call__(self, program: str, **given: Any) -> Any:
        """What the body of an async function returns that has this as `client`.

        Raises:
            ClientError: the client threw.
        """
        return self._node.ask({"client": self._number, "program": program, "given": given})
