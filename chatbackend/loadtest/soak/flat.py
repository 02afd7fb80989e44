"""Whether a series of figures stays what it was, which no single figure tells."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SETTLING = 0.1  # of the time, in which caches fill and pools open: not judged
LEAST = 9  # samples that can be judged, three for each third


@dataclass(frozen=True, slots=True)
class Bound:
    """What still counts as flat: the last third beside the first, and what a line through all of it grows by.

    `slack`: a difference that is none, in the unit of the series.
    """

    ratio: float
    growth: float
    slack: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`first`, `last`: medians of the thirds. `growth`: of the fitted line over all the time, as a share of the
    middle. Both are above their bounds only where something grows: what shrinks is flat enough."""

    first: float
    last: float
    ratio: float
    growth: float
    flat: bool


class TooShortError(Exception):
    """There is too little to judge by; the text says how much there has to be."""


def judge(series: Mapping[float, float], bound: Bound) -> Verdict:
    """Of a series by seconds. Raises TooShortError."""
    points = _settled(series)
    third = len(points) // 3
    first, last = (
        statistics.median(value for _, value in part) for part in (points[:third], points[-third:])
    )
    rise = _slope(points) * (points[-1][0] - points[0][0])
    middle = statistics.median(value for _, value in points)
    ratio, growth = _share(last, first), _share(rise, middle)
    flat = (ratio <= bound.ratio or last - first <= bound.slack) and (
        growth <= bound.growth or rise <= bound.slack
    )
    return Verdict(round(first, 2), round(last, 2), round(ratio, 3), round(growth, 3), flat)


def _settled(series: Mapping[float, float]) -> list[tuple[float, float]]:
    points = sorted(series.items())
    settled = points[int(len(points) * SETTLING) :]
    if len(settled) < LEAST:
        raise TooShortError(f"{len(points)} samples are too few to judge by: let it run for longer")
    return settled


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """A second: the median of the slopes between each point and the one half the time later (Theil). Other work on
    the machine makes outliers, which would bend a line of least squares."""
    half = len(points) // 2
    pairs = zip(points[:half], points[half:], strict=False)
    return statistics.median((later - sooner) / (at - before) for (before, sooner), (at, later) in pairs)


def _share(value: float, of: float) -> float:
    return value / of if of else 0.0
