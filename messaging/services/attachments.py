"""Taking files in, and letting them go."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from io import BytesIO
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from conversations import access
from conversations.exceptions import Conflict, Invalid, NotFound
from conversations.models import User
from messaging import files, kinds, limits, pictures, policies, sealing
from messaging.jobs import purge_attachments
from messaging.models import Attachment, Message
from messaging.pictures import Picture


def upload(*, owner_id: UUID, name: str, source: BinaryIO, size: int) -> Attachment:
    """Keeps a file for a message that will name it. Raises Invalid, UnsupportedType, Conflict or StorageAway, and
    Unauthenticated where the account was closed meanwhile.

    The row is there before the bytes, so that whatever breaks off in between is found by the purge. Nobody knows its
    id until both are there.
    """
    if size == 0:
        raise Invalid.field("file", "The file is empty.", code="empty")
    kind, picture = _looked_at(source)
    policies.require_taken(kind, taken=settings.ATTACHMENT_TYPES)
    made = Attachment(owner_id=owner_id, name=policies.file_name(name), content_type=kind, size=size)
    if picture:
        made.width, made.height, made.thumbnail = picture.width, picture.height, bool(picture.thumbnail)
    key = _with_key(made)
    _enter(made)
    try:
        files.keep(made, source, key=key)
        if picture and picture.thumbnail:
            files.keep(made, BytesIO(picture.thumbnail), key=key, part="thumbnail")
    except Exception:
        Attachment.objects.filter(pk=made.pk).update(removed_at=timezone.now())
        raise
    _require_kept(made)
    return made


def _require_kept(made: Attachment) -> None:
    """Whose account was erased while the bytes came has no row any more: nobody else would find the bytes."""
    if Attachment.objects.filter(pk=made.pk, removed_at=None).exists():
        return
    files.drop(made.pk)
    access.require_active(made.owner_id)
    raise NotFound("No such attachment.")


def _looked_at(source: BinaryIO) -> tuple[str, Picture | None]:
    """What a file is; what only begins like a picture is none."""
    source.seek(0)
    kind = kinds.kind_of(source.read(kinds.HEAD))
    picture = pictures.look(source) if kind in kinds.IMAGES else None
    return (kind if picture or kind not in kinds.IMAGES else kinds.UNKNOWN), picture


def _with_key(attachment: Attachment) -> bytes | None:
    """Gives it a key of its own, where files are encrypted."""
    made = sealing.new_key(attachment.pk)
    if made is None:
        return None
    (attachment.key_name, attachment.sealed_key), key = made
    return key


@transaction.atomic
def _enter(attachment: Attachment) -> None:
    """The lock of the owner's account has two uploads at once count each other. Uses index: attachments_owner."""
    if User.objects.active().select_for_update(no_key=True).filter(pk=attachment.owner_id).first() is None:
        access.require_active(attachment.owner_id)
    kept = Attachment.objects.filter(owner=attachment.owner_id).aggregate(sum=Sum("size"))["sum"] or 0
    if settings.ATTACHMENT_QUOTA_BYTES and kept + attachment.size > settings.ATTACHMENT_QUOTA_BYTES:
        raise Conflict(
            f"This would be more than {settings.ATTACHMENT_QUOTA_BYTES} bytes in all.", code="quota_exceeded"
        )
    attachment.save(force_insert=True)


def remove_from(message: Message) -> None:
    """Takes a message's files away from everybody, in the caller's transaction; the bytes go after its commit."""
    named: Sequence[UUID] = message.attachments or []
    if named:
        Attachment.objects.filter(message=message).update(message=None, removed_at=timezone.now())
        transaction.on_commit(partial(purge_attachments, named), robust=True)


def require_free(*, owner_id: UUID, attachments: Sequence[UUID]) -> None:
    """Raises Invalid where one of these files cannot be sent: unknown, of somebody else, in a message already."""
    since = timezone.now() - timedelta(hours=limits.UNSENT_HOURS)
    free = Attachment.objects.filter(owner=owner_id, message=None, removed_at=None, uploaded_at__gt=since)
    if attachments and free.filter(pk__in=attachments).count() != len(attachments):
        raise Invalid.field("attachments", "There is no such attachment.", code="unknown_attachment")
