"""Input about messages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from conversations import cursors
from conversations.fields import (
    SAFE_INTEGER,
    CursorField,
    FlagField,
    IdField,
    IdListField,
    TextField,
    TimeField,
    WholeField,
)
from conversations.inputs import BodySerializer, LimitSerializer, example
from conversations.serializers.shapes import ANN
from conversations.strictness import deeper_than
from messaging import limits, policies
from messaging.models import Message, Report
from messaging.queries.history import Moment
from messaging.records import Place
from messaging.serializers.shapes import FILE

MAX_BATCH = 1_000
MAX_SYNC = 200
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class ContentField(TextField):
    """What is said: not only blanks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": limits.MAX_CONTENT, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text.strip():
            self.fail("blank")
        return text


class ClientIdField(TextField):
    """The client's own name for a message, by which a repeat is known: 1 to 64 printable characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": limits.MAX_CLIENT_ID, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text.isprintable() or text.isspace():
            self.fail("invalid")
        return text


class MetadataField(serializers.DictField):
    """Any JSON object of at most 8 KiB and 8 levels. NUL and numbers that are none never get past the parser."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        if len(orjson.dumps(data)) > limits.MAX_METADATA:
            raise serializers.ValidationError(
                f"At most {limits.MAX_METADATA} bytes of JSON.", code="max_length"
            )
        if deeper_than(data, limits.MAX_DEPTH):
            raise serializers.ValidationError(f"At most {limits.MAX_DEPTH} levels.", code="too_deep")
        return data


