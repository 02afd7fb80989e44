"""Shapes of replies. PostgreSQL writes them as JSON (`queries/fragments.py`) and no serializer runs: these classes
only describe them in the OpenAPI document. A test holds every class against real replies."""

from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema_serializer
from rest_framework import serializers

from conversations.serializers.shapes import ANN, Shape, UserShape
from messaging.models import Message, Report

FILE = {
    "id": "0199d3a4-3b2c-7e1d-8f40-6a7b8c9d0e1f",
    "name": "map.pdf",
    "content_type": "application/pdf",
    "size": 48213,
    "width": None,
    "height": None,
    "thumbnail_url": None,
    "url": "/api/v1/attachments/0199d3a4-3b2c-7e1d-8f40-6a7b8c9d0e1f",
}
HELLO = {
    "conversation": "0199d3a2-0a1b-7d2c-8e3f-4a5b6c7d8e9f",
    "seq": 42,
    "version": 57,
    "type": "text",
    "sender": ANN,
    "content": "Good morning",
    "metadata": {},
    "reply_to": None,
    "reply_count": 0,
    "client_id": "5f0c2d34",
    "mentions": [],
    "attachments": [],
    "reactions": [],
    "sent_at": "2026-11-23T08:15:30.123456Z",
    "edited_at": None,
    "deleted_at": None,
}


@extend_schema_serializer(component_name="Reaction")
class ReactionShape(Shape):
    emoji = serializers.CharField()
    count = serializers.IntegerField(help_text="How many people put it there.")
    mine = serializers.BooleanField(help_text="Whether the caller is one of them.")


