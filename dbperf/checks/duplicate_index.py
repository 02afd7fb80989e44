"""Duplicate indexes: two that hold the same entries in the same order.

The one that no constraint needs can go; of two such, the less used.
"""

from collections import defaultdict
from collections.abc import Iterator

from dbperf.catalog import indexes
from dbperf.checks import Context
from dbperf.checks._shapes import Shape
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, size


def run(context: Context) -> Iterator[Finding]:
    alike: dict[object, list[Shape]] = defaultdict(list)
    for row in indexes.shapes(context.database):
        shape = Shape(row)
        alike[shape.identity].append(shape)
    for group in alike.values():
        kept, *others = sorted(group, key=lambda shape: (not shape.needed, -shape.scans, shape.name))
        yield from (_finding(shape, kept) for shape in others if not shape.needed)


def _finding(shape: Shape, kept: Shape) -> Finding:
    return Finding(
        check="duplicate_index",
        level=Level.WARNING,
        subject=f"{shape.schema}.{shape.name}",
        detail=f"{shape.name} on {shape.table} holds the same as {kept.name} and takes {size(shape.size_bytes)}.",
        remedy=Remedy(
            f"Drop it, and take it out of the model; {kept.name} stays.",
            f"DROP INDEX CONCURRENTLY {quoted(shape.schema, shape.name)};",
        ),
        evidence={
            "table": shape.table,
            "same_as": kept.name,
            "size_bytes": shape.size_bytes,
            "scans": shape.scans,
        },
    )
