"""Every database statement says which request it belongs to."""

from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg import sql as psycopg_sql

from conversations.context import request_id


def annotate_statement(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Puts the request id at the end of a statement, so that a slow one in PostgreSQL's log or
    pg_stat_activity leads to its request. At the end: pg_stat_statements keeps the start."""
    if current := request_id.get():
        comment = f" /* request_id={current} */"
        sql = sql + comment if isinstance(sql, str) else sql + psycopg_sql.SQL(comment)
    return execute(sql, params, many, context)


def _annotate_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if annotate_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(annotate_statement)


def install() -> None:
    """From now on, on every connection that is opened."""
    connection_created.connect(_annotate_connection, dispatch_uid="chatbackend.request_id")
