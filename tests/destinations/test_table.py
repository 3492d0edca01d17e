"""The page that says what each destination does says what the code and these tests do."""

from __future__ import annotations

import destination_table
from destination_forms import FORMS
from destination_table import ENTRIES, PAGE

from tailrace.connections.base import Destination
from tailrace.connections.registry import TYPES


def test_the_page_of_destinations_is_what_code_and_tests_say() -> None:
    made = destination_table.page(destination_table.contract())
    assert PAGE.read_text(encoding="utf-8") == made, (
        "python tests/support/destination_table.py --write makes it anew"
    )


def test_every_destination_has_a_line_and_a_page() -> None:
    offered = {name for name, kind in TYPES.items() if issubclass(kind, Destination)}
    listed = {entry.name for entry in ENTRIES}
    assert offered <= listed
    assert {form.type or form.vendor for form in FORMS} <= listed
    assert all((PAGE.parent / f"{name}.md").exists() for name in listed)
