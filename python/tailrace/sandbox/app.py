"""The sandbox itself, still without HTTP: vendors, limits, faults, latency and the log.

One ``App`` is used from one thread. ``handle`` is the only coroutine; it gives the thread up only
for latency, so what a request changes, it changes at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.sandbox.config import Config, ConfigError
from tailrace.sandbox.damage import Delivery, deliver
from tailrace.sandbox.faults import Fault, Faults, prf
from tailrace.sandbox.log import Entry, Log
from tailrace.sandbox.records import as_json
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

MAX_SCHEDULED = 10_000


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where time comes from; tests pass in their own."""

    monotonic: Callable[[], float] = time.monotonic
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    sleep: Callable[[float], Any] = asyncio.sleep


class App:
    """The vendors of one configuration.

    Raises:
        ConfigError: the configuration is wrong.
    """

    def __init__(
        self, config: Config, vendors: Mapping[str, type[Vendor]], clocks: Clocks | None = None
    ) -> None:
        self.clocks = clocks or Clocks()
        self.config = config
        self.vendors: dict[str, Vendor] = {}
        for name in (one for one in vendors if one in config.vendors):
            options = config.vendors[name]
            setting = Setting(options, config.seed, self.clocks.monotonic, self.clocks.wall_ms)
            self.vendors[name] = vendors[name](setting)
        self.faults = Faults(config.faults, config.seed)
        self.log = Log(list(self.vendors), config.log_size)
        self._late: set[asyncio.Task[None]] = set()

    def find(self, path: str) -> tuple[Vendor, str] | None:
        """The vendor that serves a path (undecoded), and the path as that vendor knows it.

        Every vendor is also found below its own name: ``/hubspot/crm/...`` is ``/crm/...``.
        """
        for vendor in self.vendors.values():
            if vendor.serves(path):
                return vendor, path
            own = path.removeprefix(f"/{vendor.name}")
            if own != path and vendor.serves(own):
                return vendor, own
        return None

    # -- one request -----------------------------------------------------------------------------

    async def handle(self, vendor: Vendor, request: Request) -> Delivery:
        """Take a request all the way; never raises for what a caller may have sent."""
        started = self.clocks.monotonic()
        at_ms = self.clocks.wall_ms()
        entry = self.log.open(vendor.name, request.method, request.path, started, at_ms)
        self.log.vendor(vendor.name).bytes_received += len(request.body)
        try:
            delivery = await self._answer(vendor, request, entry)
            entry.status = 0 if delivery.share == 0.0 else delivery.reply.status
            return delivery
        finally:
            entry.seconds = self.clocks.monotonic() - started
            self.log.close(entry)

    async def _answer(self, vendor: Vendor, request: Request, entry: Entry) -> Delivery:
        counters = self.log.vendor(vendor.name)
        try:
            principal = vendor.principal(request)
        except RefusalError as refusal:
            counters.unauthorized += 1
            return Delivery(refusal.reply)
        try:
            headers = vendor.admit(principal, request)
        except RefusalError as refusal:
            counters.rate_limited += 1
            return Delivery(refusal.reply)
        request.began_s = self.clocks.monotonic()
        if vendor.occupies(principal):
            vendor.running[entry.number] = request.began_s
        try:
            delivery = await self._serve(vendor, request, entry)
        finally:
            vendor.running.pop(entry.number, None)
        if headers:
            reply = delivery.reply
            delivery.reply = Reply(
                reply.status, reply.body, [*reply.headers, *headers], reply.content_type
            )
        return delivery

    async def _serve(self, vendor: Vendor, request: Request, entry: Entry) -> Delivery:
        await self._latency(entry)
        try:
            call = vendor.read(request)
        except RefusalError as refusal:
            return Delivery(refusal.reply)
        entry.op, entry.object, entry.keys, entry.rows = (
            *(call.op, call.object, call.keys),
            len(call.keys),
        )
        fault = self.faults.decide(vendor.name, call.op, call.object, call.keys)
        if fault is None:
            return Delivery(self._apply(vendor, call, entry))
        entry.fault = fault.kind
        return await self._damaged(vendor, call, entry, fault)

    async def _damaged(self, vendor: Vendor, call: Call, entry: Entry, fault: Fault) -> Delivery:
        call.refuse, call.refuse_code = fault.refuse, str(fault.options.get("code", ""))
        if fault.kind.startswith("job_"):
            call.job, call.job_options = fault.kind, fault.options
        if fault.kind == "slow":
            await self.clocks.sleep(float(fault.options.get("delay_ms", 1000)) / 1000)
        if fault.kind == "late":
            self._apply_late(vendor, call, entry, float(fault.options.get("seconds", 1)))
            return deliver(fault, vendor, None)
        reply = self._apply(vendor, call, entry) if fault.applied else None
        return deliver(fault, vendor, reply)

    def _apply(self, vendor: Vendor, call: Call, entry: Entry) -> Reply:
        try:
            return vendor.apply(call)
        except RefusalError as refusal:
            return refusal.reply
        finally:
            entry.applied, entry.rejected = call.applied, call.rejected

    def _apply_late(self, vendor: Vendor, call: Call, entry: Entry, seconds: float) -> None:
        async def later() -> None:
            await self.clocks.sleep(seconds)
            self._apply(vendor, call, entry)
            self.log.vendor(vendor.name).rows_applied += call.applied

        if len(self._late) < MAX_SCHEDULED:
            task = asyncio.get_running_loop().create_task(later())
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _latency(self, entry: Entry) -> None:
        least, most = self.config.latency_ms
        if most > 0:
            share = prf(self.config.seed, "latency", entry.number)
            await self.clocks.sleep((least + share * (most - least)) / 1000)

    # -- looking in, and changing things at run time ---------------------------------------------

    def records(self, vendor: str, name: str) -> list[dict[str, Json]]:
        """The records of one object, oldest first.

        Raises:
            KeyError: there is no such vendor here, or it has no such object.
        """
        return [as_json(record) for record in self.vendors[vendor].collections()[name]]

    def state(self, *, records: bool = True, writes: bool = True, last: int = 0) -> Json:
        """All that ``/__state`` shows; ``last`` is how many requests to list."""
        vendors: dict[str, Json] = {}
        for name, vendor in self.vendors.items():
            objects: dict[str, Json] = {}
            for title, collection in vendor.collections().items():
                objects[title] = {
                    "count": len(collection),
                    "created": collection.created,
                    "updated": collection.updated,
                    "deleted": collection.deleted,
                }
                if records:
                    objects[title]["records"] = [as_json(record) for record in collection]
                if writes:
                    objects[title]["writes"] = dict(collection.writes)
            requests = self.log.vendor(name).as_json()
            vendors[name] = {"objects": objects, "requests": requests}
        return {"vendors": vendors, "log": self.log.recent(last) if last else []}

    def set_limits(self, limits: Any) -> None:
        """``{vendor: limits}``, or a name such as ``none`` or a tier's for all that know it.

        Raises:
            ConfigError: a vendor is unknown, or does not know its limits.
        """
        if isinstance(limits, str):
            limits = {
                n: limits for n, vendor in self.vendors.items() if limits in vendor.LIMIT_NAMES
            }
        if not isinstance(limits, Mapping) or not limits:
            raise ConfigError("limits: a mapping of vendors, or a name that one of them knows")
        for name in limits:
            if name not in self.vendors:
                raise ConfigError(f"limits: there is no vendor {name!r} here")
        for name, value in limits.items():
            self.vendors[name].set_limits(value)

    def reset(self) -> None:
        """Forget records, counters and what is still to be applied; faults and limits stay, and
        count anew."""
        for task in self._late:
            task.cancel()
        for vendor in self.vendors.values():
            vendor.reset()
        self.faults.restart()
        self.log.reset()

    async def close(self) -> None:
        """Drop what is still to be applied."""
        late = list(self._late)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
