#!/usr/bin/env python3
"""The commit protocol as a small model, and faults that it must survive.

A run takes an epoch, compares the model with what is acknowledged and what is in doubt, writes down
each batch before it sends it, and settles what it hears. The tool loses answers, applies requests
late, answers in part or with nonsense; runs die between any two steps and meet one another. When
the faults are over, two runs must leave the tool equal to the model.

    protocol_model.py [--seeds N] [--mutant-seeds N]    random schedules, then each mutant
    protocol_model.py --scenarios FILE                  scripted ones, which the engine plays too

It takes for granted that no process stands still between its look at the clock and its send, that
the store keeps what it committed, and that nothing takes effect later than the quiet time. It is
about the protocol and not about the code: the simulator beside it plays the engine.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

QUIET = 6  # ticks after its send in which an unknown request may take effect
WINDOW = 4  # ticks in which an announced batch may be sent
BATCH_ROWS = 3

MUTANTS = {
    1: "state advanced before the send",
    2: "no intent journal",
    3: "rows of a 207 taken as accepted",
    4: "HTML with status 200 taken as accepted",
    5: "timeout taken as accepted",
    6: "timed-out delete taken as done",
    7: "no guard against an empty model",
    8: "doubt ended by the first acceptance",
    9: "insert sent again without a look",
    10: "rejected rows recorded as delivered",
    11: "no epoch fence",
    12: "takeover without quiet time",
    13: "guard looks at acknowledged keys only",
    14: "no send_by check",
    15: "200 with an error body taken as accepted",
}


class Fenced(Exception):
    """A newer run has taken over."""


@dataclass(frozen=True)
class Op:
    """What is done to one record."""

    kind: str  # write, remove or insert
    key: str
    value: str | None = None

    @property
    def is_bad(self) -> bool:
        return self.value is not None and self.value.startswith("poison")


@dataclass(frozen=True)
class Answer:
    """What the sender hears: `kind` is rows, unknown, refused, page or error_body."""

    kind: str
    rows: dict[str, str] = field(default_factory=dict)  # key: accepted, rejected or retryable


@dataclass
class Tool:
    """The business tool. `fate` names what goes wrong with a request, or nothing."""

    fate: Callable[[list[Op]], str]
    share: Callable[[], float]
    now: int = 0
    records: dict[str, str] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    under_way: list[tuple[int, list[Op]]] = field(default_factory=list)
    log: list[Op] = field(default_factory=list)

    def pass_time(self, ticks: int = 1) -> None:
        self.now += ticks
        due = sorted((one for one in self.under_way if one[0] <= self.now), key=lambda one: one[0])
        self.under_way = [one for one in self.under_way if one[0] > self.now]
        for _, ops in due:
            self.apply(ops)

    def apply(self, ops: list[Op]) -> None:
        for op in ops:
            if op.is_bad:
                continue
            if op.kind == "remove":
                self.records.pop(op.key, None)
                continue
            self.records[op.key] = op.value or ""
            if op.kind == "insert":
                self.made[op.key] = self.made.get(op.key, 0) + 1

    def send(self, ops: list[Op]) -> Answer:
        self.pass_time()
        self.log += ops
        fate = self.fate(ops)
        rows = {op.key: "rejected" if op.is_bad else "accepted" for op in ops}
        if fate == "partial":
            done = [op for op in ops if self.share() < 0.6]
            self.apply(done)
            left = {op.key for op in ops if op not in done and not op.is_bad}
            return Answer("rows", rows | dict.fromkeys(left, "retryable"))
        if fate.startswith("late"):
            most = int(fate.partition(" ")[2] or QUIET)
            self.under_way.append((self.now + 1 + int(self.share() * most), ops))
            return Answer("unknown")
        if fate in ("", "lost_after", "page_after"):
            self.apply(ops)
        said = {"": "rows", "throttle": "refused", "ok_false": "error_body"}
        return Answer("page" if fate.startswith("page") else said.get(fate, "unknown"), rows)


@dataclass(frozen=True)
class Unknown:
    """A send of which nobody knows whether it took effect."""

    op: Op
    horizon: int


@dataclass
class Store:
    """What is durable."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    unknown: list[Unknown] = field(default_factory=list)
    open: dict[int, tuple[int, list[Op]]] = field(default_factory=dict)  # seq: send_by, batch
    rejected: dict[str, str | None] = field(default_factory=dict)
    parked: set[str] = field(default_factory=set)
    epoch: int = 0
    seq: int = 0

    def doubts(self, key: str) -> list[Unknown]:
        return [one for one in self.unknown if one.op.key == key]

    def only_repeats(self, key: str) -> bool:
        """Whether all that may still take effect is what is acknowledged already."""
        return all(self.repeats(one.op) for one in self.doubts(key))

    def repeats(self, op: Op) -> bool:
        value = self.acknowledged.get(op.key)
        return op == (Op("remove", op.key) if value is None else Op("write", op.key, value))

    def known(self, *, in_doubt: bool = True) -> set[str]:
        """Keys that the tool has, or may have."""
        unknown = {one.op.key for one in self.unknown if in_doubt}
        return set(self.acknowledged) | {key for key in unknown if not self.only_repeats(key)}


