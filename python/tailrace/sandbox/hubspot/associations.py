"""HubSpot's associations: which records are linked to which, by which kinds.

A link is seen from both its ends. What is linked already may be linked again; an input whose
record is not there, or is archived, fails by itself. The answers name the records that they are
about, and none in the order of the inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.hubspot import facts
from tailrace.sandbox.hubspot.answers import json_body, refuse
from tailrace.sandbox.records import Collection
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping

    from tailrace.sandbox.hubspot.store import Store

_DEFINED = "HUBSPOT_DEFINED"


@dataclass(frozen=True, slots=True)
class Label:
    """A kind of link that the account made itself."""

    start: str
    end: str
    number: int
    name: str


def labels_from(declared: Any, where: str) -> tuple[Label, ...]:
    """``association_labels``: a list of ``{from, to, id, label}``. Raises ConfigError."""
    if not isinstance(declared, list):
        raise ConfigError(f"{where}: a list of {{from, to, id, label}} is needed")
    found = []
    for one in declared:
        known(one, ("from", "to", "id", "label"), where)
        if len(one) != 4 or not isinstance(one["id"], int):
            raise ConfigError(f"{where}: from, to, id (a number) and label are needed")
        found.append(Label(one["from"], one["to"], one["id"], str(one["label"])))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Pair:
    """One input: two records, and the kinds of the link as (category, number)."""

    start: str
    end: str
    kinds: tuple[tuple[str, int], ...]


class Associations:
    """The links of one account. ``stores`` has its objects by all of their names."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        labels: tuple[Label, ...],
        seed: int,
        wall_ms: Callable[[], int],
    ) -> None:
        self._stores = stores
        self._labels = labels
        self._seed = seed
        self._wall_ms = wall_ms
        self._records = Collection("associations", ("pair",))

    def routes(self) -> list[Route]:
        """Batches, the links of one record, the kinds between two objects."""
        pair = r"/crm/v4/associations/(?P<start>[^/]+)/(?P<end>[^/]+)"
        one = r"/crm/v4/objects/(?P<start>[^/]+)/(?P<id>[^/]+)/associations/(?P<end>[^/]+)"
        return [
            route("POST", rf"{pair}/batch/associate/default", self._read_default),
            route("POST", rf"{pair}/batch/create", self._read_create),
            route("POST", rf"{pair}/batch/archive", self._read_archive),
            route("POST", rf"{pair}/batch/read", self._read_batch_read),
            route("GET", rf"{pair}/labels", self._read_labels),
            route("GET", one, self._read_one),
        ]

    def collection(self) -> Collection:
        """All links whose two records are there."""
        for record in list(self._records):
            values = record.values
            ends = ((values["from"], values["from_id"]), (values["to"], values["to_id"]))
            if any(self._stores[name].records.get(number) is None for name, number in ends):
                self._records.remove(record, self._wall_ms())
        return self._records

    # -- kinds -----------------------------------------------------------------------------------

    def _store(self, match: re.Match[str], end: str) -> Store:
        asked = unquote(match[end])
        store = self._stores.get(asked)
        if store is None:
            message = f"Unable to infer object type from: {asked}"
            raise refuse(400, message, "VALIDATION_ERROR")
        return store

    def _ends(self, match: re.Match[str]) -> tuple[Store, Store]:
        return self._store(match, "start"), self._store(match, "end")

    def _kinds(self, start: Store, end: Store) -> dict[tuple[str, int], str | None]:
        """The kinds between two objects, in this direction, each with its label."""
        names = (start.type.name, end.type.name)
        numbers = facts.ASSOCIATION_TYPES.get(names, (facts.CUSTOM_ASSOCIATION_TYPE,))
        found: dict[tuple[str, int], str | None] = {(_DEFINED, numbers[0]): None}
        found |= {(_DEFINED, number): facts.PRIMARY for number in numbers[1:]}
        own = [one for one in self._labels if (one.start, one.end) == names]
        return found | {("USER_DEFINED", one.number): one.name for one in own}

    def _read_labels(self, _request: Request, match: re.Match[str]) -> Call:
        start, end = self._ends(match)

        def run(_: Call) -> Reply:
            results = [
                {"category": category, "typeId": number, "label": label}
                for (category, number), label in self._kinds(start, end).items()
            ]
            return Reply(200, {"results": results})

        return Call("labels", "associations", [], run)

    # -- writing ---------------------------------------------------------------------------------

    def _read_default(self, request: Request, match: re.Match[str]) -> Call:
        start, end = self._ends(match)
        kind = next(iter(self._kinds(start, end)))
        back = next(iter(self._kinds(end, start)))
        pairs = [_pair(one, (kind,)) for one in self._inputs(request)]

        def shown(pair: Pair) -> list[Json]:
            there = {"from": {"id": pair.start}, "to": {"id": pair.end}}
            here = {"from": {"id": pair.end}, "to": {"id": pair.start}}
            return [
                {**there, "associationSpec": _spec(kind)},
                {**here, "associationSpec": _spec(back)},
            ]

        return self._writing("associate_default", start, end, pairs, shown)

    def _read_create(self, request: Request, match: re.Match[str]) -> Call:
        start, end = self._ends(match)
        kinds = self._kinds(start, end)
        pairs = [_pair(one, _kinds_of(one)) for one in self._inputs(request)]
        for pair in pairs:
            for kind in pair.kinds:
                if kind not in kinds:
                    names = f"{start.type.number} and {end.type.number}"
                    message = f"invalid association type {kind[1]} ({kind[0]}) between {names}"
                    raise refuse(400, message)

        def shown(pair: Pair) -> list[Json]:
            labels = [kinds[kind] for kind in pair.kinds if kinds[kind] is not None]
            return [
                {
                    "fromObjectTypeId": start.type.number,
                    "fromObjectId": pair.start,
                    "toObjectTypeId": end.type.number,
                    "toObjectId": pair.end,
                    "labels": labels,
                }
            ]

        return self._writing("associate", start, end, pairs, shown)

    def _writing(
        self,
        op: str,
        start: Store,
        end: Store,
        pairs: list[Pair],
        shown: Callable[[Pair], list[Json]],
    ) -> Call:

        def run(call: Call) -> Reply:
            started_ms = self._wall_ms()
            results: list[Json] = []
            errors: list[Json] = []
            for at, pair in enumerate(pairs):
                error = _missing(start, end, pair)
                if error is None and at in call.refuse:
                    error = _error(call.refuse[at], {"fromObjectId": [pair.start]})
                if error is None:
                    self._put(start, end, pair)
                    results += shown(pair)
                    call.applied += 1
                else:
                    errors.append(error)
                    call.rejected += 1
            # The default's endpoint has one status for all answers.
            status = 200 if op == "associate_default" else 207 if errors else 201
            return self._answer(status, results, errors, started_ms)

        return Call(op, "associations", [pair.start for pair in pairs], run)

    def _put(self, start: Store, end: Store, pair: Pair) -> None:
        key, mirrored = (
            _key(start, pair.start, end, pair.end),
            _key(end, pair.end, start, pair.start),
        )
        held = self._records.find("pair", key) or self._records.find("pair", mirrored)
        kinds = [f"{category}:{number}" for category, number in pair.kinds]
        if held is not None:
            types = sorted({*held.values["types"], *kinds})
            self._records.update(held, {"types": types}, self._wall_ms(), key=held.values["pair"])
            return
        values = {
            "pair": key,
            "from": start.type.name,
            "from_id": pair.start,
            "to": end.type.name,
            "to_id": pair.end,
            "types": kinds,
        }
        self._records.create(values, self._wall_ms(), key=key)

    def _read_archive(self, request: Request, match: re.Match[str]) -> Call:
        start, end = self._ends(match)
        pairs = [
            (_id(one, "from"), _id(two, "to"))
            for one in self._inputs(request)
            for two in _list(one.get("to"))
        ]

        def run(call: Call) -> Reply:
            for one, two in pairs:
                for key in (_key(start, one, end, two), _key(end, two, start, one)):
                    held = self._records.find("pair", key)
                    if held is not None:
                        self._records.remove(held, self._wall_ms(), key=key)
                        call.applied += 1
            return Reply(204)

        return Call("dissociate", "associations", [one for one, _ in pairs], run)

    # -- reading ---------------------------------------------------------------------------------

    def _read_one(self, _request: Request, match: re.Match[str]) -> Call:
        start, end = self._ends(match)
        number = unquote(match["id"])

        def run(_: Call) -> Reply:
            if start.records.get(number) is None:
                message = facts.MISSING.format(start.type.singular.upper())
                raise refuse(404, message, "OBJECT_NOT_FOUND")
            return Reply(200, {"results": self._linked(start, number, end)})

        return Call("links", "associations", [number], run)

    def _read_batch_read(self, request: Request, match: re.Match[str]) -> Call:
        start, end = self._ends(match)
        numbers = [_number(one) for one in self._inputs(request, facts.MAX_ASSOCIATIONS_READ)]

        def run(_: Call) -> Reply:
            started_ms = self._wall_ms()
            results: list[Json] = []
            for number in numbers:
                linked = self._linked(start, number, end)
                if linked:
                    results.append({"from": {"id": number}, "to": linked})
            return self._answer(200, results, [], started_ms)

        return Call("read_links", "associations", numbers, run)

    def _linked(self, start: Store, number: str, end: Store) -> list[Json]:
        here, there = (start.type.name, number), end.type.name
        found: list[Json] = []
        for record in self.collection():
            one, two = record.values, dict(record.values)
            two |= {"from": one["to"], "from_id": one["to_id"]}
            two |= {"to": one["from"], "to_id": one["from_id"]}
            for values in (one, two):
                if (values["from"], values["from_id"], values["to"]) == (*here, there):
                    types = one["types"] if values is one else []
                    found.append(self._link_json(start, end, values["to_id"], types))
        return found

    def _link_json(self, start: Store, end: Store, number: str, types: Iterable[str]) -> Json:
        kinds = self._kinds(start, end)
        default = next(iter(kinds))
        told = {default, *((one.split(":")[0], int(one.split(":")[1])) for one in types)}
        shown = [
            {"category": kind[0], "typeId": kind[1], "label": label}
            for kind, label in kinds.items()
            if kind in told
        ]
        return {"toObjectId": int(number), "associationTypes": shown}

    # -- requests and answers --------------------------------------------------------------------

    def _inputs(self, request: Request, most: int = facts.MAX_ASSOCIATIONS) -> list[dict[str, Any]]:
        body = json_body(request)
        inputs = body.get("inputs") if isinstance(body, dict) else None
        if not isinstance(inputs, list) or not inputs:
            raise refuse(400, "Invalid input: some required fields were not set: [inputs]")
        if len(inputs) > most:
            message = f"The maximum number of inputs supported in a batch request is {most}."
            raise refuse(400, message)
        if not all(isinstance(one, dict) for one in inputs):
            raise refuse(400, "Invalid input JSON: inputs are objects")
        return inputs

    def _answer(
        self, status: int, results: list[Json], errors: list[Json], started_ms: int
    ) -> Reply:
        Random(f"{self._seed}:{len(results)}").shuffle(results)  # noqa: S311
        body: dict[str, Json] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": iso_ms(started_ms),
            "completedAt": iso_ms(self._wall_ms()),
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return Reply(status, body)


