"""Growth out of sizes by day: honest where there is little to go by."""

from datetime import date, timedelta
from random import Random

import pytest

from dbperf.forecasting import FARTHEST_DAYS, LEAST_DAYS, Growth, Line, days_until, growth

FIRST = date(2026, 1, 1)


def line(*sizes: float) -> Line:
    return [(FIRST + timedelta(days=day), round(size)) for day, size in enumerate(sizes)]


def test_what_grows_evenly_is_certain() -> None:
    assert growth(line(*range(0, 3000, 100))) == Growth(100, 100, 100, 29)


def test_less_than_a_week_says_nothing() -> None:
    assert growth([]) is None
    assert growth(line(*range(LEAST_DAYS))) is None
    few = line(*range(30))[:: 29 // 3]  # a month, looked at four times
    assert growth(few) is None
    assert growth(line(*range(LEAST_DAYS + 1))) is not None


def test_a_purge_moves_it_little_and_widens_it() -> None:
    sizes = [100 * day - (1_500 if day >= 20 else 0) for day in range(30)]
    found = growth(line(*sizes))
    assert found is not None
    assert found.likely == 100
    assert found.least < found.likely


def test_what_is_restless_promises_little() -> None:
    random = Random(4)
    found = growth(line(*(random.randrange(100_000) for _ in range(30))))
    assert found is not None
    assert found.least < 0 < found.most  # it may as well become smaller


def test_the_interval_holds_what_is_true() -> None:
    """In about 19 of 20 cases: 100 days a line, growing by 50 with noise."""
    random = Random(1)
    noisy = [growth(line(*(50 * day + random.gauss(0, 300) for day in range(30)))) for _ in range(100)]
    held = sum(found.least <= 50 <= found.most for found in noisy if found)
    assert 88 <= held <= 100


@pytest.mark.parametrize(
    ("size", "a_day", "days"),
    [
        (900, 10, 10),
        (905, 10, 10),
        (1_000, -5, 0),
        (900, 0, None),
        (900, -1, None),
        (0, 1_000 / FARTHEST_DAYS / 2, None),
    ],
)
def test_days_until_a_limit(size: int, a_day: float, days: int | None) -> None:
    assert days_until(1_000, size, a_day) == days
