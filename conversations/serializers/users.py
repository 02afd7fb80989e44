"""Input about people."""

from typing import Any
from uuid import UUID

from django.core.validators import URLValidator
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from conversations import cursors
from conversations.fields import CursorField, NameField, TextField
from conversations.inputs import BodySerializer, LimitSerializer, QuerySerializer, example
from conversations.services.presence import MAX_ASKED


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


class IdsField(serializers.CharField):
    """Ids, joined by commas; each counts once."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        super().__init__(max_length=37 * most, **kwargs)
        self.most = most

    def to_internal_value(self, data: Any) -> list[UUID]:  # type: ignore[override]
        given = [part.strip() for part in super().to_internal_value(data).split(",")]
        if len(given) > self.most:
            raise serializers.ValidationError(f"At most {self.most} ids.", code="too_long")
        try:
            return list(dict.fromkeys(map(UUID, given)))
        except ValueError:
            raise serializers.ValidationError(
                "Ids, joined by commas, are required.", code="invalid"
            ) from None


class PresenceSerializer(QuerySerializer):
    """`?ids=`"""

    ids = IdsField(most=MAX_ASKED, help_text=f"Ids of people, joined by commas; at most {MAX_ASKED}.")


class BlocksSerializer(LimitSerializer):
    """A page of blocked people."""

    cursor = CursorField(cursors.key)


class UserSearchSerializer(LimitSerializer):
    """`?search=`"""

    search = serializers.CharField(
        max_length=100,
        required=False,
        help_text="Anywhere in the username or display name; its start for 1-2 letters.",
    )
    cursor = CursorField(cursors.name)
