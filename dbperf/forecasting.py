"""How fast something grows, and when it will have reached a size. No I/O.

A day's growth is the median of the slopes between any two days (Theil and Sen), which one purge or one import moves
little. Where it lies between, in 19 of 20 cases, is told beside it (Sen's interval, out of Kendall's variance): a line
through few or restless days promises little, and says so. With less than a week of days nothing is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from math import ceil, floor, sqrt
from statistics import median
from typing import Final

LEAST_DAYS: Final = 7
CERTAIN: Final = 1.96  # 95 % of a normal distribution
AHEAD_DAYS: Final = 30
FARTHEST_DAYS: Final = 3_650  # nobody knows what is in ten years

Line = Sequence[tuple[date, int]]  # by day, oldest first


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes a day: likely, and at least and at most. `days`: how many it was watched."""

    likely: float
    least: float
    most: float
    days: int


def growth(line: Line) -> Growth | None:
    """Out of sizes by day; None where there are too few."""
    days = (line[-1][0] - line[0][0]).days if line else 0
    if len(line) < LEAST_DAYS or days < LEAST_DAYS:
        return None
    slopes = sorted(
        (later - sooner) / (to - since).days for (since, sooner), (to, later) in combinations(line, 2)
    )
    count = len(line)
    apart = CERTAIN * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    first, last = floor((len(slopes) - apart) / 2), ceil((len(slopes) + apart) / 2)
    return Growth(median(slopes), slopes[max(first, 0)], slopes[min(last, len(slopes) - 1)], days)


def days_until(limit: int, size: int, a_day: float) -> int | None:
    """Until it has grown to the limit; None where it will not within ten years."""
    if size >= limit:
        return 0
    if a_day <= 0 or (days := ceil((limit - size) / a_day)) > FARTHEST_DAYS:
        return None
    return days
