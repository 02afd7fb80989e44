"""What holds for every check: it is found, tried and described, and a fault of one does not stop the others."""

import pytest

from dbperf import checks
from dbperf.connections import Database
from tests.dbperf.faults import run, session
from tests.server import ROOT

NAMES = sorted(checks.found())


def test_each_has_a_test_and_a_page() -> None:
    modules = {path.stem for path in (ROOT / "dbperf/checks").glob("[a-z]*.py")}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests/dbperf/checks").glob("test_*.py")}
    pages = {path.stem for path in (ROOT / "docs/reference/checks").glob("*.md")}
    assert set(NAMES) == modules == tests - {"package"} == pages - {"index"}


@pytest.mark.parametrize("name", NAMES)
def test_each_page_has_the_title_and_the_limits(name: str) -> None:
    page = (ROOT / "docs/reference/checks" / f"{name}.md").read_text()
    assert page.startswith(f"# `{name}`\n\n{checks.found()[name].title}.")


def test_all_of_them_run_on_an_empty_database(faulty: Database) -> None:
    outcome = checks.run(checks.context(faulty, store=faulty.alias))
    assert outcome.skipped == []
    assert {found.check for found in outcome.findings} <= {"settings"}


def test_what_is_locked_hides_only_itself(faulty: Database) -> None:
    run(
        faulty,
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "SELECT setval('t_id_seq', 2000000000)",
        "SET lock_timeout = 200",
    )
    with session(faulty) as other:
        other.execute("LOCK TABLE fault.t")
        outcome = checks.run(checks.context(faulty, store=faulty.alias), ["duplicate_index", "sequence_end"])
    run(faulty, "RESET lock_timeout")
    assert [(skipped.check, skipped.reason) for skipped in outcome.skipped] == [
        ("duplicate_index", "a table stayed locked for a second")
    ]
    assert [found.check for found in outcome.findings] == ["sequence_end"]


def test_keys_are_stable_and_lead_to_one_finding(faulty: Database) -> None:
    run(faulty, "CREATE SEQUENCE s MAXVALUE 10", "SELECT setval('s', 9)")
    (first,), (second,) = (
        checks.run(checks.context(faulty, store=faulty.alias), ["sequence_end"]).findings for _ in range(2)
    )
    assert first.key == second.key == "sequence_end:fault.s"
    assert first.as_json()["remedy"].keys() == {"text", "sql", "model"}
