"""Text that is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

MASK = "***"


class Secret:
    """A credential. It prints, formats, pickles and serialises as `***`.

    Args:
        value: The text.
        template: The text as the file has it, with its `${env:NAME}`; None where it stands in the
            file itself. The template may be written down, the value may not.
    """

    __slots__ = ("_value", "template")

    def __init__(self, value: str, template: str | None = None) -> None:
        self._value: str | None = value
        self.template = template

    def reveal(self) -> str:
        """The text, for the one place that needs it."""
        if self._value is None:
            raise RuntimeError(
                "a pickled secret has lost its value: read it again where it is used"
            )
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._value == other._value

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return _masked, ()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda _: MASK, return_schema=core_schema.str_schema()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "writeOnly": True}

    @classmethod
    def _validate(cls, value: object) -> Secret:
        if isinstance(value, Secret):
            return value
        if not isinstance(value, str):
            raise ValueError("must be text")
        cls._check(value)
        return cls(str(value), getattr(value, "template", None))

    @staticmethod
    def _check(text: str) -> None:
        """Raises ValueError for what no such secret is."""
        if not text:
            raise ValueError("is empty")
        if any(ord(character) < 32 for character in text):
            raise ValueError("has a control character in it")


def _masked() -> Secret:
    secret = Secret("")
    secret._value = None  # noqa: SLF001  (the class's own second constructor)
    return secret


def revealed_in(value: object) -> Iterator[str]:
    """The text of every secret in a value, however deep: for whoever masks them in logs."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, (dict, list, tuple)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from revealed_in(part)
