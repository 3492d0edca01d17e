"""What vendors say of their own answers: schemas out of the descriptions in tests/data/specs."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft4Validator

if TYPE_CHECKING:
    from collections.abc import Mapping

SPECS = Path(__file__).resolve().parents[2] / "data" / "specs"


class Spec:
    """One description, Swagger 2.0 or OpenAPI 3.0.

    ``loose`` are members that a schema calls required and the vendor's own examples leave out.
    """

    def __init__(self, name: str, loose: frozenset[str] = frozenset()) -> None:
        self.document = json.loads((SPECS / name).read_text(encoding="utf-8"))
        self._loose = loose
        parts = self.document.get("components", {}).get("schemas", {})
        parts = {**parts, **self.document.get("definitions", {})}
        self._schemas = {title: self._plain(one) for title, one in parts.items()}

    def problems(self, method: str, path: str, status: int, answer: Any) -> list[str]:
        """What is wrong with an answer; an empty list where nothing is.

        Raises:
            KeyError: the description has no such operation or status.
        """
        validator = self._validator(self._schema(method, path, status))
        return [f"{one.json_path}: {one.message}" for one in validator.iter_errors(answer)]

    def request_problems(self, method: str, path: str, body: Any) -> list[str]:
        """What is wrong with a request's JSON body."""
        operation = self._operation(method, path)
        schema = next(
            (one["schema"] for one in operation.get("parameters", []) if one.get("in") == "body"),
            None,
        )
        if schema is None:
            (content,) = operation["requestBody"]["content"].values()
            schema = content["schema"]
        validator = self._validator(self._plain(schema))
        return [f"{one.json_path}: {one.message}" for one in validator.iter_errors(body)]

    def parameter_problems(
        self, method: str, path: str, place: str, given: Mapping[str, str]
    ) -> list[str]:
        """What is wrong with the parameters that a request has in one place, such as `query`: ones
        that the operation does not have or that it needs."""
        known = {
            one["name"]: one
            for one in self._operation(method, path).get("parameters", [])
            if one.get("in") == place
        }
        strange = [f"{place}: no parameter {name!r}" for name in given if name not in known]
        needed = (name for name, one in known.items() if one.get("required") and name not in given)
        return strange + [f"{place}: needs {name!r}" for name in needed]

    def _operation(self, method: str, path: str) -> Any:
        for pattern, operations in self.document["paths"].items():
            parts = re.split(r"\{\w+\}", pattern)
            form = "[^/]+".join(map(re.escape, parts))
            if method.lower() in operations and re.fullmatch(form, path):
                return operations[method.lower()]
        raise KeyError(path)

    def _schema(self, method: str, path: str, status: int) -> Any:
        responses = self._operation(method, path)["responses"]
        response = responses.get(str(status)) or responses[f"{status // 100}XX"]
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].split("/")[-1]]
        if "content" in response:
            (content,) = response["content"].values()
            return self._plain(content["schema"])
        return self._plain(response["schema"])

    def _validator(self, schema: Any) -> Draft4Validator:
        return Draft4Validator({**schema, "definitions": self._schemas})

    def _plain(self, schema: Any) -> Any:
        """As JSON Schema has it: ``nullable`` is another type, references point one place."""
        if isinstance(schema, list):
            return [self._plain(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        plain = {name: self._plain(value) for name, value in schema.items() if name != "nullable"}
        if isinstance(plain.get("$ref"), str):
            plain["$ref"] = "#/definitions/" + plain["$ref"].split("/")[-1]
        if isinstance(plain.get("required"), list):
            plain["required"] = [one for one in plain["required"] if one not in self._loose]
            if not plain["required"]:
                del plain["required"]
        if schema.get("nullable") is True:
            return {"anyOf": [{"type": "null"}, plain]}
        return plain


@functools.cache
def spec(name: str, *loose: str) -> Spec:
    """A description, read once."""
    return Spec(name, frozenset(loose))
