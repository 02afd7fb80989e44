"""The same messages laid out in each way, in a schema each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

PARTS = 16  # by conversation
FAR = 10**12  # ids between a copy and the next
Connection = psycopg.Connection[Any]
_COLUMNS = """SELECT attname FROM pg_attribute
    WHERE attrelid = 'public.messages'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
_INDEXES = (
    "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'public.messages'::regclass ORDER BY 1"
)
_MONTHS = """SELECT generate_series(date_trunc('month', min(sent_at)), max(sent_at), '1 month') FROM public.messages"""


@dataclass(frozen=True, slots=True)
class Layout:
    """`key`: the column that rows are divided by; every index that is to be unique has to hold it."""

    name: str
    key: str | None = None
    how: str = ""


PLAIN = Layout("plain")
BY_CONVERSATION = Layout("by_conversation", "conversation_id", "HASH")
BY_MONTH = Layout("by_month", "sent_at", "RANGE")
LAYOUTS = (PLAIN, BY_CONVERSATION, BY_MONTH)


def make(raw: Connection, layout: Layout, *, copies: int) -> None:
    """Fills a schema with the messages of `public`, `copies` times. Every copy but the first is in conversations that
    nobody asks for. PostgreSQL writes `words` of a real message; here they are taken as they are."""
    schema = sql.Identifier(layout.name)
    divided = f" PARTITION BY {layout.how} ({layout.key})" if layout.key else ""
    raw.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    raw.execute(_of(f"CREATE TABLE {{}}.messages (LIKE public.messages INCLUDING DEFAULTS){divided}", layout))
    for part in _parts(raw, layout):
        raw.execute(part)
    columns = [name for (name,) in raw.execute(_COLUMNS)]
    for copy in range(copies):
        chosen = ", ".join(_chosen(name, copy) for name in columns)
        raw.execute(_of(f"INSERT INTO {{}}.messages SELECT {chosen} FROM public.messages", layout))  # noqa: S608
    for (definition,) in raw.execute(_INDEXES).fetchall():
        raw.execute(_of(index(definition, layout), layout))
    raw.execute(_of("VACUUM (ANALYZE) {}.messages", layout))


def _chosen(column: str, copy: int) -> str:
    if copy and column == "conversation_id":
        return f"md5(conversation_id::text || {copy})::uuid"
    if copy and column == "id":
        return f"id + {copy * FAR}"
    return column


def _parts(raw: Connection, layout: Layout) -> Iterator[sql.Composed]:
    if layout is BY_CONVERSATION:
        for part in range(PARTS):
            bound = f"FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part})"
            yield _of(f"CREATE TABLE {{0}}.m{part} PARTITION OF {{0}}.messages {bound}", layout)
    if layout is BY_MONTH:
        months = [month for (month,) in raw.execute(_MONTHS)]
        for begins, ends in zip(months, [*months[1:], None], strict=True):
            bound = f"FOR VALUES FROM ('{begins.isoformat()}') TO ({_literal(ends)})"
            yield _of(f"CREATE TABLE {{0}}.{part_of(begins)} PARTITION OF {{0}}.messages {bound}", layout)


def part_of(month: datetime) -> str:
    """The name of a month's table."""
    return f"m{month:%Y%m}"


def _literal(moment: datetime | None) -> str:
    return f"'{moment.isoformat()}'" if moment else "MAXVALUE"


def index(definition: str, layout: Layout) -> str:
    """An index of `public` as it can be here: the rule that ids or places come once cannot be kept by an index without
    the key, and the one on ids takes it in. `{}` stands for the schema."""
    told = (
        definition.replace("{", "{{").replace("}", "}}").replace(" ON public.messages ", " ON {}.messages ")
    )
    if not layout.key or "UNIQUE" not in told or re.search(rf"\b{layout.key}\b", told.split(" WHERE ")[0]):
        return told
    return told.replace("(id)", f"(id, {layout.key})") if "(id)" in told else told.replace("UNIQUE ", "", 1)


def _of(statement: str, layout: Layout) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(layout.name))


def size(raw: Connection, layout: Layout) -> int:
    """Bytes of table, parts and indexes."""
    [(total,)] = raw.execute(
        """SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
        WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'r'""",
        [layout.name],
    ).fetchall()
    return int(total)
