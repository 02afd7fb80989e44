"""Files: uploaded, then named in a message."""

import logging
from collections.abc import Iterator
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from conversations.exceptions import NotFound
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging import access, files, kinds
from messaging.exceptions import StorageAway
from messaging.files import Part
from messaging.models import Attachment
from messaging.queries import attachments as queries
from messaging.sealing import Damaged, KeyMissing
from messaging.serializers import shapes
from messaging.serializers.attachments import FORM, UploadSerializer, read_file
from messaging.services import attachments
from messaging.views.serving import served
from messaging.views.uploading import UploadParser

logger = logging.getLogger(__name__)

UPLOADS = Limit("uploads", 60, 60, by_user)
THUMBNAIL = "image/webp"
DOWNLOADS = Limit("downloads", 1_200, 60, by_user)


@extend_schema(tags=["Attachments"])
class AttachmentViewSet(ChatViewSet):
    """What people send beside words."""

    parser_classes = [UploadParser]
    limits = {"create": [UPLOADS], "retrieve": [DOWNLOADS], "thumbnail": [DOWNLOADS]}
    problems = {"create": [409]}

    @extend_schema(
        operation_id="upload_attachment",
        request={FORM: UploadSerializer},
        responses={201: shapes.AttachmentShape},
    )
    def create(self, request: Request) -> HttpResponse:
        """Keep a file for a message to come; one that no message names within a day is gone.

        409 (`quota_exceeded`) where it would be more than the caller may keep here.
        """
        file = read_file(request)
        made = attachments.upload(owner_id=caller_id(request), name=file.name, source=file, size=file.size)
        return json_reply(queries.attachment(made.pk), status=201)

    @extend_schema(
        operation_id="get_attachment",
        responses={(200, *sorted(kinds.IMAGES), kinds.UNKNOWN): OpenApiTypes.BINARY},
    )
    def retrieve(self, request: Request, attachment_id: UUID) -> StreamingHttpResponse:
        """The file itself, for those who may read the message; before it is sent, for who uploaded it.

        Images come as they are, everything else as `application/octet-stream` to be saved.
        """
        found = access.get_attachment(user_id=caller_id(request), attachment_id=attachment_id)
        response = served(request, pieces_of(found, "file"), kind=found.content_type, name=found.name)
        response["Content-Length"] = str(found.size)
        return response

    @extend_schema(operation_id="get_thumbnail", responses={(200, THUMBNAIL): OpenApiTypes.BINARY})
    def thumbnail(self, request: Request, attachment_id: UUID) -> StreamingHttpResponse:
        """An image, at most 640 pixels wide and high and without what a camera wrote into it.

        404 for what has none: files that are no image, and images too large to be unpacked.
        """
        found = access.get_attachment(user_id=caller_id(request), attachment_id=attachment_id)
        if not found.thumbnail:
            raise NotFound("No such attachment.")
        return served(request, pieces_of(found, "thumbnail"), kind=THUMBNAIL, name="thumbnail.webp")


def pieces_of(found: Attachment, part: Part) -> Iterator[bytes]:
    """What cannot be read is told to operators; to everybody else it is not there, or not now."""
    try:
        return files.read_now(found, part=part)
    except KeyMissing as error:
        logger.error("attachment %s is under key %s, which ENCRYPTION_KEYS does not have", found.pk, error)
        raise StorageAway from error
    except (FileNotFoundError, Damaged) as error:
        logger.error("attachment %s: %s", found.pk, type(error).__name__)
        raise NotFound("No such attachment.") from error
