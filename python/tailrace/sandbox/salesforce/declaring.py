"""What an org has before there is any record: its objects and fields, as they are configured or as
a real org described them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, is_count, known, saved_answer
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.fields import CHOICES, LENGTHS, NUMBERS, TYPES, Field

if TYPE_CHECKING:
    from collections.abc import Iterable

_WHERE = "vendors.salesforce"


class Declared:
    """An object and its fields, before there is any record."""

    def __init__(self, kind: facts.ObjectType, fields: Iterable[Field]) -> None:
        self.kind = kind
        self.fields = tuple(fields)


def declared(options: Mapping[str, Any]) -> list[Declared]:
    """The objects of an account: those that every account has, ``objects`` of its own, described
    ones in place of either; ``fields`` come on top.

    Raises:
        ConfigError: the configuration is wrong somewhere.
    """
    kinds = {one.name: list(one.fields) for one in facts.OBJECTS}
    types = {one.name: one for one in facts.OBJECTS}
    for position, (name, part) in enumerate((options.get("objects") or {}).items()):
        where = f"{_WHERE}.objects.{name}"
        known(part or {}, ("label", "fields", "prefix"), where)
        kind = facts.custom_object(name, position)
        types[name] = _labelled(kind, part or {})
        kinds[name] = [*kind.fields, *_fields(f"{where}.fields", (part or {}).get("fields"))]
    for described in _describes(options.get("describe")):
        name = str(described["name"])
        prefix = str(described.get("keyPrefix") or types.get(name, _unknown(name, types)).prefix)
        types[name] = facts.ObjectType(name, prefix, (), str(described.get("label", name)))
        system = {one.name for one in facts.SYSTEM}
        where = f"{_WHERE}.describe.{name}"
        read = [field_from_describe(where, one) for one in described.get("fields") or ()]
        kinds[name] = [one for one in read if one.name not in system]
    more = options.get("fields") or {}
    known(more, types, f"{_WHERE}.fields")
    for name, part in more.items():
        kinds[name] += _fields(f"{_WHERE}.fields.{name}", part)
    for name, fields in kinds.items():
        if facts.EXTERNAL_ID.name not in {one.name for one in fields}:
            fields.append(facts.EXTERNAL_ID)
        _check_references(name, fields, types)
    return [Declared(types[name], fields) for name, fields in kinds.items()]


def _labelled(kind: facts.ObjectType, part: Mapping[str, Any]) -> facts.ObjectType:
    label = str(part.get("label", kind.name.removesuffix("__c").replace("_", " ")))
    prefix = str(part.get("prefix", kind.prefix))
    return facts.ObjectType(kind.name, prefix, kind.fields, label, custom=True)


def _unknown(name: str, types: Mapping[str, Any]) -> facts.ObjectType:
    return facts.custom_object(name, 50 + len(types))


def _fields(where: str, part: Any) -> list[Field]:
    if part is not None and not isinstance(part, Mapping):
        raise ConfigError(f"{where}: a mapping of names to types is needed")
    return [field_from_config(where, name, one) for name, one in (part or {}).items()]


def _describes(given: Any) -> list[Mapping[str, Any]]:
    """Answers of ``sobjects/X/describe``, bare or as Salesforce's command line saves them."""
    listed = [] if given is None else given if isinstance(given, list) else [given]
    found = []
    for one in listed:
        answer = saved_answer(one, f"{_WHERE}.describe")
        document = answer.get("result", answer)
        if not isinstance(document, Mapping) or not isinstance(document.get("name"), str):
            raise ConfigError(f"{_WHERE}.describe: an answer of sobjects/NAME/describe is needed")
        found.append(document)
    return found


def _check_references(name: str, fields: Iterable[Field], types: Mapping[str, Any]) -> None:
    for field in fields:
        for target in field.reference_to:
            if target not in types and field.name.endswith("__c"):
                message = f"reference_to names {target!r}, which is no object here"
                raise ConfigError(f"{_WHERE}.fields.{name}.{field.name}: {message}")


_SETTINGS = (
    *("type", "label", "length", "precision", "scale", "values", "restricted", "required"),
    *("read_only", "create_only", "external_id", "unique", "case_sensitive", "reference_to"),
    *("relationship", "default"),
)


_FLAGS = ("required", "read_only", "create_only", "external_id", "unique", "case_sensitive")


