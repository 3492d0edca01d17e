"""What a Salesforce org tells of itself: versions, resources, objects, fields, limits, the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.fields import as_json
from tailrace.sandbox.salesforce.paths import VERSION, sobject_of
from tailrace.sandbox.salesforce.sobject import user_id
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.quota import Quota
    from tailrace.sandbox.salesforce.sobject import Sobject

_RESOURCES = ("composite", "jobs", "limits", "query", "queryAll", "sobjects")
_FLAGS = (
    *("activateable", "compactLayoutable", "deprecatedAndHidden", "feedEnabled", "isInterface"),
    *("isSubtype", "layoutable", "mergeable", "mruEnabled", "replicateable", "searchable"),
    *("triggerable", "customSetting", "hasSubtypes"),
)


class Describing:
    """Questions that are not about records."""

    def __init__(self, org: Org, quota: Callable[[], Quota]) -> None:
        self._org = org
        self._quota = quota

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", "/services/data/?", self._read_versions),
            route("GET", rf"{VERSION}/?", self._read_resources),
            route("GET", rf"{VERSION}/sobjects/?", self._read_objects),
            route("GET", rf"{VERSION}/sobjects/(?P<type>[^/]+)/?", self._read_object),
            route("GET", rf"{VERSION}/sobjects/(?P<type>[^/]+)/describe/?", self._read_describe),
            route("GET", rf"{VERSION}/limits/?", self._read_limits),
            route("GET", r"/services/oauth2/userinfo", self._read_user),
            route("GET", r"/id/(?P<org>\w+)/(?P<user>\w+)", self._read_user),
        ]

    def _read_versions(self, _request: Request, _match: re.Match[str]) -> Call:
        listed = []
        for number in range(facts.FIRST_VERSION, facts.LAST_VERSION + 1):
            year, season = divmod(number - 31, 3)
            label = f"{('Summer', 'Winter', 'Spring')[season]} '{14 + year + (season > 0)}"
            url = f"/services/data/v{number}.0"
            listed.append({"label": label, "url": url, "version": f"{number}.0"})
        return Call("versions", "org", [], lambda _: Reply(200, listed))

    def _read_resources(self, _request: Request, match: re.Match[str]) -> Call:
        base = f"/services/data/v{match['version']}"
        body = {name: f"{base}/{name}" for name in _RESOURCES}
        return Call("resources", "org", [], lambda _: Reply(200, body))

    def _read_objects(self, _request: Request, match: re.Match[str]) -> Call:
        version = match["version"]

        def run(_: Call) -> Reply:
            listed = [_object(one, version) for one in self._org.sobjects.values()]
            return Reply(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

        return Call("describe_global", "org", [], run)

    def _read_object(self, _request: Request, match: re.Match[str]) -> Call:
        sobject, version = sobject_of(self._org, match), match["version"]
        body = {"objectDescribe": _object(sobject, version), "recentItems": []}
        return Call("describe_object", sobject.name, [], lambda _: Reply(200, body))

    def _read_describe(self, _request: Request, match: re.Match[str]) -> Call:
        sobject, version = sobject_of(self._org, match), match["version"]

        def run(_: Call) -> Reply:
            body = _object(sobject, version)
            body["fields"] = [as_json(one) for one in sobject.fields.values()]
            body["childRelationships"] = []
            body["recordTypeInfos"] = []
            return Reply(200, body)

        return Call("describe", sobject.name, [], run)

    def _read_limits(self, _request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            counts = self._quota().counts().items()
            body = {name: {"Max": most, "Remaining": left} for name, (most, left) in counts}
            return Reply(200, body)

        return Call("limits", "org", [], run)

    def _read_user(self, request: Request, _match: re.Match[str]) -> Call:
        host = f"http://{request.headers.get('host', 'salesforce.invalid')}"
        body = {
            "sub": f"{host}/id/{facts.ORG_ID}/{user_id()}",
            "id": f"{host}/id/{facts.ORG_ID}/{user_id()}",
            "user_id": user_id(),
            "organization_id": facts.ORG_ID,
            "preferred_username": "admin@sandbox.test",
            "username": "admin@sandbox.test",
            "name": "Sandbox Admin",
            "email": "admin@sandbox.test",
            "user_type": "STANDARD",
            "language": facts.LANGUAGE,
            "locale": facts.LANGUAGE,
            "urls": {"rest": f"{host}/services/data/v{{version}}/"},
        }
        return Call("details", "org", [], lambda _: Reply(200, body))


def _object(sobject: Sobject, version: str) -> dict[str, Json]:
    url = f"/services/data/v{version}/sobjects/{sobject.name}"
    kind = sobject.type
    can = kind is not facts.USER
    return {
        "name": sobject.name,
        "label": kind.label or sobject.name,
        "labelPlural": f"{kind.label or sobject.name}s",
        "keyPrefix": kind.prefix,
        "custom": kind.custom,
        "createable": True,
        "updateable": True,
        "deletable": can,
        "undeletable": can,
        "queryable": True,
        "retrieveable": True,
        **dict.fromkeys(_FLAGS, False),
        "urls": {
            "sobject": url,
            "describe": f"{url}/describe",
            "rowTemplate": f"{url}/{{ID}}",
        },
    }
