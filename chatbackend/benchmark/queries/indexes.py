"""What each index of the messages weighs, and what it costs an insert."""

import statistics
import time
from typing import Any

from django.db import connection, transaction

from chatbackend.benchmark.data.indexes import droppable

ROWS = 1_000
TIMES = 5
_PICKED = """
    CREATE TEMP TABLE picked AS SELECT m.* FROM messages m, (
        SELECT DISTINCT floor(random() * (SELECT max(id) FROM messages))::bigint AS id
        FROM generate_series(1, 2 * %(rows)s::int)) any_of
    WHERE m.id = any_of.id LIMIT %(rows)s::int"""
_INSERT = """
    INSERT INTO messages (conversation_id, seq, version, created_version, sender_id, type, content, metadata, mentions,
        reply_count, client_id, sent_at, deleted_at)
    SELECT conversation_id, seq + 1000000000, version + 1000000000, created_version + 1000000000, sender_id, type,
        content, metadata, mentions, reply_count, 'cost-' || id, sent_at, deleted_at
    FROM picked"""


def weighed() -> list[dict[str, Any]]:
    """`[{name, bytes, insert_cost_us}]`: the time of inserting a thousand messages from all over the table with this
    index alone, less that without any, a row. Rolled back."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname, pg_relation_size(oid) FROM pg_class
            WHERE oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'messages'::regclass) ORDER BY 1"""
        )
        sizes = dict(cursor.fetchall())
        cursor.execute(_PICKED, {"rows": ROWS})
    costs: dict[str, list[float]] = {name: [] for name in sizes}
    for _ in range(TIMES):  # round by round: a machine that changes its pace changes it for all
        bare = _insert(keep="")
        for name in sizes:
            costs[name].append((_insert(keep=name) - bare) / ROWS * 1e6)
    return [
        {"name": name, "bytes": size, "insert_cost_us": round(statistics.median(costs[name]), 2)}
        for name, size in sizes.items()
    ]


def _insert(*, keep: str) -> float:
    with transaction.atomic(), connection.cursor() as cursor:
        for name, drop, _ in droppable(cursor, ["messages"]):
            if name != keep:
                cursor.execute(drop)
        began = time.perf_counter()
        cursor.execute(_INSERT)
        took = time.perf_counter() - began
        transaction.set_rollback(True)
    return took
