"""`tailrace verify`: is what was delivered still there?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import exits, projects
from tailrace.cli.options import common, of_syncs

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.cli.settings import Settings
    from tailrace.report import Verification
    from tailrace.run_options import RunArguments


@click.command("verify")
@of_syncs
@click.option("--repair", is_flag=True, help="Send rows again whose records differ or are gone.")
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    repair: bool,
) -> int:
    """Compare the destination's records, field by field, with the rows that it acknowledged.

    Rows that have changed since are pending, and no difference. Ends with 1 where records differ,
    are missing or cannot be read; after --repair, where some are left that cannot be repaired.
    """
    from tailrace.cli.attempts import attempt_all
    from tailrace.cli.show_verification import show_verification
    from tailrace.cli.watching import watch_for

    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    watch = watch_for(settings)

    def verify(name: str) -> Verification:
        with watch.of(name) as look:
            arguments: RunArguments = {"progress": look}
            found = project.verify(name, repair=repair, **arguments)
        if not settings.json:
            settings.result(show_verification(found, repaired=repair))
        return found

    made = attempt_all(settings, names, verify)
    if settings.json:
        documents = [one.value.to_dict() if one.value else one.failure() for one in made]
        settings.result("", documents[0] if len(names) == 1 else {"verifications": documents})
    return exits.first_that_applies(
        exits.REJECTED if one.value and not _fine(one.value, repaired=repair) else one.code
        for one in made
    )


def _fine(found: Verification, *, repaired: bool) -> bool:
    return found.unreadable == 0 if repaired else found.agrees
