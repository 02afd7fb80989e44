"""Who may read the texts of statements. There are no values in them, and yet they say what is kept of people."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

PERMISSION: Final = "dbperf.view_query_text"


class Reader(Protocol):
    """Somebody who asks."""

    def has_perm(self, perm: str, /) -> bool:
        """Whether they have a permission."""


def may_read(reader: Reader) -> bool:
    """Whether they get to see texts: nobody does without the permission."""
    return bool(reader.has_perm(PERMISSION))


def shown(row: Mapping[str, Any], *, texts: bool) -> dict[str, Any]:
    """A row, or the evidence of a finding: its `text` is None for those who may not read it."""
    return dict(row) if texts or "text" not in row else {**row, "text": None}


def all_shown(rows: Iterable[Mapping[str, Any]], *, texts: bool) -> list[dict[str, Any]]:
    """Of each."""
    return [shown(row, texts=texts) for row in rows]
