"""A table that is read whole for a few rows; the order wanted; what no index would help."""

# ruff: noqa: S608 - tables of the test's own

import itertools

import pytest
from django.utils import timezone

from dbperf import checks, proving
from dbperf.catalog import proposals as catalog
from dbperf.checks import missing_index
from dbperf.connections import Database
from dbperf.findings import Finding
from dbperf.models import Statement
from dbperf.proposing import Proposal, proposals
from tests.dbperf.faults import run, session

NUMBERS = itertools.count()  # what was counted of another test's table is of none of these


@pytest.fixture
def table(faulty: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """Thirty thousand of three hundred kinds, a hundred of each, side by side."""
    monkeypatch.setattr(missing_index, "MIN_CALLS", 3)
    monkeypatch.setattr(missing_index, "MIN_SHARE_PCT", 0.0)
    monkeypatch.setattr(missing_index, "MOST", 1_000)
    table = f"fault.pets_{next(NUMBERS)}"
    run(
        faulty,
        f"CREATE TABLE {table} (kind int NOT NULL, name text NOT NULL, born int NOT NULL, seen int NOT NULL)"
        " WITH (fillfactor = 70)",
        f"INSERT INTO {table} SELECT n / 100, 'pet ' || n, n, 0 FROM generate_series(1, 30000) n",
        f"VACUUM ANALYZE {table}",
    )
    return table


def ask(database: Database, statement: str, times: int = 4) -> None:
    """With values bound by the server, as our code does."""
    with database.connection.cursor() as cursor:
        for number in range(times):
            cursor.execute(statement, [number])


def found(database: Database, word: str, *, prove: bool = True) -> list[Finding]:
    asked = checks.context(database, store=database.alias, build_on=database if prove else None)
    outcome = checks.run(asked, ["missing_index"])
    assert outcome.skipped == []
    return [each for each in outcome.findings if word in each.evidence["text"]]


def has_hypopg(database: Database) -> bool:
    return "hypopg" in checks.context(database).capabilities.extensions


def test_fault_then_fix_then_silence(faulty: Database, table: str) -> None:
    statement = f"SELECT name AS first_ask FROM {table} WHERE kind = %s::int"
    ask(faulty, statement, times=2)
    assert found(faulty, "first_ask") == []  # too seldom
    ask(faulty, statement)
    (finding,) = found(faulty, "first_ask")
    assert finding.subject == f"{table} (kind)"
    assert finding.evidence["proof"] == "built"
    assert finding.evidence["buffers_after"] * 2 < finding.evidence["buffers_before"]
    assert 0 < finding.evidence["bytes_a_write"] < 100
    assert finding.remedy.sql.startswith("CREATE INDEX CONCURRENTLY pets_")
    assert faulty.rows("SELECT FROM pg_indexes WHERE schemaname = 'fault'") == []  # all taken back
    run(faulty, finding.remedy.sql)
    assert found(faulty, "first_ask") == []


def test_the_order_wanted_is_part_of_it(faulty: Database, table: str) -> None:
    ask(faulty, f"SELECT name AS newest_ask FROM {table} WHERE kind = %s::int ORDER BY born DESC LIMIT 5")
    (finding,) = found(faulty, "newest_ask")
    assert finding.subject == f"{table} (kind, born DESC)"
    assert 'fields=["kind", "-born"]' in finding.remedy.model


def test_it_is_tried_with_what_is_frequent_and_with_what_is_rare(faulty: Database, table: str) -> None:
    run(
        faulty,
        f"UPDATE {table} SET kind = 0 WHERE born < 5000",
        f"UPDATE {table} SET kind = -1 WHERE born = 20000",
        f"VACUUM ANALYZE {table}",
    )
    ask(faulty, f"SELECT name AS skewed_ask FROM {table} WHERE kind = %s::int")
    (finding,) = found(faulty, "skewed_ask")
    pages = finding.evidence["buffers_sampled"]
    assert list(pages) == ["hot", "median", "cold"]
    assert pages["hot"][1] > 10 * pages["median"][1]
    assert pages["median"][1] > pages["cold"][1]
    assert finding.evidence["buffers_after"] == pytest.approx(
        sum(after for _, after in pages.values()) / 3, abs=1
    )


def test_what_no_index_halves_is_not_told(faulty: Database, table: str) -> None:
    ask(faulty, f"SELECT name AS most_ask FROM {table} WHERE born > %s::int", 4)
    assert found(faulty, "most_ask") == []


def test_a_locked_table_leaves_it_unproven_and_waits_for_nobody(
    faulty: Database, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(proving.LIMITS, "statement_timeout", "0")  # it is the lock that is given up
    ask(faulty, f"SELECT name AS locked_ask FROM {table} WHERE kind = %s::int")
    with session(faulty) as other:
        other.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        (finding,) = found(faulty, "locked_ask")
    assert finding.evidence["proof"] == ("imagined" if has_hypopg(faulty) else "unproven")
    assert finding.level == ("warning" if has_hypopg(faulty) else "info")
    (proven,) = found(faulty, "locked_ask")
    assert (proven.evidence["proof"], proven.level) == ("built", "warning")


def test_unasked_nothing_is_built(faulty: Database, table: str) -> None:
    ask(faulty, f"SELECT name AS quiet_ask FROM {table} WHERE kind = %s::int")
    with session(faulty) as other:
        other.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        (finding,) = found(faulty, "quiet_ask", prove=False)
    assert finding.evidence["proof"] == ("imagined" if has_hypopg(faulty) else "unproven")
    assert faulty.rows("SELECT FROM pg_indexes WHERE schemaname = 'fault'") == []


def test_the_planner_is_shown_an_index_and_its_guesses_prove_nothing(faulty: Database, table: str) -> None:
    ask(faulty, f"SELECT name AS shown_ask FROM {table} WHERE kind = %s::int")
    ask(faulty, f"SELECT name AS ranged_ask FROM {table} WHERE born > %s::int")
    (ranged,) = found(faulty, "ranged_ask", prove=False)
    assert ranged.evidence["proof"] == "unproven"
    if has_hypopg(faulty):  # Debian has it, the wheel has not
        (finding,) = found(faulty, "shown_ask", prove=False)
        assert finding.evidence["cost_after"] * 2 < finding.evidence["cost_before"]
        assert finding.evidence["size_bytes"] > 0
        assert "expects" in finding.detail


def test_updates_that_would_no_longer_be_hot(faulty: Database, table: str) -> None:

    ask(faulty, f"SELECT name AS hot_ask FROM {table} WHERE kind = %s::int")
    run(faulty, f"UPDATE {table} SET born = 1 WHERE kind = 7", f"ANALYZE {table}")
    (finding,) = found(faulty, "hot_ask", prove=False)
    assert finding.evidence["hot_updates_lost"] == 0
    text = f"UPDATE {table} SET kind = $1 WHERE born = $2"
    kept = Statement.objects.using(faulty.alias).create(
        queryid=1, userid=1, dbid=1, toplevel=True, text=text, first_seen=timezone.now()
    )
    (finding,) = found(faulty, "hot_ask", prove=False)
    assert finding.evidence["hot_updates_lost"] > 0
    kept.delete()


def test_the_statement_that_is_run_on_trial_may_only_read(faulty: Database, table: str) -> None:
    run(
        faulty,
        "CREATE FUNCTION fault.writes(int) RETURNS int LANGUAGE plpgsql AS"
        f" $$ BEGIN INSERT INTO {table} VALUES (1, 'x', 1, 1); RETURN $1; END $$",
    )
    text = f"SELECT fault.writes(1) FROM {table} WHERE kind = $1"
    proof = proving.prove(
        faulty,
        text,
        Proposal("fault", table.removeprefix("fault."), ("kind",), (("$1", "kind"),)),
        cost=1.0,
        build=True,
        imagine=False,
    )
    assert proof.how == "unproven"
    assert faulty.row(f"SELECT count(*) AS n FROM {table}")["n"] == 30_000


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; DROP TABLE t",
        "DELETE FROM t",
        "WITH a AS (DELETE FROM t RETURNING 1) SELECT 1",
        "x" * 10_000,
    ],
)
def test_what_is_never_looked_into(text: str) -> None:
    assert not proving.usable(text)


def test_quoted_names_and_what_is_left_alone() -> None:
    scan = {"Node Type": "Seq Scan", "Schema": "s", "Relation Name": "My t", "Alias": "My t"}
    quoted = scan | {"Filter": '("My t"."Kind""x" = $1)'}
    (proposal,) = proposals(quoted)
    assert proposal.sql() == f'CREATE INDEX CONCURRENTLY {proposal.name} ON s."My t" ("Kind""x")'
    assert len(proposal.name) <= 30
    assert proposals(scan | {"Filter": '(("My t".a = $1) OR ("My t".b = $2))'}) == []
    assert proposals(scan | {"Filter": "(other.a = $1)"}) == []
    assert catalog.NAME.as_string() == '"dbperf_proposal"'
