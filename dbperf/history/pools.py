"""Connection pools, as each process tells of its own. One in which nobody had to wait tells nothing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dbperf.history import snapshots

KIND = "pool"


def record(process: str, figures: Mapping[str, int], *, store: str) -> None:
    """What a process saw since it last told."""
    snapshots.keep(KIND, {"process": process, **figures}, store=store)


def recent(age: timedelta, *, store: str) -> list[dict[str, Any]]:
    """What processes told within the last `age`. Uses index: dbperf_snapshot_newest."""
    return [kept.figures for kept in snapshots.since(KIND, age, store=store)]
