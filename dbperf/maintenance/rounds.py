"""The tables of a round, out of what PostgreSQL says of them now."""

from collections.abc import Sequence

from django.utils import timezone

from dbperf.catalog import indexes, tables, upkeep
from dbperf.connections import Database
from dbperf.maintenance import bloat, choosing
from dbperf.maintenance.choosing import Chosen, Operation


def unknown(names: Sequence[str], database: Database) -> list[str]:
    """Names that are no table's."""
    return choosing.unknown([*tables.tables(database), *tables.parents(database)], names) if names else []


def chosen(operation: Operation, names: Sequence[str], database: Database) -> list[Chosen]:
    """The named tables, or those that are due."""
    rows, parents, busy = tables.tables(database), tables.parents(database), upkeep.under_way(database)
    if names:
        return list(choosing.asked_for([*rows, *parents], operation, names, busy=busy))
    if operation is Operation.REINDEX:
        return list(choosing.due_for_rebuild(rows, _suspected(database), busy=busy))
    now = timezone.now()
    return [
        *choosing.due(rows, operation, now=now, busy=busy),
        *choosing.due_parents(parents, now=now, busy=busy),
    ]


def _suspected(database: Database) -> dict[bloat.Table, str]:
    expected = {row["oid"]: row["expected_bytes"] for row in indexes.bloat(database)}
    return bloat.suspected(indexes.indexes(database), expected)
