"""Reading a form with one file: into a file of the system, as it comes, and not past its bound."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from rest_framework.parsers import MultiPartParser

from conversations.exceptions import Invalid
from messaging.exceptions import TooLarge
from messaging.serializers.attachments import FIELD


class OneFile(TemporaryFileUploadHandler):
    """Takes the file of the field `file`, once."""

    taken = False

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        if self.taken or field_name != FIELD:
            raise Invalid.field(str(field_name)[:64], f"One file, named {FIELD}.", code="unknown_field")
        self.taken = True
        super().new_file(field_name, *args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.MAX_ATTACHMENT_BYTES:
            raise TooLarge(f"A file may have at most {settings.MAX_ATTACHMENT_BYTES} bytes.")
        super().receive_data_chunk(raw_data, start)


class UploadParser(MultiPartParser):
    """`multipart/form-data`, and nothing else."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]._request
        request.upload_handlers = [OneFile(request)]
        return super().parse(stream, media_type, parser_context)
