"""What PostgreSQL did for a statement, node by node."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection


def explained(sql: str, params: Any = None) -> dict[str, Any]:
    """The plan of a statement that is carried out for it, with what it touched."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        (reply,) = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(reply) if isinstance(reply, str) else reply)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan and all below it."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def buffers(plan: dict[str, Any]) -> int:
    """Of 8 kB, touched by all of it."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def read_whole(plan: dict[str, Any]) -> set[str]:
    """The tables that it went through from end to end."""
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