@dataclass(frozen=True)
class Sync:
    """How the model is treated; `safety` is that of inserts."""

    mode: str = "mirror"
    safety: str = "read_back"
    quiet: int = QUIET
    batch_rows: int = BATCH_ROWS
    mutant: int = 0


class Run:
    """One run. Each step that `steps` yields is a place to die, or for another run to go on."""

    def __init__(self, sync: Sync, model: dict[str, str], store: Store, tool: Tool) -> None:
        self.sync, self.model, self.store, self.tool = sync, dict(model), store, tool
        self.epoch = 0
        self.refused = False

    def steps(self) -> Iterator[str]:
        self.claim()
        yield "claimed"
        known = self.store.known(in_doubt=self.sync.mutant != 13)
        self.refused = not self.model and bool(known) and self.sync.mode != "insert"
        if self.refused and self.sync.mutant != 7:
            return
        planned = self.compare()
        for start in range(0, len(planned), self.sync.batch_rows):
            batch = planned[start : start + self.sync.batch_rows]
            if self.sync.mode == "insert":
                batch = yield from self.settle_inserts(batch)
            if batch:
                yield from self.send(batch)

    def claim(self) -> None:
        store = self.store
        store.epoch += 1
        self.epoch = store.epoch
        quiet = 0 if self.sync.mutant == 12 else self.sync.quiet
        for send_by, ops in store.open.values():
            if self.sync.mutant != 2:
                store.unknown += [Unknown(op, send_by + quiet) for op in ops]
        store.open.clear()
        # What can only repeat what is there is forgotten once it can no longer arrive.
        store.unknown = [
            one
            for one in store.unknown
            if one.horizon >= self.tool.now or not store.repeats(one.op)
        ]

    def check_epoch(self) -> None:
        if self.store.epoch != self.epoch and self.sync.mutant != 11:
            raise Fenced

    def compare(self) -> list[Op]:
        store = self.store
        if self.sync.mode == "insert":
            return [
                Op("insert", key, value)
                for key, value in sorted(self.model.items())
                if key not in store.acknowledged and key not in store.parked
                if store.rejected.get(key) != value
            ]
        planned = [
            Op("write", key, value)
            for key, value in sorted(self.model.items())
            if store.rejected.get(key) != value
            if store.acknowledged.get(key) != value or not store.only_repeats(key)
        ]
        removed = sorted(store.known() - set(self.model))
        return planned + [Op("remove", key) for key in removed]

    def settle_inserts(self, batch: list[Op]) -> Generator[str, None, list[Op]]:
        """The rows of a batch that may be sent: none that may have happened."""
        free: list[Op] = []
        for op in batch:
            doubts = self.store.doubts(op.key)
            if not doubts or self.sync.safety == "duplicate_ok" or self.sync.mutant == 9:
                free.append(op)
            elif self.sync.safety == "park":
                self.store.parked.add(op.key)
            elif max(one.horizon for one in doubts) < self.tool.now or self.sync.mutant == 12:
                yield "looked"
                self.check_epoch()
                self.forget(op.key)
                if op.key in self.tool.records:
                    self.store.acknowledged[op.key] = op.value or ""
                else:
                    free.append(op)
        return free

    def forget(self, key: str) -> None:
        self.store.unknown = [one for one in self.store.unknown if one.op.key != key]

    def send(self, batch: list[Op]) -> Iterator[str]:
        while True:
            self.check_epoch()
            self.store.seq += 1
            seq, send_by = self.store.seq, self.tool.now + WINDOW
            if self.sync.mutant != 2:
                self.store.open[seq] = (send_by, batch)
            if self.sync.mutant == 1:
                for op in batch:
                    self.accept(op, self.tool.now)
            yield "announced"
            if self.tool.now < send_by or self.sync.mutant == 14:
                break
            self.check_epoch()
            self.store.open.pop(seq, None)
        answer = self.tool.send(batch)
        sent = self.tool.now
        yield "sent"
        self.check_epoch()
        self.store.open.pop(seq, None)
        self.settle(batch, answer, sent)
        yield "recorded"

    def settle(self, batch: list[Op], answer: Answer, sent: int) -> None:
        mutant = self.sync.mutant
        kind = answer.kind
        if kind == "page":
            kind = "rows" if mutant == 4 else "unknown"
        if kind == "error_body":
            kind = "rows" if mutant == 15 else "unknown"
        if kind == "unknown" and mutant == 5:
            kind = "rows"
        for op in batch:
            if kind == "unknown":
                if mutant == 6 and op.kind == "remove":
                    self.accept(op, sent)
                elif mutant != 2:
                    self.store.unknown.append(Unknown(op, sent + self.sync.quiet))
            elif kind == "rows":
                told = answer.rows.get(op.key, "accepted")
                if told == "rejected" and mutant != 10:
                    self.store.rejected[op.key] = op.value
                elif told != "retryable" or mutant == 3:
                    self.accept(op, sent)

    def accept(self, op: Op, sent: int) -> None:
        store = self.store
        if op.kind == "remove":
            store.acknowledged.pop(op.key, None)
        else:
            store.acknowledged[op.key] = op.value or ""
        store.rejected.pop(op.key, None)
        # An acceptance speaks for what was sent when nothing older could arrive any more.
        store.unknown = [
            one
            for one in store.unknown
            if one.op.key != op.key or (sent <= one.horizon and self.sync.mutant != 8)
        ]


