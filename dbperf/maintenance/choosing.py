"""Which tables are due. Pure: rows of `catalog.tables` in, names and reasons out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dbperf.connections import Row

LATELY = timedelta(hours=12)
DUE_SHARE = 0.5  # of what autovacuum waits for
XID_AGE = 100_000_000  # half of autovacuum_freeze_max_age's default


class Operation(StrEnum):
    """What is done to a table."""

    VACUUM_ANALYZE = "vacuum_analyze"
    ANALYZE = "analyze"
    REINDEX = "reindex"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A table and why it is its turn; `skip` says why it is left alone."""

    oid: int
    schema: str
    name: str
    why: str
    skip: str = ""

    @property
    def title(self) -> str:
        """schema.name"""
        return f"{self.schema}.{self.name}"


def chosen(
    rows: Sequence[Row], *, operation: Operation, asked: Sequence[str], now: datetime, busy: set[int]
) -> list[Chosen]:
    """The asked tables, or those that are due, the oldest transaction ids first. Raises LookupError with the first name
    that is no table's."""
    return list(_asked(rows, asked, busy)) if asked else list(_due(rows, operation, now, busy))


def _asked(rows: Sequence[Row], asked: Sequence[str], busy: set[int]) -> Iterator[Chosen]:
    known = {name: row for row in rows for name in (row["name"], f"{row['schema']}.{row['name']}")}
    for name in dict.fromkeys(asked):
        if name not in known:
            raise LookupError(name)
        yield _chosen(known[name], "asked for", busy)


def _due(rows: Sequence[Row], operation: Operation, now: datetime, busy: set[int]) -> Iterator[Chosen]:
    for row in sorted(rows, key=lambda row: -row["xid_age"]):
        why = _why(row, operation)
        if not why:
            continue
        last = row["analyzed_at"] if operation is Operation.ANALYZE else row["vacuumed_at"]
        if last is not None and now - last < LATELY and row["xid_age"] < XID_AGE:
            hours = (now - last).total_seconds() / 3600
            yield _chosen(row, why, busy, skip=f"done {hours:.0f} h ago")
        else:
            yield _chosen(row, why, busy)


def _why(row: Row, operation: Operation) -> str:
    if operation is not Operation.ANALYZE and row["xid_age"] >= XID_AGE:
        return f"its oldest transaction id is {row['xid_age']:,} old"
    if operation is not Operation.ANALYZE and row["dead"] >= max(1, DUE_SHARE * row["vacuum_limit"]):
        return f"{row['dead']:,} dead rows"
    if row["modified"] >= max(1, DUE_SHARE * row["analyze_limit"]):
        return f"{row['modified']:,} rows changed since it was analyzed"
    return ""


def _chosen(row: Row, why: str, busy: set[int], *, skip: str = "") -> Chosen:
    skip = "somebody is vacuuming it" if row["oid"] in busy else skip
    return Chosen(row["oid"], row["schema"], row["name"], why, skip)
