"""Pages by keyset: each ends with the cursor that leads to the next."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def page(bodies: Sequence[str], *, next_cursor: str | None) -> str:
    """`{results, next}` of rows that are JSON already."""
    after = f'"{next_cursor}"' if next_cursor else "null"
    return f'{{"results":[{",".join(bodies)}],"next":{after}}}'


def cut(rows: Sequence[T], limit: int) -> tuple[Sequence[T], T | None]:
    """The page out of `limit + 1` rows asked for, and its last row if there is more after it."""
    return (rows[:limit], rows[limit - 1]) if len(rows) > limit else (rows, None)