FATES = ["lost_before", "lost_after", "late", "partial", "throttle", "ok_false"]
FATES += ["page_before", "page_after"]


def play_seed(seed: int, mutant: int = 0) -> str | None:
    """Plays one random schedule; what went wrong, or nothing."""
    rng = random.Random(seed)
    inserts = rng.random() < 0.25
    safety = rng.choice(["read_back", "read_back", "park"]) if inserts else "read_back"
    sync = Sync("insert" if inserts else "mirror", safety, mutant=mutant)
    share = rng.choice([0.05, 0.2, 0.5])
    crash_share = rng.choice([0, 0.02, 0.1])
    keys = rng.randint(3, 10)
    tool = Tool(lambda _: rng.choice(FATES) if rng.random() < share else "", rng.random)
    store, model = Store(), dict[str, str]()
    for _ in range(rng.randint(2, 6)):
        edit(model, keys, inserts, rng)
        empty = rng.random() < 0.05 and not inserts and len(model) >= 3
        if loses_records(sync, {} if empty else model, store, tool, rng, crash_share) and empty:
            return "mass delete"
        tool.pass_time(rng.choice([0, 0, QUIET + 1]))
    tool.pass_time(QUIET + WINDOW + 2)
    tool.fate = lambda _: ""
    for _ in range(2):
        for _ in Run(sync, model, store, tool).steps():
            pass
        tool.pass_time(QUIET + WINDOW + 2)
    return judge(sync, model, store, tool)


def edit(model: dict[str, str], keys: int, inserts: bool, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 6)):
        key = f"k{len(model) if inserts else rng.randrange(keys)}"
        if not inserts and rng.random() < 0.25:
            model.pop(key, None)
        else:
            model[key] = "poison" if rng.random() < 0.05 else rng.choice("ab")


