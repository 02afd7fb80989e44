"""What counts as flat, and what a mixed load must keep to."""

import random
from typing import Any

import pytest

from chatbackend.loadtest.mixed import report
from chatbackend.loadtest.mixed.load import SHARES, MixedLoad, Room
from chatbackend.loadtest.mixed.run import ROOM, MixedPlan
from chatbackend.loadtest.mixed.schedule import acts
from chatbackend.loadtest.soak import show
from chatbackend.loadtest.soak.flat import Bound, TooShortError, judge
from chatbackend.loadtest.soak.run import misses

BOUND = Bound(ratio=1.1, growth=0.1, slack=0.5)


def series(
    *, grows: float = 0.0, noise: float = 0.0, around: float = 100.0, count: int = 360
) -> dict[float, float]:
    """Every five seconds: grows by a share of itself over all the time, with noise of a share of itself."""
    chance = random.Random(7)
    return {
        at * 5.0: around * (1 + grows * at / count + noise * chance.uniform(-1, 1)) for at in range(count)
    }


@pytest.mark.parametrize(
    ("taken", "flat"),
    [
        (series(), True),
        (series(grows=0.05), True),
        (series(noise=0.3), True),
        (series(grows=-0.9), True),
        (series(grows=0.3), False),
        (series(grows=0.3, noise=0.3), False),
        (series(grows=0.3, around=0.4), True),
        (series() | {at: 900.0 for at in series() if at % 100 == 0}, True),
        (series() | {at: 900.0 for at in series() if at > 1_200 and at % 100 == 0}, True),
        (series() | {at: 500.0 for at in series() if at < 170}, True),
        (series() | {at: 130.0 for at in series() if at > 1_300}, False),
    ],
    ids=[
        "level", "a little", "noise", "shrinks", "grows", "grows in noise", "within the slack", "moments", "of late",
        "settling",
        "a step at the end",
    ],
)  # fmt: skip
def test_what_is_flat(taken: dict[float, float], flat: bool) -> None:
    assert judge(taken, BOUND).flat is flat


def test_ratio_and_growth_each_are_enough() -> None:
    told = judge(series(grows=0.3), BOUND)
    assert [told.ratio, told.growth] == pytest.approx([1.17, 0.23], abs=0.02)
    assert not judge(series(grows=0.3), Bound(ratio=2, growth=0.1, slack=0)).flat
    assert not judge(series(grows=0.3), Bound(ratio=1.1, growth=2, slack=0)).flat


def test_too_little_is_no_verdict() -> None:
    with pytest.raises(TooShortError):
        judge(series(count=8), BOUND)


def test_what_grew_is_told_and_drawn() -> None:
    told = {
        "first_third": 100.0, "last_third": 130.0, "ratio": 1.3, "max_ratio": 1.1, "growth": 0.25, "max_growth": 0.1,
        "samples": [[0.0, 100.0], [5.0, 130.0]],
    }  # fmt: skip
    result = {
        "load": {"users": 7},
        "series": {"memory": {**told, "flat": False}, "files": {**told, "flat": True}},
    }
    assert misses(result) == [
        "memory grew from 100.0 to 130.0 (1.3 times, 1.1 may be; fitted growth +25.0%, 10% may be)"
    ]
    drawn = show.svg(result)
    assert (drawn.count("<polyline"), drawn.count('class="grew"')) == (2, 1)
    assert show.sparks([0.0, 4.0, 8.0]) == "▁▅█"
    assert len(show.sparks([1.0] * 1_000)) <= show.LINE


def test_everybody_has_a_room_and_nobody_is_alone() -> None:
    for users in range(2, 100):
        rooms = MixedPlan(users=users).rooms
        assert sum(rooms) == users
        assert 2 <= min(rooms) <= max(rooms) <= ROOM


def test_the_schedule_is_the_same_each_time_and_has_everything_in_it() -> None:
    one, again, other = (list(acts(seed=seed, people=30, per_s=50, seconds=60)) for seed in (1, 1, 2))
    assert one == again != other
    assert len(one) == pytest.approx(3_000, rel=0.1)
    assert {act.person for act in one} == set(range(30))
    for kind, share in SHARES.items():
        assert sum(act.kind == kind for act in one) == pytest.approx(30 * share, rel=0.25)
    assert [act.at_s for act in one] == sorted(act.at_s for act in one)
    assert one[-1].at_s < 60


LOAD = MixedLoad(
    socket_url="",
    rest_url="",
    rooms=[Room(conversation="", tokens=["", ""])],
    seconds=2,
    actions_per_s=10,
    window_s=1,
)
RESULT: dict[str, Any] = {
    "seconds": 2.0, "count": 20, "ms": {kind: [1.0, 2.0, 3.0] for kind in SHARES}, "errors": dict.fromkeys(SHARES, 0),
    "what": {}, "delivered": 30, "delivery_ms": [1.0, 2.0], "refused": 0, "unanswered": 0, "closed": 0, "lost": 0,
    "doubled": 0, "reordered": 0, "resets": 0, "cpu": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("faults", "limits", "words"),
    [
        ({}, {}, None),
        ({}, {"max_p99_ms": 3.0}, None),
        ({}, {"max_p99_ms": 2.5}, "read a page of history: p99 is 3.0 ms, 2.5 ms are allowed"),
        ({"delivery_ms": []}, {"max_p99_ms": 3.0}, "delivery: p99 is that of nothing"),
        ({"errors": {**dict.fromkeys(SHARES, 0), "list": 2}}, {"max_errors": 1}, "2 requests failed, 1 may"),
        ({"errors": {**dict.fromkeys(SHARES, 0), "list": 2}}, {"max_errors": 2}, None),
        ({"lost": 2}, {"max_lost": 2}, None),
        ({"lost": 2}, {}, "2 deliveries were lost"),
        ({"doubled": 1}, {"max_lost": 9}, "1 deliveries were doubled"),
        ({"reordered": 1}, {"max_lost": 9}, "1 deliveries were reordered"),
        ({"refused": 1}, {}, "1 sends were refused"),
        ({"unanswered": 1}, {}, "1 actions were not answered"),
        ({"closed": 1}, {}, "1 sockets were closed"),
    ],
)
def test_what_is_not_good_enough(faults: dict[str, Any], limits: dict[str, Any], words: str | None) -> None:
    found = report.figures(LOAD, RESULT | faults, {})
    missed = report.misses(found, **{"max_p99_ms": None, "max_lost": 0, "max_errors": 0, **limits})
    assert bool(missed) is (words is not None)
    assert words is None or words in missed[0]
