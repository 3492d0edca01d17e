"""The fields of a Salesforce object, and how ``describe`` tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.wire import Json

TEXTS = ("string", "textarea", "phone", "url", "email", "encryptedstring", "combobox")
NUMBERS = ("double", "currency", "percent")
CHOICES = ("picklist", "multipicklist")
TYPES = (
    *(*TEXTS, *NUMBERS, *CHOICES),
    *("id", "boolean", "int", "date", "datetime", "time", "reference", "address", "base64"),
)

# What a type is where a declaration does not say; a length is in characters.
LENGTHS: Mapping[str, int] = {
    **dict.fromkeys(("string", "url", "picklist", "combobox", "encryptedstring"), 255),
    **dict.fromkeys(("id", "reference"), 18),
    "textarea": 32_768,
    "phone": 40,
    "email": 80,
    "multipicklist": 4099,
}
_SOAP: Mapping[str, str] = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
    "base64": "xsd:base64Binary",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``values`` are the active values of a choice; ``reference_to`` the objects whose
    records a reference may name, ``relationship`` the name under which the other one is reached.

    ``precision`` counts all digits of a number, ``scale`` those after the point.
    """

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    values: tuple[str, ...] = ()
    restricted: bool = False
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted: bool = False
    default: Any = None
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    case_sensitive: bool = False
    reference_to: tuple[str, ...] = ()
    relationship: str = ""
    calculated: bool = False

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.label or self.name

    @property
    def matches(self) -> bool:
        """Whether an upsert may find its record by it."""
        return self.external_id or self.id_lookup

    @property
    def required(self) -> bool:
        """Whether a new record needs a value."""
        return self.createable and not self.nillable and not self.defaulted

    @property
    def folded(self) -> bool:
        """Whether values that differ by case alone are the same one."""
        return not self.case_sensitive and self.type != "id"


def as_json(field: Field) -> Json:
    """A field as ``describe`` shows it."""
    text = field.type in TEXTS or field.type in CHOICES
    return {
        "name": field.name,
        "label": field.title,
        "type": field.type,
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "length": field.length,
        "byteLength": field.length * 3,
        "digits": field.precision if field.type == "int" else 0,
        "precision": field.precision if field.type in NUMBERS else 0,
        "scale": field.scale,
        "nillable": field.nillable,
        "createable": field.createable,
        "updateable": field.updateable,
        "defaultedOnCreate": field.defaulted,
        "defaultValue": field.default,
        "externalId": field.external_id,
        "idLookup": field.id_lookup,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": one, "validFor": None, "value": one}
            for one in field.values
        ],
        "restrictedPicklist": field.restricted,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship or None,
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "calculated": field.calculated,
        "custom": field.name.endswith("__c"),
        "filterable": field.type not in ("address", "base64") and field.length <= 4000,
        "sortable": field.type not in ("address", "base64", "multipicklist"),
        "groupable": text and field.length <= 255,
        "autoNumber": False,
        "compoundFieldName": None,
        "inlineHelpText": None,
        "nameField": field.name == "Name",
        "permissionable": field.name.endswith("__c"),
        "deprecatedAndHidden": False,
    }
