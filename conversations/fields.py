"""Fields of request bodies. They take the JSON type that the document names and nothing that merely resembles it:
REST framework's own turn 5 into "5", "yes" into true and 7 into a UUID."""

import unicodedata
from typing import Any
from uuid import UUID

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from conversations.cursors import Reader, decode

BUSINESS_ID = RegexValidator(r"^[A-Za-z0-9._-]{1,64}\Z", code="invalid")
SAFE_INTEGER = 2**53  # the largest whole number that every JSON reader keeps exact


class TextField(serializers.CharField):
    """A string, kept as it came."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class NameField(TextField):
    """A string shown on one line: trimmed, and not made of blanks only. Empty means none, where that is allowed."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and not text.strip():
            self.fail("blank")
        return " ".join(text.split())


class UsernameField(TextField):
    """In the compatibility form (NFKC), so that two names that look alike are the same name."""

    def to_internal_value(self, data: Any) -> str:
        return unicodedata.normalize("NFKC", super().to_internal_value(data))


class BusinessIdField(TextField):
    """The id of a business on the platform."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, "validators": [BUSINESS_ID], **kwargs})


class FlagField(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class WholeField(serializers.IntegerField):
    """A whole number from `min_value` (0) up to 2^53."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": SAFE_INTEGER, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class IdField(serializers.UUIDField):
    """A UUID as a string."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or len(data) != 36:
            self.fail("invalid", value=data)
        found: UUID = super().to_internal_value(data)
        return found


class TimeField(serializers.DateTimeField):
    """ISO 8601 with an offset; without one it counts as UTC."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or len(value) > 40:
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ss[.ffffff]Z")
        return super().to_internal_value(value)


class IdListField(serializers.ListField):
    """UUIDs, at most `max_length`."""

    child = IdField()

    def to_internal_value(self, data: Any) -> list[UUID]:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)  # before a look at each of too many
        found: list[UUID] = super().to_internal_value(data)
        return found


@extend_schema_field({"type": "string", "maxLength": 512})
class CursorField(serializers.Field[Any, Any, Any, Any]):
    """`?cursor=`: the `next` of the page before."""

    def __init__(self, reader: Reader[Any], **kwargs: Any) -> None:
        self.reader = reader
        help_text = "The `next` of the page before."
        super().__init__(**{"required": False, "default": None, "help_text": help_text, **kwargs})

    def to_internal_value(self, data: Any) -> Any:
        return decode(str(data), self.reader)
