"""Wraparound: transaction ids running out because old rows are not frozen.

Autovacuum freezes a table at the latest at `autovacuum_freeze_max_age`. Half as much again means that it does not get
there. At 2^31 PostgreSQL takes no more writes. Transaction ids and multixact ids are counted apart.
"""

from collections.abc import Iterator

from dbperf.catalog import server, tables
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted

END = 2**31
LATE = 1.5  # times autovacuum's own limit
CRITICAL_SHARE = 0.5


def run(context: Context) -> Iterator[Finding]:
    database = server.database(context.database)
    limits = {"xid_age": database["freeze_max_age"], "mxid_age": database["mxid_freeze_max_age"]}
    for kind, limit in limits.items():
        if database[kind] > LATE * limit:
            yield _finding(f"database {database['name']}", kind, database[kind], "VACUUM (FREEZE);")
        for row in tables.tables(context.database):
            if row[kind] > LATE * limit:
                name = quoted(row["schema"], row["name"])
                yield _finding(name, kind, row[kind], f"VACUUM (FREEZE) {name};")


def _finding(subject: str, kind: str, age: int, sql: str) -> Finding:
    what = "transaction ids" if kind == "xid_age" else "multixact ids"
    return Finding(
        check="wraparound",
        level=Level.CRITICAL if age >= CRITICAL_SHARE * END else Level.WARNING,
        subject=f"{subject} ({what})",
        detail=f"The oldest of the {what} in {subject} is {age:,} back; at {END:,} PostgreSQL takes no more writes.",
        remedy=Remedy("Freeze it, after ending what holds old transactions open.", sql),
        evidence={kind: age, "used_pct": round(100 * age / END, 2)},
    )
