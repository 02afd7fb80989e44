"""Sealing what was said before messages were encrypted, and opening it again."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from conversations import contents
from messaging.queries import contents as queries
from messaging.queries.contents import BATCH, TABLES


class Done(NamedTuple):
    """How many texts were written anew, and the ids of messages, earlier words or notes that could not be read."""

    written: int
    left: Sequence[int] = ()


def steps() -> int:
    """How many there are of `rewrite`."""
    return sum(-(-queries.last_id(table) // BATCH) for table in TABLES)


def rewrite(*, seal: bool) -> Iterator[Done]:
    """Seals what lies open, or opens what lies sealed, some hundreds a transaction; yields after each.

    Whoever stops listening stops it, and the next run finds what is left. What somebody has locked is left, too.
    """
    if seal != settings.ENCRYPT_MESSAGES:
        raise ValueError("what is said meanwhile would lie the other way")
    for table in TABLES:
        for after in range(0, queries.last_id(table), BATCH):
            yield _rewrite(table, after, seal=seal)


@transaction.atomic
def _rewrite(table: str, after: int, *, seal: bool) -> Done:
    rows = queries.batch(table, after=after, sealed=not seal)
    said = contents.read_each((row.content, row.about) for row in rows)
    stored = contents.sealing() if rows else None
    changed = {
        row.id: stored(words, row.about)
        for row, words in zip(rows, said, strict=True)
        if stored and words is not None
    }
    if changed:
        queries.write(table, ids=list(changed), contents=list(changed.values()))
    return Done(len(changed), [row.id for row in rows if row.id not in changed])
