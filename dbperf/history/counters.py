"""Counters that only rise, until somebody resets them: what was added since the last look."""

from collections.abc import Mapping, Sequence

Values = Sequence[float]


def delta(now: Values, before: Values | None) -> list[float]:
    """What was added. A counter that stands lower than before began anew: all of it is new."""
    if before is None or any(here < there for here, there in zip(now, before, strict=True)):
        return list(now)
    return [here - there for here, there in zip(now, before, strict=True)]


def deltas(now: Mapping[str, Values], before: Mapping[str, Values], *, reset: bool) -> dict[str, list[float]]:
    """Of each that moved. `reset`: the counters were set to zero since the last look, so nothing of it counts."""
    moved = {name: delta(values, None if reset else before.get(name)) for name, values in now.items()}
    return {name: values for name, values in moved.items() if any(values)}
