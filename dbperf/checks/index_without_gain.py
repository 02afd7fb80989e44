"""Indexes without gain: built on advice, and a week later their statement takes what it took before.

A call that takes 30 % less time, or touches 30 % fewer pages, is a gain. An index that nothing read in the week is
without one, however often its statement was called. What a constraint or a foreign key needs is never named.
"""

from collections.abc import Iterator

from dbperf.catalog import indexes
from dbperf.checks import Context
from dbperf.checks._needed import needed
from dbperf.connections import Row
from dbperf.findings import Finding, Level, Remedy
from dbperf.models import BuiltIndex
from dbperf.units import quoted
from dbperf.verdicts import Verdict


def run(context: Context) -> Iterator[Finding]:
    built = BuiltIndex.objects.using(context.store).filter(state="valid").order_by("pk")
    last = {(row.schema, row.name): row for row in built}  # one that was dropped may have been built again
    for_nothing = {name: row for name, row in last.items() if row.verdict == Verdict.WITHOUT_GAIN}
    if not for_nothing:
        return
    there, keys = indexes.indexes(context.database), indexes.foreign_keys(context.database)
    for row in there:
        judged = for_nothing.get((row["schema"], row["name"]))
        if judged and not needed(row, there, keys):
            yield _finding(row, judged)


def _finding(row: Row, judged: BuiltIndex) -> Finding:
    name = quoted(row["schema"], row["name"])
    return Finding(
        check="index_without_gain",
        level=Level.INFO if judged.scans else Level.WARNING,
        subject=f"{row['schema']}.{row['name']}",
        detail=f"{name} on {row['table']} was built on advice {judged.built_at:%Y-%m-%d}. {_said(judged)}",
        remedy=Remedy(
            f"{'See first which other statements read it. ' if judged.scans else ''}Drop it, and take it out of the"
            " model if it is there.",
            f"DROP INDEX CONCURRENTLY {name};",
        ),
        evidence={
            "table": row["table"],
            "size_bytes": row["size_bytes"],
            "scans": judged.scans,
            "queryid": str(judged.queryid),
            "calls_before": judged.calls_before,
            "calls": judged.calls_after,
            "mean_before_ms": round(judged.ms_before, 2),
            "mean_ms": round(judged.ms_after, 2),
            "blocks_a_call_before": round(judged.blocks_before, 1),
            "blocks_a_call": round(judged.blocks_after, 1),
        },
    )


def _said(judged: BuiltIndex) -> str:
    if not judged.scans:
        return "Nothing has read it since."
    return (
        f"A call of its statement takes {judged.ms_after:,.1f} ms and {judged.blocks_after:,.0f} pages; before it took"
        f" {judged.ms_before:,.1f} ms and {judged.blocks_before:,.0f}."
    )
