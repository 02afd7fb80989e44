"""Input about people."""

from typing import Any

from django.core.validators import URLValidator
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from conversations import cursors
from conversations.fields import CursorField, NameField, TextField
from conversations.inputs import BodySerializer, LimitSerializer, example


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
