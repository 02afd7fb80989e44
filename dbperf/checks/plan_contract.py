"""A hot query's plan: broken, or another than the day before.

The clock looks at the registered queries every day; see `dbperf.plans`. What it saw last is compared with what it saw
before that.
"""

from collections.abc import Iterator
from typing import Any

from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.models import Snapshot

REMEDY = Remedy(
    "See both plans with `manage.py check_plans --plans`; ANALYZE the tables of the query if their statistics are old,"
    " and build the index again if it is gone."
)


def run(context: Context) -> Iterator[Finding]:
    kept = Snapshot.objects.using(context.store).filter(kind="plans").order_by("-taken_at")[:2]
    seen: list[dict[str, Any]] = [each.figures for each in kept]
    before = seen[1] if len(seen) > 1 else {}
    for name, now in (seen[0] if seen else {}).items():
        earlier = before.get(name, now)
        if now["broken"]:
            yield _finding(name, Level.WARNING, "; ".join(now["broken"]), now, earlier)
        elif now["plan"] != earlier["plan"]:
            yield _finding(name, Level.INFO, "it goes another way than the day before", now, earlier)


def _finding(name: str, level: Level, what: str, now: dict[str, Any], earlier: dict[str, Any]) -> Finding:
    return Finding(
        check="plan_contract",
        level=level,
        subject=name,
        detail=f"The plan of {name}: {what}.",
        remedy=REMEDY,
        evidence={"plan": now["plan"], "plan_before": earlier["plan"]},
    )
