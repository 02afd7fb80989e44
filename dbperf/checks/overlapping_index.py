"""Overlapping indexes: all columns of one begin another.

The longer one can do what the shorter one does, at a slightly higher price a search; every write pays for both. That is
worth a look and no reflex: a small index that is read very often may earn its keep.
"""

from collections.abc import Iterator

from dbperf.catalog import indexes
from dbperf.checks import Context
from dbperf.checks._shapes import Shape
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import quoted, size

MIN_BYTES = 1024 * 1024  # of the shorter one: below, it costs next to nothing


def run(context: Context) -> Iterator[Finding]:
    shapes = [Shape(row) for row in indexes.shapes(context.database)]
    for shape in shapes:
        longer = (
            None if shape.needed or shape.size_bytes < MIN_BYTES else next(filter(shape.begins, shapes), None)
        )
        if longer is not None:
            yield Finding(
                check="overlapping_index",
                level=Level.INFO,
                subject=f"{shape.schema}.{shape.name}",
                detail=f"{shape.name} on {shape.table} ({size(shape.size_bytes)}) is the beginning of {longer.name}.",
                remedy=Remedy(
                    f"If {longer.name} is not much larger, drop the shorter one and take it out of the model.",
                    f"DROP INDEX CONCURRENTLY {quoted(shape.schema, shape.name)};",
                ),
                evidence={
                    "table": shape.table,
                    "begins": longer.name,
                    "size_bytes": shape.size_bytes,
                    "longer_bytes": longer.size_bytes,
                    "scans": shape.scans,
                },
            )
