"""Input about people."""

from typing import Any
from uuid import UUID

from django.core.validators import URLValidator
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from conversations import cursors
from conversations.fields import CursorField, IdField, NameField, TextField
from conversations.inputs import BodySerializer, LimitSerializer, QuerySerializer, example
from conversations.presence import MAX_ASKED


class PictureField(TextField):
    """An http(s) address; null or "" takes the picture away."""

    def __init__(self, **kwargs: Any) -> None:
        optional = {"required": False, "allow_null": True, "allow_blank": True}
        super().__init__(
            **{**optional, "max_length": 500, "validators": [URLValidator(["http", "https"])], **kwargs}
        )

    def run_validation(self, data: Any = serializers.empty) -> str:
        return super().run_validation(data) or ""


@extend_schema_serializer(
    examples=[
        example("A picture", {"display_name": "Ann", "avatar_url": "https://example.org/ann.png"}),
    ]
)
class ProfileSerializer(BodySerializer):
    """What one may change about oneself."""

    display_name = NameField(max_length=80, required=False, allow_blank=True)
    avatar_url = PictureField()


class UserSearchSerializer(LimitSerializer):
    """`?search=`"""

    search = serializers.CharField(
        max_length=100,
        required=False,
        help_text="Anywhere in the username or display name; its start for 1-2 letters.",
    )
    cursor = CursorField(cursors.name)


@extend_schema_field({"type": "string", "maxLength": 37 * MAX_ASKED})
class IdsField(serializers.Field[Any, Any, Any, Any]):
    """UUIDs with commas between them, at most `MAX_ASKED`."""

    default_error_messages = {"max_length": f"At most {MAX_ASKED} ids."}

    def to_internal_value(self, data: Any) -> list[UUID]:
        given = str(data).split(",", MAX_ASKED)
        if len(given) > MAX_ASKED:
            self.fail("max_length")
        return [_id.run_validation(each) for each in given]


_id = IdField()


class PresenceQuerySerializer(QuerySerializer):
    """`?ids=`"""

    ids = IdsField(help_text=f"Users' ids with commas between them, at most {MAX_ASKED}.")
