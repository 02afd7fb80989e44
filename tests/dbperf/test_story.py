"""An index is lost, and found again: the whole way, as whoever looks after a database goes it.

The clock's part is done by hand here (`an_hour`, `two_days`), and fifty calls are three; everything else is as it is in
production.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, models
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import F

from dbperf import checks, verdicts
from dbperf.checks import missing_index, slower_statements
from dbperf.connections import Database, Unavailable
from dbperf.findings import Finding
from dbperf.models import Alert, BuiltIndex, RelationDay, Snapshot, Statement, StatementUse, StoredFinding
from dbperf.operations import BuildIndexConcurrently
from dbperf.services import alerting, building, looking
from tests.dbperf.faults import run

ASKED = "SELECT total AS of_a_shop FROM orders WHERE shop = %s::int ORDER BY placed DESC LIMIT 10"


@pytest.fixture
def shop(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Orders of two hundred shops, and the index by which each reads its own. Nothing was ever looked at."""
    for module in (missing_index, slower_statements, verdicts):
        monkeypatch.setattr(module, "MIN_CALLS", 3)
    monkeypatch.setattr(slower_statements, "MIN_MEAN_MS", 0.0)
    monkeypatch.setattr(missing_index, "MIN_SHARE_PCT", 0.0)
    monkeypatch.setattr(missing_index, "MOST", 1_000)
    run(
        database,
        "CREATE TABLE orders (id bigserial PRIMARY KEY, shop int NOT NULL, placed int NOT NULL, total int NOT NULL)",
        "INSERT INTO orders (shop, placed, total) SELECT n % 200, n, n FROM generate_series(1, 40000) n",
        "CREATE INDEX orders_of_a_shop ON orders (shop, placed DESC)",
        "VACUUM ANALYZE orders",
    )
    yield database
    run(database, "DROP TABLE orders")
    for model in (Alert, BuiltIndex, StoredFinding, RelationDay, Statement, Snapshot):
        model._default_manager.using(database.alias).all().delete()


def people_look_at_their_orders(database: Database) -> int:
    """A few of them; returns how many pages PostgreSQL touched for one."""
    with database.connection.cursor() as cursor:
        for number in range(20):
            cursor.execute(ASKED, [number])
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + ASKED.replace("%s", "7"))
        plan = cursor.fetchone()[0][0]["Plan"]
        cursor.execute("SELECT pg_stat_force_next_flush()")
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def an_hour(database: Database) -> int:
    """In which people look at their orders, and the hourly look at its end; returns the pages of one of them."""
    pages = people_look_at_their_orders(database)
    alerting.heed_hour(looking.keep_hour(database=database, store=database.alias), store=database.alias)
    return pages


def two_days(database: Database) -> None:
    """What was seen until now is two days old."""
    uses = StatementUse.objects.using(database.alias)
    uses.update(taken_at=F("taken_at") - timedelta(days=2))


def alert(database: Database, queryid: str) -> str:
    """How the alert of a statement that got slower stands; nothing where there never was one."""
    key = f"slower_statements:statement {queryid}"
    row = Alert.objects.using(database.alias).filter(key=key).first()
    return "" if row is None else "over" if row.resolved_at else row.level


def look(database: Database) -> list[Finding]:
    """What the check has to say, proven."""
    asked = checks.context(database, store=database.alias, build_on=database)
    said = checks.run(asked, ["missing_index"]).findings
    return [finding for finding in said if "of_a_shop" in finding.evidence["text"]]


def migrate(database: Database, finding: Finding) -> None:
    """Runs the migration that the finding proposes: the line of the model, in its operation."""
    index = eval(finding.remedy.model, {"models": models})  # noqa: S307 - the line is Python, for people to paste
    fields: list[tuple[str, models.Field[Any, Any]]] = [("id", models.BigAutoField(primary_key=True))]
    fields += [(name, models.IntegerField()) for name in ("shop", "placed", "total")]
    state = ProjectState()
    state.add_model(ModelState("dbperf", "Orders", fields, {"db_table": "orders"}))
    operation = BuildIndexConcurrently("orders", index)
    after = state.clone()
    operation.state_forwards("dbperf", after)
    with connections[database.alias].schema_editor(atomic=False) as editor:
        operation.database_forwards("dbperf", editor, state, after)


