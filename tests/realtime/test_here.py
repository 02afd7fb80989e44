"""Who is here and does anything, by a clock of the test."""

from messaging.hub.here import Here


def test_a_life() -> None:
    here = Here(away_after_s=300, linger_s=5)
    here.active("ann", 0)
    assert [here.settle(1), here.settle(2)] == [{"ann": "online"}, {}]
    assert here.settle(300) == {}
    assert here.settle(300, everybody=True) == {"ann": "away"}
    here.active("ann", 400)
    assert here.settle(400) == {"ann": "online"}
    here.leave("ann", 410)
    assert here.settle(414) == {}
    here.active("ann", 414)
    assert here.settle(420) == {}
    here.leave("ann", 430)
    assert here.settle(435) == {"ann": "offline"}
    assert here.statuses() == {}


def test_who_was_never_told_to_be_here_is_not_told_to_be_gone() -> None:
    here = Here(away_after_s=300, linger_s=0)
    here.active("ann", 0)
    here.leave("ann", 0)
    assert here.settle(1) == {}
    here.leave("ben", 1)
    assert here.settle(2, everybody=True) == {}


def test_idle_people_cost_no_writing() -> None:
    here = Here(away_after_s=300, linger_s=5)
    here.active("ann", 0)
    here.settle(0)
    seen = here.unsaved(0, every_s=60)
    assert seen == {"ann": 0}
    here.saved(seen)
    assert here.unsaved(1_000, every_s=60) == {}
    here.active("ann", 30)
    assert here.unsaved(59, every_s=60) == {}
    assert here.unsaved(60, every_s=60) == {"ann": 30}
    here.leave("ann", 60)
    here.settle(65)
    assert here.unsaved(65, every_s=60) == {"ann": 30}
    here.saved({"ann": 30})
    assert here.unsaved(65, every_s=60) == {}
