"""How a raw statement is run. Every parameter is cast in the SQL: the server binds it and must know its type."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from django.db import connections

asked_at: ContextVar[str] = ContextVar("asked_at", default="default")
"""Where statements go that name no database: the primary, or for some reads a replica (`conversations.replica`)."""


def rows(sql: str, params: Mapping[str, Any], *, using: str | None = None) -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    with connections[using or asked_at.get()].cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def row(sql: str, params: Mapping[str, Any], *, using: str | None = None) -> tuple[Any, ...] | None:
    """The first row of one statement, or None."""
    found = rows(sql, params, using=using)
    return found[0] if found else None


def one(sql: str, params: Mapping[str, Any], *, using: str | None = None) -> tuple[Any, ...]:
    """The row of a statement that always has one."""
    (found,) = rows(sql, params, using=using)
    return found