class Customers(threading.Thread):
    """Somebody who orders all the while, over a connection of their own."""

    def __init__(self, database: Database) -> None:
        super().__init__(daemon=True)
        self.database, self.enough, self.orders = database, threading.Event(), 0

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self.database.run("INSERT INTO orders (shop, placed, total) VALUES (7, 50000, 1)")
                self.orders += 1
        finally:
            self.database.connection.close()


@contextmanager
def customers(database: Database) -> Iterator[Customers]:
    """At least one has ordered already."""
    somebody = Customers(database)
    somebody.start()
    try:
        until(lambda: somebody.orders > 0)
        yield somebody
    finally:
        somebody.enough.set()
        somebody.join(10)


def until(true: Callable[[], bool]) -> None:
    """Waits for it, ten seconds at most."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_index_is_lost_and_found_again(shop: Database) -> None:
    store = shop.alias

    # All is well for days, and dbperf looks every hour.
    an_hour(shop)
    fast = an_hour(shop)
    two_days(shop)
    assert look(shop) == []

    # Somebody drops the index. Everything still works, only slower. After two hours of that the alert fires.
    run(shop, "DROP INDEX orders_of_a_shop")
    slow = an_hour(shop)
    assert slow > 10 * fast
    (finding,) = look(shop)
    queryid = finding.evidence["queryid"]
    assert alert(shop, queryid) == ""
    an_hour(shop)
    assert alert(shop, queryid) == "warning"

    # The check has found what would help. It proves it, and says what it costs.
    assert finding.subject == "public.orders (shop, placed DESC)"
    assert finding.evidence["proof"] == "built"
    assert finding.evidence["buffers_before"] > 10 * finding.evidence["buffers_after"]
    assert finding.evidence["writes"] >= 40_000
    assert "BuildIndexConcurrently" in finding.remedy.text

    # Somebody accepts the suggestion. A worker builds the index while people go on ordering.
    suggestion = StoredFinding.objects.using(store).get(key=finding.key)
    build = building.accept(suggestion.pk, by="somebody", store=store, database=shop)
    assert build.blocks_before > 10 * fast
    with customers(shop) as ordering:
        building.carry_out(build.pk, store=store, database=shop)
        ordered = ordering.orders
        until(lambda: ordering.orders > ordered)
    build.refresh_from_db()
    assert (build.state, build.note, build.verdict) == ("valid", "", "open")

    # It is as fast as before. The verdict is out when an hour lies wholly behind the build, and says by how much.
    two_days(shop)
    assert an_hour(shop) <= fast + 2
    assert look(shop) == []
    an_hour(shop)
    build.refresh_from_db()
    assert (build.verdict, build.calls_after) == ("confirmed", 20)
    assert build.blocks_after * 10 < build.blocks_before

    # Nobody is bothered any more: after three good hours the alert is over.
    assert alert(shop, queryid) == "warning"
    an_hour(shop)
    assert alert(shop, queryid) == "over"
    suggestion.refresh_from_db()
    assert suggestion.resolved_at

    # The line goes into the model at last. Its migration finds the index there.
    migrate(shop, finding)
    assert people_look_at_their_orders(shop) <= fast + 2


def test_a_migration_that_broke_off_is_run_again(shop: Database) -> None:
    run(shop, "DROP INDEX orders_of_a_shop")
    people_look_at_their_orders(shop)
    (finding,) = look(shop)
    name = finding.evidence["index"]
    with pytest.raises(Unavailable):  # not unique: what stays is written to, and read by nobody
        shop.run(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON orders (shop)")
    migrate(shop, finding)
    (row,) = shop.rows("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
    assert "(shop, placed DESC)" in row["indexdef"]
    valid = "SELECT indisvalid AS valid, indisunique AS single FROM pg_index WHERE indexrelid = %s::text::regclass"
    assert shop.row(valid, [name]) == {"valid": True, "single": False}
    migrate(shop, finding)  # and once more, over one that is whole
    assert shop.row(valid, [name])["valid"]
