"""Putting right what messages say of each other; see `conversations.services.integrity`."""

from collections.abc import Mapping

from django.db.models import F, Max, QuerySet
from django.db.models.functions import Greatest

from conversations.models import Conversation
from conversations.services.integrity import Repair, reach_version
from messaging.models import Mention, Message
from messaging.queries import integrity
from messaging.services.messages import count_reply


def _number_on(conversation: Conversation) -> None:
    """The next message must not take a number that is taken. A gap stays: nobody knows what stood there."""
    last = _messages(conversation).aggregate(last=Max("seq"))["last"] or 0
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=Greatest(F("last_seq"), last))


def _catch_up(conversation: Conversation) -> None:
    reach_version(conversation, _messages(conversation).aggregate(highest=Max("version"))["highest"])


def _point(conversation: Conversation) -> None:
    last = _messages(conversation).filter(seq=conversation.last_seq).first()
    Conversation.objects.filter(pk=conversation.pk).update(last_message=last)


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


def _messages(conversation: Conversation) -> QuerySet[Message]:
    return Message.objects.filter(conversation=conversation)


REPAIRS: Mapping[str, Repair] = {
    integrity.SEQ.name: _number_on,
    integrity.MESSAGE_VERSIONS.name: _catch_up,
    integrity.LAST_MESSAGE.name: _point,
    integrity.MENTIONS.name: _name_again,
    integrity.REPLY_COUNT.name: _recount,
}
