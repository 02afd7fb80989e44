"""Putting right what messages say of each other; see `conversations.services.integrity`."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F, Max, QuerySet
from django.db.models.functions import Greatest

from conversations.models import Conversation
from conversations.services import announce
from conversations.services.integrity import Repair, reach_version
from messaging.models import Mention, Message, Note, Notebook
from messaging.queries import integrity
from messaging.services import pins
from messaging.services.messages import count_reply
from messaging.services.telling import tell


def _number_on(conversation: Conversation) -> None:
    """The next message must not take a number that is taken. A gap stays: nobody knows what stood there."""
    last = _messages(conversation).aggregate(last=Max("seq"))["last"] or 0
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=Greatest(F("last_seq"), last))


def _catch_up(conversation: Conversation) -> None:
    reach_version(conversation, _messages(conversation).aggregate(highest=Max("version"))["highest"])


def _point(conversation: Conversation) -> None:
    last = _messages(conversation).filter(seq=conversation.last_seq).first()
    Conversation.objects.filter(pk=conversation.pk).update(last_message=last)


def _liven(conversation: Conversation) -> None:
    said = _messages(conversation).filter(deleted_at=None).exclude(type=Message.Type.SYSTEM)
    newest = said.aggregate(newest=Max("sent_at"))["newest"]
    conversation.stamp(facts=True, last_activity_at=newest)
    announce.conversation_changed(conversation)


def _name_again(conversation: Conversation) -> None:
    """The messages are what people read; the mentions are made from them."""
    Mention.objects.filter(conversation=conversation).delete()
    standing = _messages(conversation).filter(deleted_at=None).exclude(mentions=[])
    Mention.objects.bulk_create(
        Mention(conversation=conversation, user_id=user, seq=seq)
        for seq, users in standing.values_list("seq", "mentions")
        for user in users
    )


def _recount(conversation: Conversation) -> None:
    for seq, by in integrity.miscounted(conversation.pk):
        count_reply(conversation.pk, seq, by=by)


def _react_again(conversation: Conversation) -> None:
    """The rows are what people did; what a message says is their sum."""
    for seq, reactions in integrity.reacted(conversation.pk):
        message = _messages(conversation).get(seq=seq)
        if _counts(message.reactions) != _counts(reactions):
            message.reactions, message.version = reactions or None, conversation.stamp()
            message.save(update_fields=["reactions", "version"])
            tell(conversation.pk, seq, "message.updated")


def _unpin(conversation: Conversation) -> None:
    pinned = conversation.pins or []
    standing = _messages(conversation).filter(seq__in=pinned, deleted_at=None).values_list("seq", flat=True)
    pins.take_off(conversation, *(set(pinned) - set(standing)))


def _note_on(conversation: Conversation) -> None:
    """The next note must take neither number nor version of another. A gap stays."""
    reached = Note.objects.filter(notebook=conversation.pk).aggregate(
        number=Max("number"), version=Max("version")
    )
    number = Greatest(F("last_number"), reached["number"] or 0)
    version = Greatest(F("version"), reached["version"] or 0, number)
    Notebook.objects.filter(pk=conversation.pk).update(last_number=number, version=version)


def _counts(reactions: Any) -> dict[str, int]:
    return {one["emoji"]: one["count"] for one in reactions or ()}


def _messages(conversation: Conversation) -> QuerySet[Message]:
    return Message.objects.filter(conversation=conversation)


REPAIRS: Mapping[str, Repair] = {
    integrity.SEQ.name: _number_on,
    integrity.MESSAGE_VERSIONS.name: _catch_up,
    integrity.LAST_MESSAGE.name: _point,
    integrity.LAST_ACTIVITY.name: _liven,
    integrity.MENTIONS.name: _name_again,
    integrity.REPLY_COUNT.name: _recount,
    integrity.REACTIONS.name: _react_again,
    integrity.PINS.name: _unpin,
    integrity.NOTES.name: _note_on,
}
