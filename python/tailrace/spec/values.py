"""Kinds of value that several models share, and the base of all models."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import MinLen
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema
from pydantic_core import core_schema

from tailrace.spec.document import Path  # noqa: TC001  (pydantic reads the annotation)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

_AMOUNT = re.compile(r"(?P<value>[0-9]{1,15}(\.[0-9]{1,6})?)\s*(?P<percent>%?)\Z")
_DURATION = re.compile(r"(?P<value>[0-9]{1,9}(\.[0-9]{1,3})?)\s*(?P<unit>ms|s|m|h|d)?\Z")
_SECONDS = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Strict(BaseModel):
    """A mapping of a configuration file: unknown keys are errors.

    `not_offered` names keys of the grammar that this version cannot do yet: whoever asks for one
    is told so, instead of getting a run without it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    not_offered: ClassVar[frozenset[str]] = frozenset()

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """Values that do not go together: (path within this mapping, message)."""
        yield from ()


@dataclass(frozen=True)
class Amount:
    """A number of rows, or a share in percent: `500` or `"20%"`."""

    value: float
    percent: bool = False

    def to_dict(self) -> dict[str, float | bool]:
        """The form of the run spec."""
        whole = int(self.value) if self.value == int(self.value) else self.value
        return {"value": whole, "percent": self.percent}

    @classmethod
    def parse(cls, value: object, most_percent: float | None = 100) -> Amount:
        """Raises ValueError for anything but a count or a percentage up to `most_percent`."""
        if isinstance(value, Amount):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise ValueError("must be a number of rows or a percentage such as 20%")
        match = _AMOUNT.match(str(value).strip())
        if match is None:
            raise ValueError(f"{str(value)!r} is not a number of rows or a percentage such as 20%")
        amount = cls(float(match["value"]), percent=bool(match["percent"]))
        if amount.percent and most_percent is not None and amount.value > most_percent:
            raise ValueError(f"{value} is more than {most_percent:g}%")
        if not amount.percent and amount.value != int(amount.value):
            raise ValueError(f"{value} is no whole number of rows")
        return amount

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return _amount_schema(r"^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)\s*%$")


def _amount_schema(percent: str) -> JsonSchemaValue:
    return {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": percent},
            {"type": "string", "pattern": r"\$\{env:"},
        ]
    }


# A share that may be more than all there was before.
Growth = Annotated[
    Amount,
    BeforeValidator(lambda value: Amount.parse(value, None)),
    WithJsonSchema(_amount_schema(r"^[0-9]+(\.[0-9]+)?\s*%$")),
]


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("must be a duration such as 60s, 5m or 1h")
    match = _DURATION.match(str(value).strip())
    if match is None:
        raise ValueError(f"{str(value)!r} is not a duration such as 60s, 5m or 1h")
    seconds = float(match["value"]) * _SECONDS[match["unit"]]
    if seconds <= 0:
        raise ValueError("must be longer than nothing")
    return seconds


Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)?$"},
                {"type": "string", "pattern": r"\$\{env:"},
            ]
        }
    ),
]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
Text = Annotated[str, StringConstraints(min_length=1)]


def _constant(value: object) -> str | int | float | bool:
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError("must be text, a number, true or false")


Constant = Annotated[
    Any,
    BeforeValidator(_constant),
    WithJsonSchema({"type": ["string", "number", "integer", "boolean"]}),
]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


OneOrMore = Annotated[
    tuple[Text, ...],
    MinLen(1),
    BeforeValidator(_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]