def _spec(kind: tuple[str, int]) -> Json:
    return {"associationCategory": kind[0], "associationTypeId": kind[1]}


def _key(start: Store, one: str, end: Store, two: str) -> str:
    return f"{start.type.name}:{one}>{end.type.name}:{two}"


def _number(one: Mapping[str, Any]) -> str:
    value = one.get("id")
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not (isinstance(value, str) and value.isascii() and value.isdigit()):
        raise refuse(400, f"Invalid input: {value!r} is not the id of a record")
    return str(value)


def _id(one: Any, name: str) -> str:
    inner = one.get(name) if isinstance(one, dict) and name == "from" else one
    if not isinstance(inner, dict):
        raise refuse(400, f"Invalid input: some required fields were not set: [{name}]")
    return _number(inner)


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise refuse(400, "Invalid input JSON: to is a list")
    return value


def _pair(one: dict[str, Any], kinds: tuple[tuple[str, int], ...]) -> Pair:
    for name in one.keys() - {"from", "to", "types"}:
        raise refuse(400, f'Invalid input JSON: Unrecognized field "{name}"')
    return Pair(_id(one, "from"), _id(one.get("to"), "to"), kinds)


def _kinds_of(one: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    kinds = []
    for kind in _list(one.get("types")):
        if not isinstance(kind, dict) or not isinstance(kind.get("associationTypeId"), int):
            raise refuse(400, "Invalid input JSON: types have an associationTypeId")
        kinds.append((str(kind.get("associationCategory")), kind["associationTypeId"]))
    if not kinds:
        raise refuse(400, "Invalid input: some required fields were not set: [types]")
    return tuple(kinds)


def _missing(start: Store, end: Store, pair: Pair) -> Json | None:
    """The error of an input whose records are not both there."""
    if start.records.get(pair.start) is None:
        return _not_found(start, {"fromObjectId": [pair.start]}, "FROM")
    if end.records.get(pair.end) is None:
        return _not_found(end, {"fromObjectId": [pair.start], "toObjectId": [pair.end]}, "TO")
    return None


def _not_found(store: Store, context: dict[str, list[str]], end: str) -> Json:
    message = facts.MISSING.format(store.type.singular.upper())
    code = f"crm.associations.{end}_OBJECT_NOT_FOUND"
    return {**_error(message, context, "OBJECT_NOT_FOUND"), "subCategory": code}


def _error(
    message: str, context: dict[str, list[str]], category: str = "VALIDATION_ERROR"
) -> dict[str, Json]:
    return {"status": "error", "category": category, "message": message, "context": context}
