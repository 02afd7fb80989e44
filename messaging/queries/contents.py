"""Messages, earlier words and notes, to be sealed or opened where they lie: some hundreds a transaction, by id."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from django.db import connection

from conversations.contents import NOTE
from conversations.queries.statement import one, rows

BATCH: Final = 500
COUNTED: Final = 100_000

# What is written as `about` is what `contents.about` makes. SKIP LOCKED: whoever deletes locks a message and then the
# one it answered, so waiting in the order of ids could end with each waiting for the other; what is skipped is left for
# the next run. Uses index: messages_pkey, message_revisions_pkey.
_ABOUT = (
    "m.conversation_id || chr(26) || coalesce(m.sender_id::text, '') || chr(26) || coalesce(m.client_id, '')"
)
_FROM = {
    "messages": "messages x JOIN messages m ON m.id = x.id",
    "message_revisions": "message_revisions x JOIN messages m ON m.id = x.message_id",
    "notes": "notes x JOIN notes m ON m.id = x.id",
}
TABLES: Final = tuple(_FROM)
_KINDS = {"notes": NOTE}
# Behind MARK, `=` is how words stand that begin with MARK themselves.
_SEALED = "(starts_with(x.content, chr(26)) AND substr(x.content, 2, 1) <> '=')"


class Row(NamedTuple):
    """Words as they lie, and what they are about."""

    id: int
    content: str
    about: str


class Counts(NamedTuple):
    """How many texts lie sealed, and how many do not."""

    sealed: int
    plain: int


def counts() -> Counts:
    """Reads all of the tables, so many ids a statement that none takes too long."""
    each = [
        one(
            f"""SELECT count(*) FILTER (WHERE {_SEALED}), count(*) FILTER (WHERE x.content <> '' AND NOT {_SEALED})
            FROM {table} x WHERE x.id > %(after)s::bigint AND x.id <= %(after)s::bigint + %(counted)s::bigint""",
            {"after": after, "counted": COUNTED},
        )
        for table in TABLES
        for after in range(0, last_id(table), COUNTED)
    ]
    return Counts(*map(sum, zip((0, 0), *each, strict=True)))


def last_id(table: str) -> int:
    """The highest id of a table."""
    return int(one(f"SELECT coalesce(max(id), 0) FROM {table}", {})[0])


def batch(table: str, *, after: int, sealed: bool) -> list[Row]:
    """Those of the next ids that lie sealed, or do not; locked."""
    found = rows(
        f"""SELECT x.id, x.content, %(kind)s::text || {_ABOUT} FROM {_FROM[table]}
        WHERE x.id > %(after)s::bigint AND x.id <= %(after)s::bigint + %(batch)s::bigint AND x.content <> ''
          AND {_SEALED} = %(sealed)s::bool
        ORDER BY x.id FOR NO KEY UPDATE OF x SKIP LOCKED""",
        {"after": after, "batch": BATCH, "sealed": sealed, "kind": _KINDS.get(table, "")},
    )
    return [Row(*line) for line in found]


def write(table: str, *, ids: Sequence[int], contents: Sequence[str]) -> None:
    """Puts these in their place. Nobody is told: it says the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE {table} x SET content = n.content
            FROM unnest(%(ids)s::bigint[], %(contents)s::text[]) AS n (id, content) WHERE x.id = n.id""",
            {"ids": list(ids), "contents": list(contents)},
        )
