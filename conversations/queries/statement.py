"""How a raw statement is run. Every parameter is cast in the SQL: the server binds it and must know its type."""

from collections.abc import Mapping
from typing import Any

from django.db import connections


def rows(sql: str, params: Mapping[str, Any], *, using: str = "default") -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def row(sql: str, params: Mapping[str, Any], *, using: str = "default") -> tuple[Any, ...] | None:
    """The first row of one statement, or None."""
    found = rows(sql, params, using=using)
    return found[0] if found else None


def one(sql: str, params: Mapping[str, Any], *, using: str = "default") -> tuple[Any, ...]:
    """The row of a statement that always has one."""
    (found,) = rows(sql, params, using=using)
    return found
