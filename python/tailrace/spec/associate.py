"""`associate`: what the records of a sync are linked to."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tailrace.spec.values import Strict, Text


class AssociateType(Strict):
    """A kind of link by its number, for tools that have several between two objects."""

    category: Literal["HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED"]
    id: int = Field(ge=1, le=2_147_483_647)


class Associate(Strict):
    """Each record is linked to the record of the object `to` whose unique field `by` has the value
    of the model's `column`."""

    to: Text
    by: Text
    column: Text
    type: AssociateType | None = None

    @property
    def name(self) -> str:
        """What the column is called among the fields, in plans and reasons."""
        return f"associate:{self.to}"

    def core_dict(self) -> dict[str, Any]:
        """The run spec's form; where the values come from is the SELECT's."""
        link: dict[str, Any] = {"to": self.to, "by": self.by}
        if self.type is not None:
            link |= {"category": self.type.category, "type": self.type.id}
        return link
