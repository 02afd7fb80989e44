"""A job's word to and from its row, also out of the thread that watches it."""

import time
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from dbperf.connections import Row

CANCELLED = "cancelled"
TIME_OVER = "the time was over"


class Beat:
    """`rows` is the one row; `until` of the monotonic clock."""

    def __init__(self, rows: QuerySet[Any], until: float) -> None:
        self._rows, self._until = rows, until
        self.table = ""

    def stop(self) -> str:
        """Why to stop; empty to go on."""
        return self._called_off() or (TIME_OVER if time.monotonic() > self._until else "")

    def ended(self) -> str:
        """As what a job counts that came to its end."""
        return {"": "done", CANCELLED: "cancelled"}.get(self._called_off(), "failed")

    def tell(self, progress: Row | None) -> None:
        """How far it is, and that it lives."""
        shown: dict[str, Any] = {"table": self.table}
        if progress:
            shown |= {"phase": progress["phase"], "done": progress["done"], "whole": progress["whole"]}
        self._rows.update(progress=shown, beat_at=timezone.now())

    def _called_off(self) -> str:
        row = self._rows.values("active", "cancel_asked").get()
        if row["cancel_asked"]:
            return CANCELLED
        return "" if row["active"] else "it was taken for lost"
