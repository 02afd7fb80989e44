"""What a competent first version does, written as REST framework's documentation teaches it.

ModelSerializers that follow relations (a query for each row), pages by number with their COUNT and OFFSET, unread by
counting, search by icontains, one INSERT a row. Nothing is made slow on purpose: what Django gives is taken.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from chatbackend.benchmark.queries.asking import BULK, CONTENT, MOST_ROOMS, PAGE, Ask
from chatbackend.benchmark.queries.plain import Line, Person, Room, Seat


class PersonSerializer(serializers.ModelSerializer[Person]):
    class Meta:
        model = Person
        fields = ("id", "username", "display_name")


class LineSerializer(serializers.ModelSerializer[Line]):
    sender = PersonSerializer()  # a query for each line

    class Meta:
        model = Line
        fields = ("id", "room", "sender", "type", "content", "sent_at", "deleted_at")


class RoomSerializer(serializers.ModelSerializer[Room]):
    """Three queries and more for each conversation."""

    last_message = serializers.SerializerMethodField()
    unread_count = serializers.SerializerMethodField()
    peer = serializers.SerializerMethodField()

    class Meta:
        model = Room
        fields = ("id", "type", "name", "business_id", "updated_at", "last_message", "unread_count", "peer")

    def get_last_message(self, room: Room) -> Any:
        newest = Line.objects.filter(room=room).order_by("-sent_at").first()
        return LineSerializer(newest).data if newest else None

    def get_unread_count(self, room: Room) -> int:
        seat = Seat.objects.filter(room=room, person=self.context["viewer"]).first()
        return _unread(seat).count() if seat else 0

    def get_peer(self, room: Room) -> Any:
        if room.type != "direct":
            return None
        other = Seat.objects.filter(room=room).exclude(person=self.context["viewer"]).first()
        return PersonSerializer(other.person).data if other else None


def _unread(seat: Seat) -> QuerySet[Line]:
    later = Line.objects.filter(room=seat.room_id, sent_at__gt=seat.last_read_at, deleted_at=None)
    return later.exclude(sender=seat.person_id).exclude(type="system")


def _own(person: UUID) -> QuerySet[Seat, Any]:
    """The rooms that somebody sits in."""
    return Seat.objects.filter(person=person).values("room")


def _json(data: Any) -> bytes:
    rendered: bytes = JSONRenderer().render(data)
    return rendered


def _require_seat(ask: Ask) -> None:
    if not Seat.objects.filter(room=ask.conversation, person=ask.user).exists():
        raise LookupError(ask)


def _page(ask: Ask, skipped: int) -> bytes:
    """Its number of pages needs the COUNT, its place the OFFSET."""
    _require_seat(ask)
    lines = Line.objects.filter(room=ask.conversation).order_by("-sent_at")
    count = lines.count()
    return _json({"count": count, "results": LineSerializer(lines[skipped : skipped + PAGE], many=True).data})


def history_newest(ask: Ask) -> bytes:
    return _page(ask, 0)


def history_deep(ask: Ask) -> bytes:
    return _page(ask, ask.size - ask.seq)


def unread_totals(ask: Ask) -> bytes:
    seats = Seat.objects.filter(person=ask.user)
    return _json({str(seat.room_id): _unread(seat).count() for seat in seats})


def _rooms(rooms: QuerySet[Room], viewer: UUID) -> bytes:
    page = rooms.order_by("-updated_at")
    return _json(
        {
            "count": rooms.count(),
            "results": RoomSerializer(page[:PAGE], many=True, context={"viewer": viewer}).data,
        }
    )


def inbox(ask: Ask) -> bytes:
    return _rooms(Room.objects.filter(pk__in=_own(ask.user)), ask.user)


def latest_per_conversation(ask: Ask) -> bytes:
    """A loop over the rooms."""
    found = {}
    for seat in Seat.objects.filter(person=ask.user)[:MOST_ROOMS]:
        newest = Line.objects.filter(room=seat.room_id).order_by("-sent_at").first()
        found[str(seat.room_id)] = LineSerializer(newest).data if newest else None
    return _json(found)


def business_inbox(ask: Ask) -> bytes:
    return _rooms(Room.objects.filter(type="business", business_id=ask.business), ask.user)


def changes_since(ask: Ask) -> bytes:
    _require_seat(ask)
    changed = Line.objects.filter(room=ask.conversation, updated_at__gt=ask.at).order_by("updated_at")
    return _json(LineSerializer(changed, many=True).data)


def search(ask: Ask) -> bytes:
    found = Line.objects.filter(room__in=_own(ask.user), content__icontains=ask.text, deleted_at=None)
    return _json(LineSerializer(found.order_by("-sent_at")[:20], many=True).data)


def send_message(ask: Ask) -> bytes:
    _require_seat(ask)
    with transaction.atomic():
        line = _say(ask)
        Room.objects.filter(pk=ask.conversation).update(updated_at=line.sent_at)
        Seat.objects.filter(room=ask.conversation, person=ask.user).update(last_read_at=line.sent_at)
    return _json(LineSerializer(line).data)


def _say(ask: Ask) -> Line:
    now = timezone.now()
    return Line.objects.create(
        room_id=ask.conversation,
        sender_id=ask.user,
        type="text",
        content=CONTENT,
        sent_at=now,
        updated_at=now,
    )


def bulk_insert(ask: Ask) -> None:
    """Row by row, each committed by itself: what Django does unless it is told otherwise."""
    for _ in range(BULK):
        _say(ask)


def bulk_insert_together(ask: Ask) -> None:
    """Row by row in one transaction: what somebody does who has met `atomic`."""
    with transaction.atomic():
        for _ in range(BULK):
            _say(ask)