def loses_records(
    sync: Sync,
    model: dict[str, str],
    store: Store,
    tool: Tool,
    rng: random.Random,
    crash_share: float,
) -> bool:
    """Plays runs, one or two at once; whether removals were sent."""
    before = len(tool.log)
    runs = [Run(sync, model, store, tool).steps() for _ in range(1 + (rng.random() < 0.15))]
    while runs:
        run = rng.choice(runs)
        if rng.random() < 0.05:
            tool.pass_time(rng.randint(1, QUIET + WINDOW))
        if rng.random() < crash_share:
            runs.remove(run)
            continue
        try:
            next(run)
        except (StopIteration, Fenced):
            runs.remove(run)
    return any(op.kind == "remove" for op in tool.log[before:])


def judge(sync: Sync, model: dict[str, str], store: Store, tool: Tool) -> str | None:
    wanted = {key: value for key, value in model.items() if not value.startswith("poison")}
    if sync.mode == "insert":
        if any(times > 1 for times in tool.made.values()):
            return "made twice"
        if set(wanted) - set(tool.records) - store.parked:
            return "never made"
        return None
    if not model:
        return None
    kept = {k: v for k, v in tool.records.items() if not model.get(k, "").startswith("poison")}
    if kept != wanted:
        return "not the model"
    return "bad row on record" if "poison" in store.acknowledged.values() else None


def play_scenario(scenario: dict[str, Any]) -> list[str]:
    """Plays a script; where it went another way than it says."""
    name, wrong = scenario["name"], list[str]()
    sync = Sync(scenario.get("mode", "mirror"), scenario.get("safety", "read_back"), 20, 1)
    answers: dict[str, str] = {}
    tool = Tool(lambda ops: answers.get(ops[0].key, ""), lambda: 0.5)
    store = Store()
    for number, step in enumerate(scenario["rounds"], 1):
        answers = step.get("answers", {})
        before = len(tool.log)
        run = Run(sync, step["model"], store, tool)
        for place in run.steps():
            if place == step.get("dies"):
                break
        sent = sorted({(op.kind, op.key, op.value or "") for op in tool.log[before:]})
        if sent != sorted(tuple(op) for op in step["sends"]):
            wrong.append(f"{name}: run {number} sends {sent}")
        if run.refused != step.get("refused", False):
            wrong.append(f"{name}: run {number}: refused is {run.refused}")
        tool.pass_time()
        if tool.records != step["tool"]:
            wrong.append(f"{name}: after run {number} the tool has {tool.records}")
        tool.pass_time(step.get("pause", 0))
    return wrong


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def play_all(seeds: int, mutant_seeds: int) -> bool:
    """Plays seeds and mutants, and says how that went; whether all is well."""
    started = time.monotonic()
    broken = {seed: what for seed in range(seeds) if (what := play_seed(seed))}
    seconds = time.monotonic() - started
    say(f"protocol: {seeds} seeds, {seconds:.1f} s, {len(broken)} failed")
    for seed, what in list(broken.items())[:5]:
        say(f"  seed {seed}: {what}")
    missed = []
    for number, name in MUTANTS.items():
        caught = next((s for s in range(mutant_seeds) if play_seed(s, number)), None)
        if caught is None and mutant_seeds:
            missed.append(number)
        say(f"protocol M{number:<3} {name:42} first caught by seed {caught}")
    return not broken and not missed


def main() -> int:
    parser = argparse.ArgumentParser(description="Plays the commit protocol as a model.")
    parser.add_argument("--seeds", type=int, default=5000)
    parser.add_argument("--mutant-seeds", type=int, default=20000)
    parser.add_argument("--scenarios", type=Path)
    arguments = parser.parse_args()
    if arguments.scenarios is None:
        return 0 if play_all(arguments.seeds, arguments.mutant_seeds) else 1
    scenarios = json.loads(arguments.scenarios.read_text(encoding="utf-8"))
    wrong = [text for scenario in scenarios for text in play_scenario(scenario)]
    say("\n".join([*wrong, f"protocol: {len(scenarios)} scenarios, {len(wrong)} differ"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
