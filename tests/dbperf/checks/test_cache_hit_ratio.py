"""Read from outside of the cache."""

import pytest

from dbperf.checks import cache_hit_ratio
from dbperf.connections import Database
from tests.dbperf.faults import findings


def test_it(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(faulty, "cache_hit_ratio") == []  # a new database has read too little to say
    monkeypatch.setattr(cache_hit_ratio, "MIN_BLOCKS", 1)
    monkeypatch.setattr(cache_hit_ratio, "WARNING_PCT", 100.1)
    (finding,) = findings(faulty, "cache_hit_ratio")
    hit = finding.evidence["hit_pct"]
    assert 0 < hit <= 100
    monkeypatch.setattr(cache_hit_ratio, "WARNING_PCT", hit - 1)
    assert findings(faulty, "cache_hit_ratio") == []
