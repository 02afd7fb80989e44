"""What the people of a mixed load did, how long it took, and what went wrong."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from chatbackend.loadtest.mixed.load import SEND, SHARES
from chatbackend.loadtest.sockets import Score


@dataclass(slots=True)
class Tally:
    """By kind of action. Times are in ms, from when it was due; `recent` are those of the window that is open."""

    ms: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in SHARES})
    recent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    delivery_ms: list[float] = field(default_factory=list)
    recent_delivery_ms: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHARES, 0))
    what: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # status or exception → how often

    def did(self, kind: str, ms: float) -> None:
        self.ms[kind].append(ms)
        self.recent[kind].append(ms)

    def failed(self, kind: str, why: str) -> None:
        self.errors[kind] += 1
        self.what[f"{kind}: {why}"] += 1

    def collect(self, score: Score) -> None:
        """What the sockets of a room noted since the last time."""
        for ms in score.ack_ms:
            self.did(SEND, ms)
        self.delivery_ms += score.delivery_ms
        self.recent_delivery_ms += score.delivery_ms
        score.ack_ms.clear()
        score.delivery_ms.clear()

    def window(self) -> dict[str, Any]:
        """`{ms: {kind: […]}, delivery_ms: […]}` since the last one."""
        told = {"ms": dict(self.recent), "delivery_ms": self.recent_delivery_ms}
        self.recent, self.recent_delivery_ms = defaultdict(list), []
        return told
