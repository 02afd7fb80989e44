"""Data that stays on the server from one run to the next: a database that is only ever copied from.

Five million messages take minutes to make and seconds to copy. The name says of what: the size, and a digest of what
the data came of. Kept data is a week old at most, since what was said lately is looked for by itself.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from chatbackend.benchmark import data as generator
from chatbackend.benchmark.data import Dataset, fill
from chatbackend.benchmark.database import copy_database, own_database, patient

SOURCES = (
    Path(generator.__file__).parent,
    *(Path(settings.BASE_DIR) / app / "migrations" for app in ("conversations", "messaging", "webhooks")),
)
Say = Callable[[str], None]


class Filled(NamedTuple):
    """A database that the process points to, and what is in it."""

    url: str
    data: Dataset


@contextmanager
def filled_database(suffix: str, *, messages: int, keep: bool, say: Say) -> Iterator[Filled]:
    """A database of the bench's own with so many messages. `keep`: the same data is there the next time."""
    name = kept_name(messages)
    there = name in kept()
    with own_database(suffix, template=name if there else None) as url:
        if there:
            say(f"Copied {messages:,} messages from {name}")
            data = Dataset.read()
        else:
            data = fill(messages=messages, say=say)
            if keep:
                say(f"Keeping them as {name}")
                _keep(name, messages)
                patient()
        yield Filled(url, data)


def kept_name(messages: int) -> str:
    """By which data of this size is known, as this version of the code makes it this week."""
    year, week, _ = datetime.now(UTC).isocalendar()
    digest = hashlib.sha256(f"{year} {week} {settings.SEARCH_LANGUAGE}".encode())
    for path in (path for folder in SOURCES for path in sorted(folder.glob("*.py"))):
        digest.update(path.read_bytes())
    return f"{_prefix()}{messages}_{digest.hexdigest()[:10]}"


def _prefix() -> str:
    return f"{urlsplit(settings.DATABASE_URL).path.lstrip('/')}_data_"


def kept() -> list[str]:
    """The databases with data that are there."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        found = server.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1", [_prefix()]
        )
        return [name for (name,) in found]


def forget(names: list[str]) -> None:
    """Drops kept data."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        for name in names:
            server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _keep(name: str, messages: int) -> None:
    """Copies the database that is open, in place of older data of this size."""
    source = connection.settings_dict["NAME"]
    connection.close()  # nobody may be in a database that is copied
    forget([old for old in kept() if old.startswith(f"{_prefix()}{messages}_")])
    copy_database(source, name)
