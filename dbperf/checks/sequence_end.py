"""Sequences and integer keys running out.

The end that counts is the nearer one: the sequence's own, or that of the column's type. Then every insert fails.
"""

from collections.abc import Iterator

from dbperf.catalog import tables
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, share

WARNING_PCT = 50.0
CRITICAL_PCT = 90.0


def run(context: Context) -> Iterator[Finding]:
    for row in tables.sequences(context.database):
        used = share(row["last_value"], row["max_value"])
        if used < WARNING_PCT:
            continue
        table = quoted(row["schema"], row["table"]) if row["table"] else ""
        column = quoted(row["column"]) if row["table"] else ""
        sql = f"ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint;" if table else ""
        yield Finding(
            check="sequence_end",
            level=Level.CRITICAL if used >= CRITICAL_PCT else Level.WARNING,
            subject=f"{row['schema']}.{row['name']}",
            detail=f"{row['name']} stands at {row['last_value']:,} of {row['max_value']:,} ({used} %)"
            + (f" and fills {table}.{column}, {row['type']}." if table else "."),
            remedy=Remedy(
                "Make the key a bigint, in steps: the change rewrites the table under a lock.",
                sql,
                "models.BigAutoField(primary_key=True)" if table else "",
            ),
            evidence={"last_value": row["last_value"], "max_value": row["max_value"], "used_pct": used},
        )
