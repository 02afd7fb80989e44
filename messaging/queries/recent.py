"""The index over the words of the last days, which is made anew every week: since when it is there.

Whoever rotates it (`manage.py db_rotate_indexes`) names it after the day that it begins with. What is remembered
here for a minute may be of the index before; a search then goes by the index over all, and finds the same.
"""

import time
from datetime import UTC, datetime

from conversations.queries.statement import row

NAME = "messages_search_recent"
REMEMBERED_S = 60.0

_known: tuple[float, datetime | None] | None = (
    None  # put in one piece: threads may see the old one or the new
)


def since() -> datetime | None:
    """The day that the newest such index begins with; None where there is none. At most one statement a minute."""
    global _known
    known = _known
    if known is None or time.monotonic() - known[0] > REMEMBERED_S:
        _known = known = (time.monotonic(), _look())
    return known[1]


def forget() -> None:
    """Has the next search look again."""
    global _known
    _known = None


def literal(moment: datetime) -> str:
    """A moment as SQL."""
    return f"TIMESTAMPTZ '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'"


def _look() -> datetime | None:
    found = row(
        """SELECT right(c.relname, 8) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = 'messages'::regclass AND i.indisvalid AND c.relname ~ %(name)s::text
        ORDER BY c.relname DESC LIMIT 1""",
        {"name": f"^{NAME}_[0-9]{{8}}$"},
    )
    return datetime.strptime(found[0], "%Y%m%d").replace(tzinfo=UTC) if found else None
