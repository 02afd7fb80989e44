"""Into an empty database by COPY, tables first and indexes after."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from random import Random

import psutil
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from chatbackend.benchmark.data import lines
from chatbackend.benchmark.data.dataset import Dataset
from chatbackend.benchmark.data.indexes import set_aside
from chatbackend.benchmark.data.rooms import shape

BIG = ("messages", "participants", "mentions")
MIB = 1024 * 1024
Say = Callable[[str], None]


def today() -> datetime:
    """Midnight: where the data ends unless told otherwise."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def fill(
    *,
    messages: int,
    users: int = 0,
    conversations: int = 0,
    seed: int = 1,
    end: datetime | None = None,
    using: str = "default",
    say: Say = lambda text: None,
) -> Dataset:
    """Fills an empty database with a year that ends at `end` (today), and has PostgreSQL take stock of it.

    The same rows for the same numbers, ids included. Users default to one for 250 messages, conversations to one
    for 50.
    """
    random, begin = Random(seed), (end or today()) - lines.SPAN
    who = shape(
        random,
        messages=messages,
        users=users or max(200, messages // 250),
        conversations=conversations or max(120, messages // 50),
        begin=begin,
    )
    mentioned: list[str] = []
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _prepare(cursor)
        with set_aside(cursor, BIG):
            say(f"Writing {messages:,} messages")
            copy(cursor, "users", lines.users(who, begin))
            copy(cursor, "messages", lines.messages(random, who, begin, mentioned))
            copy(cursor, "conversations", lines.conversations(who, begin))
            copy(cursor, "business_agents", lines.agents(who))
            copy(cursor, "business_cases", lines.cases(random, who))
            copy(cursor, "participants", lines.participants(random, who, begin))
            copy(cursor, "mentions", mentioned)
            cursor.execute("SELECT setval('messages_id_seq', (SELECT max(id) FROM messages))")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            say("Building indexes")
    with connections[using].cursor() as cursor:
        say("Taking stock")
        cursor.execute(
            "VACUUM (ANALYZE) messages, conversations, participants, mentions, users, business_cases"
        )
        cursor.execute("ANALYZE business_agents")
    return Dataset.read(using)


def _prepare(cursor: CursorWrapper) -> None:
    memory = max(64, min(1024, psutil.virtual_memory().total // MIB // 16))
    cursor.execute(f"SET LOCAL maintenance_work_mem = '{memory}MB'")
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def copy(cursor: CursorWrapper, table: str, rows: Iterable[str]) -> None:
    """Rows in COPY's text format."""
    with cursor.copy(f"COPY {table} ({lines.COLUMNS[table]}) FROM STDIN") as writer:
        for block in lines.blocks(rows):
            writer.write(block)
