"""One statement run again and again within one request: a loop that asks for each row.

Counted inside the project's own processes, where they are watched (`dbperf.tracing`), over the last day. Jobs are left
out: going through rows one by one is what many are for.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.history import origins
from dbperf.tracing import REPEATS

WINDOW = timedelta(days=1)
MIN_WORKS = 5
PATIENT = ("task",)


def run(context: Context) -> Iterator[Finding]:
    rows = origins.repeating(WINDOW, works=MIN_WORKS, store=context.store)
    return (_finding(row) for row in rows if row["kind"] not in PATIENT)


def _finding(row: dict[str, Any]) -> Finding:
    place = row["place"] or "code outside of the project"
    return Finding(
        check="n_plus_one",
        level=Level.WARNING,
        subject=f"{row['fingerprint'][:12]} {place}"[:250],
        detail=f"{place} ran one statement up to {row['most_in_one']} times within one {row['name']}"
        f" ({REPEATS} times and more in {row['repeated_sum']:,} of {row['works_sum']:,}).",
        remedy=Remedy(
            "Ask once for all of them: select_related, prefetch_related, or the rows by their keys."
        ),
        evidence={
            "text": row["text"],
            "place": row["place"],
            "work": row["name"],
            "most_in_one": row["most_in_one"],
            "works": row["works_sum"],
            "repeated": row["repeated_sum"],
            "mean_ms": round(row["mean_ms"], 3),
            "since_release": row["release"],
        },
    )
