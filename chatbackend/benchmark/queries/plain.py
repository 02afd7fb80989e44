"""The tables of a plain Django chat: only the indexes that Django makes by itself. They hold the same data as ours.

The label is of no installed app: these tables exist in the bench's own database only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from uuid import UUID

from django.db import connection, models


class Person(models.Model):  # noqa: DJ008 - nobody looks at one
    id = models.UUIDField(primary_key=True)
    username = models.CharField(max_length=64, unique=True)
    display_name = models.CharField(max_length=80)
    objects: ClassVar[models.Manager["Person"]] = models.Manager()

    class Meta:
        app_label = "plain_chat"


class Room(models.Model):  # noqa: DJ008 - nobody looks at one
    id = models.UUIDField(primary_key=True)
    type = models.CharField(max_length=8)
    name = models.CharField(max_length=120)
    business_id = models.CharField(max_length=64, null=True)
    updated_at = models.DateTimeField()
    objects: ClassVar[models.Manager["Room"]] = models.Manager()

    class Meta:
        app_label = "plain_chat"


class Seat(models.Model):  # noqa: DJ008 - nobody looks at one
    room = models.ForeignKey(Room, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    role = models.CharField(max_length=8)
    last_read_at = models.DateTimeField()
    room_id: UUID
    person_id: UUID
    objects: ClassVar[models.Manager["Seat"]] = models.Manager()

    class Meta:
        app_label = "plain_chat"


class Line(models.Model):  # noqa: DJ008 - nobody looks at one
    room = models.ForeignKey(Room, models.CASCADE, related_name="+")
    sender = models.ForeignKey(Person, models.CASCADE, related_name="+")
    type = models.CharField(max_length=8)
    content = models.TextField()
    sent_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    objects: ClassVar[models.Manager["Line"]] = models.Manager()

    class Meta:
        app_label = "plain_chat"


MODELS: tuple[type[models.Model], ...] = (Person, Room, Seat, Line)
_FILL = (
    "INSERT INTO plain_chat_person SELECT id, username, display_name FROM users",
    "INSERT INTO plain_chat_room SELECT id, type, name, business_id, last_activity_at FROM conversations",
    """INSERT INTO plain_chat_seat (room_id, person_id, role, last_read_at)
    SELECT p.conversation_id, p.user_id, p.role, coalesce(m.sent_at, p.joined_at)
    FROM participants p LEFT JOIN messages m ON m.conversation_id = p.conversation_id AND m.seq = p.last_read_seq
    WHERE p.left_at IS NULL""",
    """INSERT INTO plain_chat_line (room_id, sender_id, type, content, sent_at, updated_at, deleted_at)
    SELECT conversation_id, sender_id, type, content, sent_at, coalesce(deleted_at, sent_at), deleted_at
    FROM messages ORDER BY id""",
    "VACUUM (ANALYZE) plain_chat_person, plain_chat_room, plain_chat_seat, plain_chat_line",
)


def make() -> None:
    """Makes and fills them from ours, in the database that is open."""
    with connection.schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)
    with connection.cursor() as cursor:
        for statement in _FILL:
            cursor.execute(statement)


@contextmanager
def made() -> Iterator[None]:
    """There for a while."""
    make()
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            for model in reversed(MODELS):
                editor.delete_model(model)
