"""Input about files."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from conversations.exceptions import Invalid
from conversations.inputs import BodySerializer

FIELD = "file"


FORM = "multipart/form-data"


@extend_schema_serializer(
    examples=[OpenApiExample("A file", value={FIELD: "Good morning"}, request_only=True, media_type=FORM)]
)
class UploadSerializer(BodySerializer):
    """A form with one file."""

    file: Any = serializers.FileField(help_text="Of at most `MAX_ATTACHMENT_BYTES`.")


def read_file(request: Request) -> Any:
    """The uploaded file. Raises Invalid, and what the parser raises."""
    if unknown := sorted({str(name)[:64] for name in request.data} - {FIELD}):
        errors = [
            {"field": name, "code": "unknown_field", "detail": "There is no such field here."}
            for name in unknown
        ]
        raise Invalid(f"Unknown fields: {', '.join(unknown[:10])}.", code="unknown_field", errors=errors[:10])
    file = request.FILES.get(FIELD)
    if file is None:
        raise Invalid.field(FIELD, "A file is required.", code="required")
    return file
