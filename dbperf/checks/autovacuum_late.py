"""Autovacuum comes too late: night after night, maintenance does its work for it.

Maintenance begins at half of what autovacuum waits for. A table that has so much every day should have autovacuum come
at that: by the table's own setting, which is proposed once and not where there is one already.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from dbperf.catalog import tables
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import rounds
from dbperf.units import quoted

MIN_ROWS = 10_000
MIN_DAYS = 4  # of the last seven
SETTINGS = {
    "dead": "autovacuum_vacuum_scale_factor",
    "inserted": "autovacuum_vacuum_insert_scale_factor",
    "changed": "autovacuum_analyze_scale_factor",
}


def run(context: Context) -> Iterator[Finding]:
    often = _often(context)
    given = _given(context) if often else {}
    for row in tables.tables(context.database) if often else ():
        title = f"{row['schema']}.{row['name']}"
        days = often.get(title, {})
        lower = {name: given[title, name] / 2 for name in days if given.get((title, name))}
        if row["rows"] >= MIN_ROWS and days and (lower or not row["autovacuum"]):
            yield _finding(row, title, max(days.values()), lower)


def _often(context: Context) -> dict[str, dict[str, int]]:
    """Table → setting → on how many days it was late."""
    needed = rounds.needed(timezone.now() - timedelta(days=7), store=context.store)
    found = defaultdict[str, dict[str, int]](dict)
    for (title, cause), days in needed.items():
        if cause in SETTINGS and days >= MIN_DAYS:
            found[title][SETTINGS[cause]] = days
    return found


def _given(context: Context) -> dict[tuple[str, str], float]:
    """(table, setting) → the server's scale factor, where the table has none of its own."""
    rows = tables.scales(context.database)
    return {(f"{row['schema']}.{row['name']}", row["setting"]): row["scale"] for row in rows}


def _finding(row: Row, title: str, days: int, lower: dict[str, float]) -> Finding:
    table = quoted(row["schema"], row["name"])
    off = not row["autovacuum"]
    values = ", ".join(f"{name} = {scale:.4g}" for name, scale in sorted(lower.items()))
    names = ", ".join(sorted(lower))
    there, back = (f"SET ({values})", f"RESET ({names})")
    if off:
        there, back = "RESET (autovacuum_enabled)", "SET (autovacuum_enabled = off)"
    do, undo = (f"ALTER TABLE {table} {each};" for each in (there, back))
    why = "autovacuum is off for it" if off else "autovacuum waits for more than that"
    return Finding(
        check="autovacuum_late",
        level=Level.INFO,
        subject=title,
        detail=f"Maintenance had to do {table} on {days} of the last 7 days: {why}.",
        remedy=Remedy(
            "Let autovacuum come by itself; as SQL, or in a migration.",
            do,
            f'migrations.RunSQL("{_escaped(do)}", "{_escaped(undo)}")',
        ),
        evidence={"days": days, "rows": row["rows"], "autovacuum": not off, **lower},
    )


def _escaped(statement: str) -> str:
    return statement.replace("\\", "\\\\").replace('"', '\\"')
