"""What is looked at while the load goes on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection

from chatbackend.benchmark.report import percentile
from chatbackend.loadtest.mixed.load import LIST, READ, SEARCH, SEND, SEND_REST
from chatbackend.loadtest.mixed.report import Readings
from chatbackend.loadtest.soak.flat import Bound

Samples = dict[str, dict[float, float]]  # name → seconds → value

MEMORY = Bound(ratio=1.1, growth=0.1, slack=2.0)  # MB
FILES = Bound(ratio=1.05, growth=0.05, slack=4.0)
CONNECTIONS = Bound(ratio=1.1, growth=0.1, slack=3.0)  # a pool gives back what it did not need for a while
LATENCY = Bound(ratio=1.5, growth=0.5, slack=2.0)  # ms

SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Sampler:
    """Takes a sample of everything as each window is over. `clock`: seconds since the beginning."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.samples: Samples = {}
        self._clock = clock

    def take(self, window: Mapping[str, Any], readings: Readings) -> None:
        """What the client noted in a window, and what its servers take now."""
        at = round(self._clock(), 2)
        for part, reading in readings.items():
            if reading is not None:
                self._note(f"memory of {part}, MB", at, reading.pss_kb / 1024)
                self._note(f"open files of {part}", at, reading.files)
        self._note("database connections", at, _sessions())
        for name, kinds in (("reads", (READ, LIST, SEARCH)), ("sends", (SEND, SEND_REST))):
            self._time(f"{name} p95, ms", at, [ms for kind in kinds for ms in window["ms"].get(kind, ())])
        self._time("delivery p95, ms", at, window["delivery_ms"])

    def _time(self, name: str, at: float, taken: Sequence[float]) -> None:
        if taken:
            self._note(name, at, percentile(taken, 95))

    def _note(self, name: str, at: float, value: float) -> None:
        self.samples.setdefault(name, {})[at] = round(value, 2)


def bound_of(name: str) -> Bound:
    """By what a series is judged."""
    if name.startswith("memory"):
        return MEMORY
    if name.startswith("open files"):
        return FILES
    return CONNECTIONS if name == "database connections" else LATENCY


def _sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS)
        (count,) = cursor.fetchone()
    return int(count)
