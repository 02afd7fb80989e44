"""What somebody said, wrote, sent and put under messages goes when they are erased: docs/reference/erasure.md.

Conversations stay as they were numbered: a message becomes a deleted one, in its place, at a new version, and everybody
is told as of any deletion. A transaction locks one conversation, for a hundred messages at most. All of it may be done
again, and changes nothing then.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from conversations.models import Conversation, User
from conversations.services.business import words_of
from conversations.services.erasing import BATCH, Noted, drop, each
from messaging import events, policies
from messaging.jobs import FILES, purge_attachments
from messaging.models import Attachment, Mention, Message, Note, Reaction, Report, Revision
from messaging.queries import erasing as queries
from messaging.queries.erasing import Emptied, Said
from messaging.services import pins
from messaging.services.messages import count_reply
from messaging.services.notes import empty_note
from messaging.services.telling import tell


def erase_messages(*, user_id: UUID, noted: Noted) -> None:
    """All that they said, with what hangs on it. Notices of what they did in a case stay, without their name."""
    found, place = queries.said(sender=user_id, before=None)
    while True:
        for conversation_id, lines in _by_room(found):
            _erase(conversation_id, lines, noted)
        noted("messages", 0)
        if place is None:
            return
        found, place = queries.said(sender=user_id, before=place)


def _by_room(found: Iterable[Said]) -> Iterator[tuple[UUID, Sequence[Said]]]:
    """What one transaction empties."""
    room = attrgetter("conversation")
    for conversation_id, group in groupby(sorted(found, key=room), key=room):
        lines = list(group)
        for at in range(0, len(lines), queries.PAGE):
            yield conversation_id, lines[at : at + queries.PAGE]


def _erase(conversation_id: UUID, lines: Sequence[Said], noted: Noted) -> None:
    standing = [one.id for one in lines if not (one.deleted or one.notice)]
    with transaction.atomic():
        room = Conversation.objects.select_for_update().get(pk=conversation_id)
        Message.objects.filter(pk__in=[one.id for one in lines if one.deleted]).update(client_id=None)
        noted("messages", _empty(room, standing) if standing else 0)
    for one in lines:
        if one.notice and not one.deleted:
            _restate(one.id, noted)


def _empty(room: Conversation, ids: Sequence[int]) -> int:
    """The same as deleting each, in a few statements for all. The caller holds the room's lock."""
    Attachment.objects.filter(message__in=ids).update(message=None, removed_at=timezone.now())
    quiet = room.deleted_at is not None
    gone = queries.empty(conversation=room.pk, ids=ids, quiet=quiet)
    seqs = [one.seq for one in gone]
    Reaction.objects.filter(message__in=ids).delete()
    Revision.objects.filter(message__in=ids).delete()
    Mention.objects.filter(conversation=room, seq__in=seqs).delete()
    if quiet:
        _uncount(room, gone)
        return len(gone)
    events.message_changed(
        room.pk, *queries.messages(conversation=room.pk, seqs=seqs), name="message.deleted"
    )
    room.refresh_from_db(fields=["version", "facts_version"])
    pins.take_off(room, *seqs)
    for seq, number in sorted(_answered(gone).items()):
        count_reply(room.pk, seq, by=-number)
    return len(gone)


def _answered(gone: Sequence[Emptied]) -> Counter[int]:
    return Counter(one.reply_to for one in gone if one.reply_to is not None)


def _uncount(room: Conversation, gone: Sequence[Emptied]) -> None:
    for seq, number in _answered(gone).items():
        Message.objects.filter(conversation=room, seq=seq).update(reply_count=F("reply_count") - number)


def rename_in_notices(*, user_id: UUID, noted: Noted) -> None:
    """Notices of what others did, which name them: who gave them a case."""
    ids, place = queries.notices_about(user=user_id, before=None)
    while True:
        for key in ids:
            _restate(key, noted)
        noted("notices", 0)
        if place is None:
            return
        ids, place = queries.notices_about(user=user_id, before=place)


