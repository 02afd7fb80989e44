"""How many pages of 8 kB statements touch: the figure that no busy machine moves."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from chatbackend.benchmark.queries.limit import Statement


def touched(statements: Sequence[Statement]) -> int:
    """Of all of them together, what functions read inside them included. Nothing they write stays."""
    with transaction.atomic(), connection.cursor() as cursor:
        found = sum(_touched(cursor, statement) for statement in statements)
        transaction.set_rollback(True)
    return found


def _touched(cursor: Any, statement: Statement) -> int:
    if not statement.sql.lstrip().upper().startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
        return 0
    cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON) {statement.sql}", statement.params)
    (reply,) = cursor.fetchone()
    plan = (json.loads(reply) if isinstance(reply, str) else reply)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
