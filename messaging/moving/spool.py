"""An export put in order on the disk: by room and time, whatever order it came in and however large it is.

A file of SQLite in a temporary directory that only we can read, gone afterwards. Memory holds a batch at a time.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, NamedTuple

import orjson

from messaging.moving.records import Person, Room, Said

MAX_TOLD = 100  # bad places that a summary names; all are counted, and told as they are met
BATCH = 500

_TABLES = """
CREATE TABLE person (key TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;
CREATE TABLE room (key TEXT PRIMARY KEY, place INTEGER, body TEXT) WITHOUT ROWID;
CREATE TABLE thread (room TEXT, name TEXT, key TEXT, at TEXT, PRIMARY KEY (room, name)) WITHOUT ROWID;
CREATE TABLE said (place INTEGER PRIMARY KEY, room TEXT, key TEXT, at TEXT, seq INTEGER, body TEXT,
    UNIQUE (room, key));
CREATE INDEX said_in_order ON said (room, at, place);
"""


class Placed(NamedTuple):
    """A message with where it stands in the spool and the key of the message it answers."""

    at: str
    place: int
    parent: str | None
    said: Said


class Spool:
    """What was read. `left_out` counts what stays behind, by the reason; `bad` names what could not be understood."""

    def __init__(self, *, complain: Callable[[str], None] = lambda text: None) -> None:
        self.left_out: Counter[str] = Counter()
        self.bad: list[str] = []
        self.bad_places = 0
        self._complain = complain
        self._folder = TemporaryDirectory(prefix="chatbackend-import-")
        self._db = sqlite3.connect(Path(self._folder.name) / "spool", isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_TABLES} BEGIN;")

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._folder.cleanup()

    def refuse(self, where: str, why: object) -> None:
        """A place that could not be understood; nothing of it comes."""
        self.bad_places += 1
        self._complain(f"{where}: {why}")
        if len(self.bad) < MAX_TOLD:
            self.bad.append(f"{where}: {why}")

    def add_person(self, person: Person) -> None:
        """The first of the same key stands."""
        self._db.execute("INSERT OR IGNORE INTO person VALUES (?, ?)", (person.key, _packed(person)))

    def add_room(self, room: Room) -> None:
        """The first of the same key stands. Members whom no list of people names are people who never sign in."""
        for member in room.members:
            self.add_person(Person(member, member, closed=True))
        place = self.count("room")
        self._db.execute("INSERT OR IGNORE INTO room VALUES (?, ?, ?)", (room.key, place, _packed(room)))

    def add(self, said: Said) -> None:
        """What was met before under the same key is left out."""
        for part in said.parts():
            found = self._db.execute(
                "INSERT OR IGNORE INTO said (room, key, at, body) VALUES (?, ?, ?, ?)",
                (part.room, part.key, _sortable(part.at), _packed(part)),
            )
            if not found.rowcount:
                self.left_out["met twice"] += 1
        if said.title and said.parent:
            self._begin_thread(said)

    def _begin_thread(self, said: Said) -> None:
        self._db.execute(
            """INSERT INTO thread VALUES (?, ?, ?, ?) ON CONFLICT (room, name) DO UPDATE
            SET key = excluded.key, at = excluded.at WHERE (excluded.at, excluded.key) < (thread.at, thread.key)""",
            (said.room, said.parent, said.key, _sortable(said.at)),
        )

    def count(self, table: str) -> int:
        """How many `person`, `room` or `said` there are."""
        (number,) = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
        return int(number)

    def count_reactions(self) -> int:
        """How many reactions come along."""
        counted = "SELECT coalesce(sum(json_array_length(body, '$[10]')), 0) FROM said"
        (number,) = self._db.execute(counted).fetchone()
        return int(number)

    def count_empty(self) -> int:
        """How many rooms nobody said anything in."""
        counted = "SELECT count(*) FROM room WHERE key NOT IN (SELECT DISTINCT room FROM said)"
        (number,) = self._db.execute(counted).fetchone()
        return int(number)

    def has(self, table: str, key: str) -> bool:
        """Whether a `person` or `room` is known."""
        query = f"SELECT 1 FROM {table} WHERE key = ?"  # noqa: S608 - ours
        return self._db.execute(query, (key,)).fetchone() is not None

    def persons(self) -> Iterator[list[Person]]:
        """Everybody, a batch at a time."""
        yield from _batched(
            Person(*orjson.loads(body))
            for (body,) in self._db.execute("SELECT body FROM person ORDER BY key")
        )

    def rooms(self) -> list[Room]:
        """All rooms in the order they were met."""
        found = self._db.execute("SELECT body FROM room ORDER BY place")
        return [Room(*orjson.loads(body)) for (body,) in found]

    def said_in(self, room: str) -> Iterator[list[Placed]]:
        """What was said in a room in the order of time, a batch at a time. Places may be numbered meanwhile."""
        last: tuple[str, int] = ("", 0)
        while batch := [_placed(*row) for row in self._db.execute(_IN_ORDER, (room, *last, BATCH))]:
            yield batch
            last = batch[-1].at, batch[-1].place

    def number(self, seqs: Iterable[tuple[int, int]]) -> None:
        """Notes the seqs that messages got, as `(seq, place)`: later ones answer them."""
        self._db.executemany("UPDATE said SET seq = ? WHERE place = ?", seqs)

    def seqs(self, room: str, keys: Iterable[str]) -> dict[str, int]:
        """The seqs of messages that have one, by their keys."""
        found: dict[str, int] = {}
        for key in set(keys):
            row = self._db.execute("SELECT seq FROM said WHERE room = ? AND key = ?", (room, key)).fetchone()
            if row and row[0]:
                found[key] = row[0]
        return found


_IN_ORDER = """
SELECT s.at, s.place, t.key, s.body
FROM said s LEFT JOIN thread t ON t.room = s.room AND t.name = json_extract(s.body, '$[6]')
WHERE s.room = ? AND (s.at, s.place) > (?, ?) ORDER BY s.at, s.place LIMIT ?"""


def _packed(record: tuple[Any, ...]) -> str:
    return orjson.dumps(tuple(record)).decode()


def _sortable(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def _placed(at: str, place: int, thread: str | None, body: str) -> Placed:
    fields: list[Any] = orjson.loads(body)
    said = Said(*fields)
    edited = datetime.fromisoformat(fields[8]) if fields[8] else None
    said = said._replace(at=datetime.fromisoformat(fields[3]), edited=edited)
    parent = thread or said.parent
    if thread == said.key:
        return Placed(at, place, None, said._replace(text=f"[{said.title}] {said.text}"))
    return Placed(at, place, None if parent == said.key else parent, said)


def _batched(items: Iterator[Person]) -> Iterator[list[Person]]:
    batch: list[Person] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