def field_from_config(where: str, name: str, part: Any) -> Field:
    """A field from ``name: type`` or ``name: {type, length, values, external_id, ...}``.

    Raises:
        ConfigError: something in it is wrong.
    """
    where = f"{where}.{name}"
    settings = {"type": part} if isinstance(part, str) else part
    known(settings, _SETTINGS, where)
    kind = settings.get("type", "string")
    if kind not in TYPES:
        raise ConfigError(f"{where}: type is one of {', '.join(TYPES)}, not {kind!r}")
    flag = {one: settings.get(one, False) is True for one in _FLAGS}
    default = False if kind == "boolean" else None
    return Field(
        name,
        kind,
        str(settings.get("label", name.removesuffix("__c").replace("_", " "))),
        _count(settings, "length", LENGTHS.get(kind, 0), where),
        _count(settings, "precision", 18 if kind in NUMBERS else 0, where),
        int(settings.get("scale", 2 if kind in NUMBERS else 0)),
        _belonging(settings, "values", CHOICES, where),
        settings.get("restricted", kind in CHOICES) is True,
        nillable=not flag["required"] and kind != "boolean",
        createable=not flag["read_only"],
        updateable=not flag["read_only"] and not flag["create_only"],
        defaulted=kind == "boolean" or "default" in settings,
        default=settings.get("default", default),
        external_id=flag["external_id"],
        unique=flag["unique"],
        id_lookup=flag["external_id"],
        case_sensitive=flag["case_sensitive"],
        reference_to=_belonging(settings, "reference_to", ("reference",), where),
        relationship=str(settings.get("relationship", _relationship(name, kind))),
    )


def _count(settings: Mapping[str, Any], name: str, default: int, where: str) -> int:
    value = settings.get(name, default)
    if name in settings and not is_count(value):
        raise ConfigError(f"{where}: {name} is a whole number above 0, not {value!r}")
    return int(value)


def _belonging(
    settings: Mapping[str, Any], name: str, kinds: tuple[str, ...], where: str
) -> tuple[str, ...]:
    """What fields of some types need, and others cannot have."""
    value = settings.get(name) or ()
    listed = (value,) if isinstance(value, str) else tuple(str(one) for one in value)
    if (settings.get("type", "string") in kinds) != bool(listed):
        needing = " and ".join(kinds)
        verb = "needs it" if len(kinds) == 1 else "need them"
        belongs = "belongs" if name == "reference_to" else "belong"
        raise ConfigError(f"{where}: {name} {belongs} to {needing}, which {verb}")
    return listed


def _relationship(name: str, kind: str) -> str:
    if kind != "reference":
        return ""
    return f"{name[:-3]}__r" if name.endswith("__c") else name.removesuffix("Id")


_DESCRIBED: Mapping[str, bool] = {
    **dict.fromkeys(("nillable", "createable", "updateable"), True),
    **dict.fromkeys(
        (
            *("restrictedPicklist", "defaultedOnCreate", "externalId", "idLookup", "unique"),
            *("caseSensitive", "calculated"),
        ),
        False,
    ),
}


def field_from_describe(where: str, part: Any) -> Field:
    """A field from one entry of a ``describe`` answer.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(part, Mapping) or not isinstance(part.get("name"), str):
        raise ConfigError(f"{where}: a field of a describe answer has a name and a type")
    choices = part.get("picklistValues") or []
    active = tuple(str(one["value"]) for one in choices if one.get("active", True))
    kind = str(part.get("type", "string"))
    flag = {one: part.get(one, default) is True for one, default in _DESCRIBED.items()}
    return Field(
        part["name"],
        # Types that only tools of Salesforce tell apart hold text.
        kind if kind in TYPES else "string",
        str(part.get("label", part["name"])),
        int(part.get("length") or 0),
        int(part.get("precision") or part.get("digits") or 0),
        int(part.get("scale") or 0),
        active,
        flag["restrictedPicklist"],
        flag["nillable"],
        flag["createable"],
        flag["updateable"],
        flag["defaultedOnCreate"],
        part.get("defaultValue", False if kind == "boolean" else None),
        flag["externalId"],
        flag["idLookup"],
        flag["unique"],
        flag["caseSensitive"],
        tuple(part.get("referenceTo") or ()),
        str(part.get("relationshipName") or ""),
        flag["calculated"],
    )
