"""Input about canned replies."""

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from conversations import cursors
from conversations.fields import CursorField, TextField
from conversations.inputs import BodySerializer, LimitSerializer, example
from conversations.serializers.conversations import MAX_CONTENT

SHORTCUT = RegexValidator(
    r"^[\w.-]{1,40}\Z", "Letters, digits, dots, hyphens and underscores.", code="invalid"
)


class ShortcutField(TextField):
    """What a reply is found by. Capital letters are small ones."""

    def __init__(self, **kwargs: bool) -> None:
        super().__init__(max_length=40, validators=[SHORTCUT], **kwargs)

    def to_internal_value(self, data: object) -> str:
        return super().to_internal_value(data).lower()


@extend_schema_serializer(
    examples=[
        example("A greeting", {"shortcut": "hello", "content": "Hello! How can we help you?"}),
    ]
)
class NewCannedReplySerializer(BodySerializer):
    """Words, and the shortcut they are found by."""

    shortcut = ShortcutField()
    content = TextField(max_length=MAX_CONTENT)


@extend_schema_serializer(
    examples=[
        example("Other words", {"content": "Good day! How can we help you?"}),
    ]
)
class ChangedCannedReplySerializer(BodySerializer):
    """What is to be otherwise."""

    shortcut = ShortcutField(required=False)
    content = TextField(max_length=MAX_CONTENT, required=False)


class CannedRepliesSerializer(LimitSerializer):
    """A page of replies."""

    search = serializers.CharField(required=False, max_length=100, help_text="In the shortcut or the words.")
    cursor = CursorField(cursors.name)
