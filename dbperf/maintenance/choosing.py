"""Which tables are due. Pure: rows of `catalog.tables` in, names and reasons out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dbperf.connections import Row

LATELY = timedelta(hours=12)
DUE_SHARE = 0.5  # of what autovacuum waits for
AGES = {"xid_age": ("xid_limit", "transaction id"), "mxid_age": ("mxid_limit", "multixact id")}


class Operation(StrEnum):
    """What is done to a table."""

    VACUUM_ANALYZE = "vacuum_analyze"
    ANALYZE = "analyze"
    REINDEX = "reindex"


class Cause(StrEnum):
    """Why it is a table's turn, for programs."""

    ASKED = "asked"
    AGED = "aged"
    DEAD = "dead"
    INSERTED = "inserted"
    CHANGED = "changed"
    BEHIND = "behind"
    HOLLOW = "hollow"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A table and why it is its turn; `skip` says why it is left alone, `aged` which of its ages is why. A `parent` has
    partitions and no rows of its own."""

    oid: int
    schema: str
    name: str
    why: str
    skip: str = ""
    aged: str = ""
    parent: bool = False
    cause: Cause = Cause.ASKED

    @property
    def title(self) -> str:
        """schema.name"""
        return f"{self.schema}.{self.name}" if self.schema else self.name


def unknown(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Names that are no table's."""
    known = _by_name(rows)
    return [name for name in names if name not in known]


def asked_for(
    rows: Sequence[Row], operation: Operation, names: Sequence[str], *, busy: set[int]
) -> Iterator[Chosen]:
    """These tables, each once; one that was dropped since it was asked for says so."""
    known = _by_name(rows)
    for name in dict.fromkeys(names):
        if name in known:
            hollow = operation is Operation.REINDEX and "partitioned" in known[name]
            skip = "its partitions have the indexes; ask for those" if hollow else ""
            yield _chosen(known[name], "asked for", busy, Cause.ASKED, skip=skip)
        else:
            yield Chosen(0, "", name, "asked for", "there is no such table any more")


def due(rows: Sequence[Row], operation: Operation, *, now: datetime, busy: set[int]) -> Iterator[Chosen]:
    """What VACUUM or ANALYZE would be good for, the oldest ids first."""
    for row in sorted(rows, key=_urgency, reverse=True):
        aged = _aged(row) if operation is Operation.VACUUM_ANALYZE else ""
        if found := _why(row, operation, aged):
            cause, why = found
            skip = "" if aged else _lately(row, operation, now)
            yield _chosen(row, why, busy, cause, skip=skip, aged=aged)


def due_parents(rows: Sequence[Row], *, now: datetime, busy: set[int]) -> Iterator[Chosen]:
    """Tables whose statistics as a whole are behind those of their partitions."""
    for row in rows:
        if why := _behind(row):
            yield _chosen(row, why, busy, Cause.BEHIND, skip=_lately(row, Operation.ANALYZE, now))


def due_for_rebuild(
    rows: Sequence[Row], suspected: Mapping[tuple[str, str], str], *, busy: set[int]
) -> Iterator[Chosen]:
    """Tables with indexes that may be half empty."""
    for row in rows:
        if why := suspected.get((row["schema"], row["name"])):
            yield _chosen(row, why, busy, Cause.HOLLOW)


def _by_name(rows: Sequence[Row]) -> dict[str, Row]:
    return {name: row for row in rows for name in (row["name"], f"{row['schema']}.{row['name']}")}


def _urgency(row: Row) -> float:
    return max(float(row[age] / row[limit]) for age, (limit, _) in AGES.items())


def _aged(row: Row) -> str:
    """The age by which autovacuum will come anyhow, and at no time of ours."""
    late = [age for age, (limit, _) in AGES.items() if row[age] >= DUE_SHARE * row[limit]]
    return max(late, key=lambda age: float(row[age] / row[AGES[age][0]]), default="")


def _why(row: Row, operation: Operation, aged: str) -> tuple[Cause, str] | None:
    if aged:
        return Cause.AGED, f"its oldest {AGES[aged][1]} is {row[aged]:,} old"
    if operation is Operation.VACUUM_ANALYZE:
        if _enough(row["dead"], row["vacuum_limit"]):
            return Cause.DEAD, f"{row['dead']:,} dead rows"
        if _enough(row["inserted_since_vacuum"], row["insert_limit"]):
            inserted = f"{row['inserted_since_vacuum']:,} rows inserted since it was vacuumed"
            return Cause.INSERTED, inserted
    if _enough(row["modified"], row["analyze_limit"]):
        return Cause.CHANGED, f"{row['modified']:,} rows changed since it was analyzed"
    return None


def _enough(count: int, limit: float | None) -> bool:
    return limit is not None and count >= max(1, DUE_SHARE * limit)


def _lately(row: Row, operation: Operation, now: datetime) -> str:
    last = row["analyzed_at"] if operation is Operation.ANALYZE else row["vacuumed_at"]
    if last is None or now - last >= LATELY:
        return ""
    return f"done {(now - last).total_seconds() / 3600:.0f} h ago"


def _behind(row: Row) -> str:
    analyzed, leaves = row["analyzed_at"], row["leaves_analyzed_at"]
    if leaves is None:
        return ""
    if row["rows"] < 0 or analyzed is None:
        return "it was never analyzed as a whole, which autovacuum does not do"
    if _enough(abs(row["leaf_rows"] - row["rows"]), row["analyze_limit"]):
        return f"its partitions have {row['leaf_rows']:,} rows, and had {row['rows']:,} when it was analyzed"
    # One ANALYZE of the whole may take in the partitions, which then are a little younger.
    return "its partitions were analyzed since it was" if leaves - analyzed >= LATELY else ""


def _chosen(row: Row, why: str, busy: set[int], cause: Cause, *, skip: str = "", aged: str = "") -> Chosen:
    skip = "somebody is vacuuming it" if row["oid"] in busy else skip
    return Chosen(row["oid"], row["schema"], row["name"], why, skip, aged, "partitioned" in row, cause)
