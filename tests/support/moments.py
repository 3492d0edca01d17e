"""Runs that die, or lose their state store, at an exact moment: what moment.cpp sees from inside.

Between two instructions of a run nothing outside can tell the one from the other; a library that is
loaded before all others can. It counts what the process does to the outside and kills it there.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from state_stores import State
    from sync_world import World

SOURCE = Path(__file__).resolve().parent / "moment.cpp"


@dataclass(frozen=True)
class Moment:
    """`after`: events met one after the other, as moment.cpp has them; `do`: what happens at the
    last of them."""

    after: str
    do: str = "die_before"


def build(folder: Path) -> Path:
    """Compile the library.

    Raises:
        subprocess.CalledProcessError: There is no compiler, or it refuses.
    """
    library = folder / "moment.so"
    options = ["-std=c++20", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["c++", *options, "-o", library, SOURCE, "-ldl"], check=True)
    return library


def environment(
    library: Path, world: World, state: State, moment: Moment | None, counted: Path | None = None
) -> dict[str, str]:
    """Variables of a program that dies at the moment; `counted` is grown by a byte a step."""
    variables = {
        "LD_PRELOAD": str(library),
        "MOMENT_STORE": state.address,
        "MOMENT_TOOL": world.sandbox.url.rpartition(":")[2],
    }
    if moment is not None:
        variables |= {"MOMENT": moment.after, "MOMENT_DO": moment.do}
    if counted is not None:
        variables["MOMENT_COUNT"] = str(counted)
    return variables