@extend_schema_serializer(
    examples=[
        example("Text", {"content": "Good morning", "client_id": "5f0c2d34"}),
        example("A reply", {"content": "And to you", "reply_to": 42, "mentions": [ANN["id"]]}),
        example("A file", {"type": "file", "attachments": [FILE["id"]]}),
        example("A place", {"type": "location", "metadata": {"latitude": 47.05, "longitude": 8.3}}),
        example("A note among agents", {"content": "Has called twice", "internal": True, "client_id": "n1"}),
    ]
)
class NewMessageSerializer(BodySerializer):
    """A message. `client_id` makes sending it again harmless."""

    client_id = ClientIdField(required=False, allow_null=True)
    type = serializers.ChoiceField(limits.SAID, default=Message.Type.TEXT)
    content = TextField(max_length=limits.MAX_CONTENT, required=False, allow_blank=True)
    metadata = MetadataField(required=False)
    reply_to = WholeField(required=False, allow_null=True, min_value=1)
    mentions = IdListField(max_length=limits.MAX_MENTIONS, required=False)
    attachments = IdListField(max_length=limits.MAX_ATTACHMENTS, required=False)
    internal = FlagField(
        default=False, help_text="A note among the agents of a case. It has `content` and `client_id` only."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("content", "")
        if attrs["internal"]:
            more = (attrs.get(name) for name in ("metadata", "reply_to", "mentions", "attachments"))
            policies.require_mere_words(attrs["type"] != Message.Type.TEXT or any(more))
        said = attrs.get("attachments") or (attrs.get("metadata") and attrs["type"] != Message.Type.TEXT)
        if not attrs["content"].strip() and not said:
            raise serializers.ValidationError({"content": ["This field may not be blank."]}, code="blank")
        return attrs


@extend_schema_serializer(
    examples=[
        example("Other words", {"content": "Good evening"}),
    ]
)
class EditSerializer(BodySerializer):
    """Other words for a message."""

    content = ContentField()


@extend_schema_serializer(
    examples=[
        example("Advertising", {"reason": "spam"}),
        example("Something else", {"reason": "other", "note": "This is somebody's address."}),
    ]
)
class ReportSerializer(BodySerializer):
    """Why a message should not stand."""

    reason = serializers.ChoiceField(Report.Reason.choices)
    note = TextField(max_length=1_000, required=False, allow_blank=True)


class WindowSerializer(LimitSerializer):
    """Which part of a history: the newest page without any of before, after and around; at most one of them."""

    before = serializers.IntegerField(
        min_value=1,
        max_value=SAFE_INTEGER,
        required=False,
        default=None,
        help_text="The page that ends before this seq.",
    )
    after = serializers.IntegerField(
        min_value=0,
        max_value=SAFE_INTEGER,
        required=False,
        default=None,
        help_text="The page that begins after this seq.",
    )
    around = serializers.IntegerField(
        min_value=1,
        max_value=SAFE_INTEGER,
        required=False,
        default=None,
        help_text="The page with this seq in its middle.",
    )
    type = serializers.ChoiceField(Message.Type.choices, required=False, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(attrs[name] is not None for name in ("before", "after", "around")) > 1:
            raise serializers.ValidationError("At most one of before, after and around.")
        return attrs


def place(values: list[Any]) -> Moment:
    """A cursor of one's own messages."""
    return Moment(*cursors.message(values))


class OwnMessagesSerializer(LimitSerializer):
    """What the caller wrote."""

    cursor = CursorField(place)


class RepliesSerializer(LimitSerializer):
    """The answers to a message, or what it said before."""

    cursor = CursorField(cursors.whole)


def note_place(values: list[Any]) -> Place:
    """A cursor of notes."""
    return Place(*cursors.pair(values))


class NotesSerializer(LimitSerializer):
    """Which notes: those that stand after certain messages."""

    from_seq = serializers.IntegerField(
        min_value=0,
        max_value=SAFE_INTEGER,
        default=0,
        help_text="Those after this message and later ones; 0 are those before the first.",
    )
    to_seq = serializers.IntegerField(
        min_value=0,
        max_value=SAFE_INTEGER,
        required=False,
        default=None,
        help_text="Those after this message and earlier ones.",
    )
    cursor = CursorField(note_place)


class ReceiptsSerializer(LimitSerializer):
    """Who has read a message."""

    cursor = CursorField(cursors.key)


@extend_schema_field({"type": "string", "maxLength": 512})
class AfterField(serializers.Field[Any, Any, Any, Any]):
    """A version, or the `next` of the page before: the version reached, and the one that the first page began after."""

    def to_internal_value(self, data: Any) -> tuple[int, int]:
        text = str(data)
        if not (text.isascii() and text.isdigit()):
            return cursors.decode(text, cursors.pair)
        if len(text) > 19 or int(text) > SAFE_INTEGER:
            raise serializers.ValidationError(f"At most {SAFE_INTEGER}.", code="max_value")
        return int(text), int(text)


class ChangesSerializer(LimitSerializer):
    """What changed after a version."""

    after = AfterField(default=None, help_text="The last version seen, or the `next` of the page before.")
    cursor = CursorField(cursors.pair)


class CursorsField(serializers.DictField):
    """The version of each conversation that the client knows."""

    child = WholeField()

    def to_internal_value(self, data: Any) -> dict[Any, int]:
        if isinstance(data, dict) and len(data) > MAX_SYNC:
            raise serializers.ValidationError(f"At most {MAX_SYNC} conversations.", code="max_length")
        versions: dict[str, int] = super().to_internal_value(data)
        name = IdField()
        return {name.run_validation(key): version for key, version in versions.items()}


@extend_schema_serializer(
    examples=[
        example("One conversation", {"cursors": {ANN["id"]: 57}}),
    ]
)
class SyncSerializer(BodySerializer):
    """`{conversation: version}`, at most 200."""

    cursors = CursorsField()


class BatchItemSerializer(BodySerializer):
    """A message that somebody said at some time."""

    sender_id = IdField()
    content = ContentField()
    type = serializers.ChoiceField(limits.SAID, default=Message.Type.TEXT)
    sent_at = TimeField()
    client_id = ClientIdField()

    def validate_sent_at(self, value: datetime) -> datetime:
        if not EARLIEST <= value <= timezone.now() + timedelta(minutes=5):
            raise serializers.ValidationError("Between 1970 and now.", code="out_of_range")
        return value


@extend_schema_serializer(
    examples=[
        example(
            "One message",
            {
                "messages": [
                    {
                        "sender_id": ANN["id"],
                        "content": "Hello",
                        "sent_at": "2020-01-02T03:04:05Z",
                        "client_id": "a1",
                    }
                ]
            },
        ),
    ]
)
class BatchSerializer(BodySerializer):
    """Up to 1,000 messages, in the order they shall have. All or nothing. A bare array counts as `messages`."""

    messages: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=BatchItemSerializer(), min_length=1, max_length=MAX_BATCH
    )

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value({"messages": data} if isinstance(data, list) else data)