@extend_schema_serializer(component_name="Attachment", examples=[OpenApiExample("A file", FILE)])
class AttachmentShape(Shape):
    """A file. What it is was read from its bytes; its addresses take the caller's token."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    width = serializers.IntegerField(allow_null=True, help_text="Of an image, in pixels.")
    height = serializers.IntegerField(allow_null=True)
    thumbnail_url = serializers.CharField(allow_null=True)
    url = serializers.CharField()


@extend_schema_serializer(component_name="Message", examples=[OpenApiExample("A message", HELLO)])
class MessageShape(Shape):
    """A message, named by its conversation and `seq`. A deleted one keeps its place with empty content."""

    conversation = serializers.UUIDField()
    seq = serializers.IntegerField(help_text="1, 2, 3 … without gaps.")
    version = serializers.IntegerField(help_text="The conversation's version of its last change.")
    type = serializers.ChoiceField(Message.Type.choices)
    sender = UserShape(allow_null=True, help_text="Null for notices of the system that nobody caused.")
    content = serializers.CharField()
    metadata = serializers.DictField()
    reply_to = serializers.IntegerField(allow_null=True)
    reply_count = serializers.IntegerField()
    client_id = serializers.CharField(allow_null=True)
    mentions = serializers.ListField(child=serializers.UUIDField())
    attachments = AttachmentShape(many=True, help_text="In the order in which they were named.")
    reactions = ReactionShape(many=True, help_text="In the order in which each emoji came first.")
    sent_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)


NOTE = {
    "conversation": HELLO["conversation"],
    "internal": True,
    "number": 3,
    "version": 4,
    "after_seq": 42,
    "sender": ANN,
    "content": "Has called twice",
    "client_id": "n1",
    "sent_at": "2026-11-23T08:16:00.123456Z",
    "edited_at": None,
    "deleted_at": None,
}


@extend_schema_serializer(component_name="Note", examples=[OpenApiExample("A note", NOTE)])
class NoteShape(Shape):
    """A note among the agents of a case, named by its conversation and `number`. Customers never see it."""

    conversation = serializers.UUIDField()
    internal = serializers.BooleanField(help_text="Always true; messages have no such field.")
    number = serializers.IntegerField(help_text="1, 2, 3 … without gaps, apart from those of messages.")
    version = serializers.IntegerField(help_text="The version of the notes of its last change.")
    after_seq = serializers.IntegerField(help_text="The message after which it stands; 0: before the first.")
    sender = UserShape()
    content = serializers.CharField()
    client_id = serializers.CharField(allow_null=True)
    sent_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)


@extend_schema_serializer(component_name="Notes")
class NotesShape(Shape):
    results = NoteShape(many=True, help_text="Ascending, by `after_seq` and `number` alike.")
    next = serializers.CharField(allow_null=True, help_text="More are left: give it as `cursor`.")
    version = serializers.IntegerField(help_text="Of the notes: where to resume from.")


SAID = PolymorphicProxySerializer(
    component_name="MessageOrNote", serializers=[MessageShape, NoteShape], resource_type_field_name=None
)


@extend_schema_serializer(component_name="History")
class HistoryShape(Shape):
    results = MessageShape(many=True, help_text="Ascending by seq.")
    has_before = serializers.BooleanField()
    has_after = serializers.BooleanField()


@extend_schema_serializer(component_name="OwnMessages")
class OwnMessagesShape(Shape):
    results = MessageShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="More are left: give it as `cursor`.")


@extend_schema_serializer(component_name="Replies")
class RepliesShape(Shape):
    results = MessageShape(many=True, help_text="Ascending by seq, without deleted ones.")
    next = serializers.CharField(allow_null=True, help_text="More are left: give it as `cursor`.")


@extend_schema_serializer(component_name="Pins")
class PinsShape(Shape):
    results = MessageShape(many=True, help_text="The one pinned last first.")
    next = serializers.CharField(allow_null=True, help_text="Null: 50 are one page.")


@extend_schema_serializer(component_name="Receipt")
class ReceiptShape(Shape):
    """Somebody who has read a message."""

    user = UserShape()
    last_read_seq = serializers.IntegerField(help_text="Up to where they have read by now.")


@extend_schema_serializer(component_name="Receipts")
class ReceiptsShape(Shape):
    results = ReceiptShape(many=True, help_text="In the order of the ids of people.")
    next = serializers.CharField(allow_null=True, help_text="More are left: give it as `cursor`.")


@extend_schema_serializer(component_name="Revision")
class RevisionShape(Shape):
    """What a message said before an edit."""

    version = serializers.IntegerField(help_text="The conversation's version of the edit.")
    content = serializers.CharField()
    written_at = serializers.DateTimeField()
    replaced_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="Revisions")
class RevisionsShape(Shape):
    results = RevisionShape(many=True, help_text="The earliest first; what it says now is in the message.")
    next = serializers.CharField(allow_null=True, help_text="More are left: give it as `cursor`.")


@extend_schema_serializer(component_name="Report")
class ReportShape(Shape):
    """What somebody reported. What the staff decide is not told."""

    reason = serializers.ChoiceField(Report.Reason.choices)
    note = serializers.CharField()
    reported_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="HighlightPiece")
class HighlightPieceShape(Shape):
    text = serializers.CharField(help_text="As it was written: not HTML. `…` stands for what is left out.")
    hit = serializers.BooleanField(help_text="Whether it was looked for.")


@extend_schema_serializer(component_name="FoundMessage")
class FoundMessageShape(MessageShape):
    """A message that was looked for. `highlight` is its content, of a long one the part around the first hit."""

    highlight = HighlightPieceShape(many=True)


@extend_schema_serializer(component_name="SearchPage")
class SearchPageShape(Shape):
    results = FoundMessageShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="More are left: give it as `cursor`.")


@extend_schema_serializer(component_name="DayCount")
class DayCountShape(Shape):
    day = serializers.DateField()
    messages = serializers.IntegerField()


@extend_schema_serializer(component_name="TypeCount")
class TypeCountShape(Shape):
    type = serializers.ChoiceField(Message.Type.choices)
    messages = serializers.IntegerField()


@extend_schema_serializer(component_name="SenderCount")
class SenderCountShape(Shape):
    user = serializers.UUIDField()
    messages = serializers.IntegerField()


@extend_schema_serializer(component_name="ConversationStats")
class StatsShape(Shape):
    """How much was said in a conversation. Days on which nothing was said are left out."""

    since = serializers.DateField()
    messages = serializers.IntegerField(help_text="Without deleted ones and notices.")
    per_day = DayCountShape(many=True, help_text="Ascending.")
    by_type = TypeCountShape(many=True, help_text="The most frequent first.")
    by_sender = SenderCountShape(many=True, help_text="The 100 who said most, the most first.")


@extend_schema_serializer(component_name="Event")
class EventShape(Shape):
    """A durable event, as the socket sends it. `data` is the message, the conversation's facts or the participant."""

    event = serializers.CharField()
    conversation = serializers.UUIDField()
    version = serializers.IntegerField()
    prev = serializers.IntegerField(help_text="The version that the receiver must already have.")
    data = serializers.DictField()  # type: ignore[assignment]


@extend_schema_serializer(component_name="Changes")
class ChangesShape(Shape):
    results = EventShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="More are left: give it as `cursor`.")
    version = serializers.IntegerField(help_text="Where the conversation stands.")


@extend_schema_serializer(component_name="SyncedConversation")
class SyncedShape(Shape):
    conversation = serializers.UUIDField()
    version = serializers.IntegerField(help_text="0: gone, or not for the caller's eyes.")
    changes = EventShape(many=True)
    reset = serializers.BooleanField(help_text="Too far behind to be told: read the conversation anew.")


@extend_schema_serializer(component_name="Sync")
class SyncShape(Shape):
    conversations = SyncedShape(many=True)


@extend_schema_serializer(component_name="BatchResult")
class BatchResultShape(Shape):
    client_id = serializers.CharField()
    seq = serializers.IntegerField()


@extend_schema_serializer(component_name="Batch")
class BatchShape(Shape):
    results = BatchResultShape(many=True)
    inserted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
