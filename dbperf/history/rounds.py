"""What maintenance had to do."""

from collections import Counter
from datetime import datetime

from dbperf.models import MaintenanceRun

MOST = 100


def needed(since: datetime, *, store: str) -> Counter[tuple[str, str]]:
    """(schema.name, cause) → on how many days a round was due to do it, and did."""
    runs = MaintenanceRun.objects.using(store).filter(created_at__gte=since, tables=[]).order_by("-pk")[:MOST]
    days = {
        (run.created_at.date(), result["table"], result.get("cause", ""))
        for run in runs
        for result in run.results
        if result["outcome"] == "done"
    }
    return Counter((table, cause) for _, table, cause in days)