@transaction.atomic
def _restate(message_id: int, noted: Noted) -> None:
    """Says a notice again, with the names that people have now."""
    where = Message.objects.values_list("conversation", flat=True).get(pk=message_id)
    room = Conversation.objects.select_for_update().get(pk=where)
    message = Message.objects.get(pk=message_id)
    words = _words(message)
    if message.deleted_at is not None or words is None or message.said == words:
        return
    message.say(words)
    if room.deleted_at is None:
        message.version = room.stamp()
    message.save(update_fields=["content", "version"])
    if room.deleted_at is None:
        tell(room.pk, message.seq, "message.updated")
    noted("notices", 1)


def _words(notice: Message) -> str | None:
    given = notice.metadata.get("assignee")
    people = User.objects.in_bulk([key for key in (notice.sender_id, given and UUID(given)) if key])
    names = {str(key): user.name for key, user in people.items()}
    return words_of(notice.metadata, actor=names.get(str(notice.sender_id), ""), assignee=names.get(given))


def erase_notes(*, user_id: UUID, noted: Noted) -> None:
    """What they wrote to other agents: deleted notes in their place."""
    mine = Note.objects.filter(sender=user_id)
    for key in each(mine.filter(deleted_at=None)):
        with transaction.atomic():
            noted("notes", int(empty_note(key)))
    for key in each(mine.exclude(client_id=None)):  # deleted before
        mine.filter(pk=key).update(client_id=None)


def erase_reactions(*, user_id: UUID, noted: Noted) -> None:
    """What they put under the messages of others; these count one less."""
    mine = Reaction.objects.filter(user=user_id)
    for key in each(mine.exclude(emojis=[])):
        with transaction.atomic():
            noted("reactions", _take_back(key))
    drop(mine, "reactions", lambda kind, _: noted(kind, 0))


def _take_back(reaction_id: int) -> int:
    """How many emojis."""
    where = Reaction.objects.filter(pk=reaction_id).values("message__conversation")
    room = Conversation.objects.select_for_update().filter(pk__in=where).first()
    found = Reaction.objects.filter(pk=reaction_id).select_related("message").first()
    if room is None or found is None:  # gone with its message meanwhile
        return 0
    message = found.message
    for emoji in found.emojis:
        message.reactions = policies.tally(message.reactions or [], emoji, by=-1) or None
    if room.deleted_at is None:
        message.version = room.stamp()
    message.save(update_fields=["reactions", "version"])
    found.delete()
    if room.deleted_at is None:
        told = orjson.dumps([{"user": found.user_id, "emojis": []}]).decode()
        tell(room.pk, message.seq, "message.updated", reacted=told)
    return len(found.emojis)


def erase_files(*, user_id: UUID, noted: Noted) -> None:
    """What they uploaded and no message carries any more, or yet: rows and bytes. Raises StorageAway."""
    free = Attachment.objects.filter(owner=user_id, message=None)
    while ids := list(free.values_list("pk", flat=True)[:FILES]):
        free.filter(pk__in=ids, removed_at=None).update(removed_at=timezone.now())
        noted("files", purge_attachments(ids))


def erase_reports(*, user_id: UUID, noted: Noted) -> None:
    """What they wrote when they reported something, and what others wrote of their messages, which are gone."""
    about = Report.objects.filter(message__sender=user_id, message__deleted_at__isnull=False)
    words = Report.objects.filter(Q(reporter=user_id) | Q(pk__in=about.values("pk"))).exclude(note="")
    for rows, changes in (
        (words, {"note": ""}),
        (about.filter(closed_at=None), {"outcome": Report.Outcome.TAKEN_DOWN, "closed_at": timezone.now()}),
    ):
        while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
            with transaction.atomic():
                noted("reports", Report.objects.filter(pk__in=ids).update(**changes))
