"""Each alias keeps to what it is for."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from chatbackend.connections import unpooled
from dbperf.aliases import APPLICATION_NAMES, MAINTENANCE, MONITOR, SESSIONS
from dbperf.connections import Database, Unavailable, alias_for, monitor


@pytest.fixture(autouse=True)
def _reached(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield
        for alias in (MONITOR, MAINTENANCE):
            connections[alias].close()


def shown(alias: str, name: str) -> str:
    return str(Database(alias).row(f"SHOW {name}")[name])


def test_all_lead_to_the_same_database() -> None:
    names = {
        Database(alias).row("SELECT current_database() AS name")["name"] for alias in (MONITOR, MAINTENANCE)
    }
    assert names == {connection.settings_dict["NAME"]}


def test_the_monitor_gives_up_early_and_writes_nothing() -> None:
    assert (shown(MONITOR, "lock_timeout"), shown(MONITOR, "statement_timeout")) == ("1s", "5s")
    assert shown(MONITOR, "application_name") == "dbperf-monitor"
    with pytest.raises(Unavailable) as refused:
        monitor().rows("CREATE TABLE never (id int)")
    assert refused.value.sqlstate == "25006"


def test_a_locked_table_is_told_as_such() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE locked (id int)")
        try:
            cursor.execute("BEGIN; LOCK TABLE locked")
            with pytest.raises(Unavailable, match="stayed locked for a second"):
                monitor().rows("SELECT pg_relation_size('locked')")
        finally:
            cursor.execute("ROLLBACK; DROP TABLE locked")


def test_maintenance_is_never_cut_short() -> None:
    assert (shown(MAINTENANCE, "statement_timeout"), shown(MAINTENANCE, "lock_timeout")) == ("0", "1s")
    assert (shown(MAINTENANCE, "vacuum_cost_delay"), shown(MAINTENANCE, "idle_session_timeout")) == (
        "2ms",
        "0",
    )
    assert connections[MAINTENANCE].get_autocommit()
    assert shown(MAINTENANCE, "client_connection_check_interval") == "2s"  # its process's end is its own


def test_none_of_them_is_pooled() -> None:
    options = {**settings.DATABASE_OPTIONS, "pool": {"max_size": 2}}
    made = unpooled(
        "postgresql://a@b/c", options=options, name=APPLICATION_NAMES[MONITOR], session=SESSIONS[MONITOR]
    )
    assert "pool" not in made["OPTIONS"]
    assert made["CONN_MAX_AGE"] == 0


def test_what_a_project_does_not_have_is_its_default() -> None:
    assert alias_for(MONITOR) == MONITOR
    assert alias_for("no-such-alias") == "default"
