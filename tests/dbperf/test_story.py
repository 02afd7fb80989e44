"""An index is lost, and found again: the whole way, as whoever looks after a database goes it.

The clock's part is done by hand here (`look`), and fifty calls are three; everything else is as it is in production.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections, models
from django.db.migrations.state import ModelState, ProjectState

from dbperf import checks
from dbperf.checks import missing_index
from dbperf.connections import Database, Unavailable
from dbperf.findings import Finding
from dbperf.operations import BuildIndexConcurrently
from tests.dbperf.faults import run

ASKED = "SELECT total AS of_a_shop FROM orders WHERE shop = %s::int ORDER BY placed DESC LIMIT 10"


@pytest.fixture
def shop(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Orders of two hundred shops, and the index by which each reads its own."""
    monkeypatch.setattr(missing_index, "MIN_CALLS", 3)
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


def people_look_at_their_orders(database: Database) -> int:
    """A few of them; returns how many pages PostgreSQL touched for one."""
    with database.connection.cursor() as cursor:
        for number in range(5):
            cursor.execute(ASKED, [number])
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + ASKED.replace("%s", "7"))
        plan = cursor.fetchone()[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


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


def until(true: Callable[[], bool]) -> None:
    """Waits for it, ten seconds at most."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_index_is_lost_and_found_again(shop: Database) -> None:
    fast = people_look_at_their_orders(shop)
    assert look(shop) == []

    # Somebody drops the index. Everything still works, only slower.
    run(shop, "DROP INDEX orders_of_a_shop")
    slow = people_look_at_their_orders(shop)
    assert slow > 10 * fast

    # The check finds the statement, and proves what would help, and says what it costs.
    (finding,) = look(shop)
    assert finding.subject == "public.orders (shop, placed DESC)"
    assert finding.evidence["proof"] == "built"
    assert finding.evidence["buffers_before"] > 10 * finding.evidence["buffers_after"]
    assert finding.evidence["writes"] >= 40_000

    # The migration builds it while people go on ordering.
    customers = Customers(shop)
    customers.start()
    until(lambda: customers.orders > 0)
    migrate(shop, finding)
    ordered = customers.orders
    until(lambda: customers.orders > ordered)
    customers.enough.set()
    customers.join(10)

    # It is as fast as before, and there is nothing left to say.
    assert people_look_at_their_orders(shop) <= fast + 2
    assert look(shop) == []


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
