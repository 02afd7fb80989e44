"""What the server and the role let us know, and what is said where they do not."""

import dataclasses

from dbperf.catalog import server
from dbperf.connections import Database


def test_our_own_server_has_nearly_everything(database: Database) -> None:
    found = server.capabilities(database)
    assert found.version == database.version
    assert (found.superuser, found.replica, found.all_stats, found.statements) == (False, False, True, True)
    assert {gap.missing for gap in found.gaps} <= {"hypopg"}


def test_each_gap_says_what_it_costs_and_how_to_close_it(database: Database) -> None:
    bare = dataclasses.replace(
        server.capabilities(database),
        replica=True,
        all_stats=False,
        all_settings=False,
        scan_tables=False,
        extensions=[],
        statements_schema=None,
        preloaded=None,
    )
    assert [gap.missing for gap in bare.gaps] == [
        "pg_stat_statements",
        "pg_read_all_stats",
        "pg_read_all_settings",
        "pgstattuple",
        "hypopg",
        "a primary",
    ]
    assert all(gap.costs and gap.remedy for gap in bare.gaps)


def test_made_but_not_loaded_is_not_there(database: Database) -> None:
    found = dataclasses.replace(
        server.capabilities(database), statements_schema="public", preloaded="auto_explain"
    )
    assert not found.statements
