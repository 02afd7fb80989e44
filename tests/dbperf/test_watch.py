"""Nothing is done to a table that nobody watches."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from chatbackend.connections import session_options
from dbperf.aliases import MAINTENANCE, SESSIONS
from dbperf.catalog import upkeep
from dbperf.connections import Database, Row
from dbperf.maintenance import watch
from dbperf.maintenance.watch import Watch
from dbperf.models import MaintenanceRun
from dbperf.services import maintaining
from tests import scratch
from tests.dbperf.faults import run, session, until
from tests.dbperf.upkeep import VACUUM, ended, maintained, meanwhile, of, phases, stop
from tests.realtime.proxy import Proxy

NOWHERE = "1"  # a port at which nobody is


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.05)


@contextmanager
def unreachable(database: Database) -> Iterator[None]:
    """No new connection comes about; those that are there stay."""
    known = database.connection.settings_dict
    port, known["PORT"] = known["PORT"], NOWHERE
    try:
        yield
    finally:
        known["PORT"] = port


def end_watcher(other: psycopg.Connection[Any], *but: int) -> None:
    other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename = current_user AND pid <> ALL (%s) AND pid <> pg_backend_pid()",
        [list(but)],
    )


@contextmanager
def proxied(database: Database) -> Iterator[tuple[Database, Proxy]]:
    """The same database by a way that can be barred, with the session of maintenance."""
    known = database.connection.settings_dict
    proxy = Proxy((known["HOST"], int(known["PORT"])))
    options = {**known["OPTIONS"], "options": session_options(SESSIONS[MAINTENANCE])}
    given = {**known, "HOST": "127.0.0.1", "PORT": str(proxy.port), "OPTIONS": options}
    try:
        with scratch.registered("proxied", given):
            yield Database("proxied"), proxy
    finally:
        proxy.close()


def test_a_lost_connection_is_made_anew(slow: Database) -> None:
    pid = upkeep.own_pid(slow)

    def lose_and_stop(other: psycopg.Connection[Any]) -> None:
        end_watcher(other, pid)
        beats = MaintenanceRun.objects.using(slow.alias)
        seen = beats.get(active=True).beat_at
        until(lambda: beats.get(active=True).beat_at > seen)
        stop(slow)

    with meanwhile(slow, lose_and_stop):
        done = maintained(slow, "fault.t")
    assert (of(done).outcome, of(done).note) == ("stopped", "cancelled")


def test_what_cannot_be_watched_is_not_begun(slow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BLIND_S", 0.5)
    upkeep.own_pid(slow)
    with unreachable(slow):
        result = of(maintained(slow, "fault.t"))
    assert (result.outcome, result.note) == ("failed", "it could not be watched, and was not begun")
    assert slow.row(
        "SELECT count(*) AS times FROM pg_stat_user_tables WHERE vacuum_count > 0 AND relname = 't'"
    ) == {"times": 0}


def test_what_cannot_be_watched_any_more_is_ended(slow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BLIND_S", 0.5)
    pid = upkeep.own_pid(slow)
    blind = unreachable(slow)

    def go_blind(other: psycopg.Connection[Any]) -> None:
        blind.__enter__()
        end_watcher(other, pid)

    with meanwhile(slow, go_blind):
        done = maintained(slow, "fault.t")
    blind.__exit__(None, None, None)
    assert (done.state, of(done).outcome) == ("done", "stopped")
    assert of(done).note == "nobody could watch it any more"


def test_a_look_that_gets_no_answer_is_none(slow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs, without an error, until the work that nobody sees any more was ended."""
    monkeypatch.setattr(watch, "BLIND_S", 0.5)
    with session(slow) as holder:

        def hang(other: psycopg.Connection[Any]) -> None:
            holder.execute("SELECT FROM dbperf_maintenancerun FOR UPDATE")
            until(lambda: not phases(other))
            holder.rollback()

        with meanwhile(slow, hang):
            done = maintained(slow, "fault.t")
    assert (of(done).outcome, of(done).note) == ("stopped", "nobody could watch it any more")


def test_where_nobody_takes_a_cancel_it_hangs_up(slow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """And PostgreSQL ends what nobody waits for: it would go on for minutes."""
    monkeypatch.setattr(watch, "BLIND_S", 0.5)
    with proxied(slow) as (by_proxy, proxy):
        run(by_proxy, "SET vacuum_cost_delay = 100", "SET vacuum_cost_limit = 1")
        pid, keeper = upkeep.own_pid(by_proxy), upkeep.own_pid(slow)

        def refuse(other: psycopg.Connection[Any]) -> None:
            proxy.refuse()
            end_watcher(other, pid, keeper)

        begun = maintaining.begin(VACUUM, asked=["fault.t"], by="one", store=slow.alias, database=slow)
        with meanwhile(slow, refuse):
            done = maintaining.carry_out(begun.pk, store=slow.alias, database=by_proxy)
        assert done is not None
        assert (done.state, done.note) == ("failed", "the connection to the database was lost")
        assert (of(done).outcome, of(done).note) == ("stopped", "nobody could watch it any more")
        with session(slow) as other:
            other.autocommit = True
            until(lambda: ended(other, pid))


def test_the_first_reason_stays(worn: Database) -> None:
    answers, looks = iter(["", "somebody asked"]), list[Row | None]()
    watching = Watch(worn, ask=lambda: next(answers, ""), tell=looks.append)
    with watching.on():
        until(lambda: len(looks) >= 5)
    assert watching.reason == "somebody asked"


def test_only_who_waits_is_asked_for_whom(worn: Database) -> None:
    """To ask stops the server's whole lock manager for a moment."""
    with session(worn) as holder, session(worn) as waiting:
        pid = holder.info.backend_pid
        holder.execute("LOCK TABLE fault.t IN SHARE MODE")
        assert _asked(worn, pid) == 0
        waiting.pgconn.send_query(b"INSERT INTO fault.t VALUES (1)")
        until(lambda: upkeep.waiters(worn, pid) == [waiting.info.backend_pid])
        assert _asked(worn, pid) == 1
        holder.rollback()
        while waiting.pgconn.get_result():
            pass


def _asked(database: Database, pid: int) -> int:
    """For how many sessions WAITERS has PostgreSQL look through the locks."""
    statement = upkeep.WAITERS.replace("%s", str(pid))
    (row,) = database.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
    plan = row["QUERY PLAN"]
    nodes = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
    asking = [node for node in nodes if "pg_blocking_pids" in node.get("Filter", "")]
    return int(sum(node["Actual Rows"] + node["Rows Removed by Filter"] for node in asking))
