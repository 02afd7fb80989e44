"""What belongs to imported messages: answers, edits, mentions, reactions."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

import orjson

from conversations.models import Conversation, Participant
from messaging.limits import MAX_MENTIONS, MAX_OWN_REACTIONS, MAX_REACTIONS
from messaging.models import Mention, Message, Reaction
from messaging.moving.records import Said
from messaging.moving.spool import Placed
from messaging.queries import moving

Written = Sequence[tuple[int, Placed]]  # by seq
Who = Callable[[str], UUID]


def dress(
    conversation: Conversation,
    written: Written,
    *,
    person: Who,
    seqs: Callable[[Iterable[str]], Mapping[str, int]],
    seen: int,
) -> None:
    """Completes messages just written; the caller holds the conversation's lock and their transaction.

    `seqs` finds messages by their keys; those up to `seen` were there before. At most five statements.
    """
    parents = seqs(placed.parent for _, placed in written if placed.parent)
    answers = {seq: parents.get(placed.parent or "") for seq, placed in written}
    members = _members(conversation)
    named = {seq: _named(placed.said, person, members) for seq, placed in written}
    reacted = {seq: _reactions(placed.said, person) for seq, placed in written}
    lines = [
        {
            "seq": seq,
            "reply_to": answers[seq],
            "edited": placed.said.edited,
            "mentions": named[seq],
            "reactions": _tally(reacted[seq]),
        }
        for seq, placed in written
        if answers[seq] or placed.said.edited or named[seq] or reacted[seq]
    ]
    if not lines:
        return
    ids = moving.decorate(conversation=conversation.pk, lines=orjson.dumps(lines).decode())
    _keep_mentions(conversation, named)
    _keep_reactions(conversation, ids, reacted)
    counted = Counter(seq for seq in answers.values() if seq)
    if counted:
        moving.count_replies(conversation=conversation.pk, answered=counted, seen=seen)


def _members(conversation: Conversation) -> set[UUID]:
    return set(Participant.objects.live().filter(conversation=conversation).values_list("user_id", flat=True))


def _named(said: Said, person: Who, members: set[UUID]) -> list[UUID]:
    """Whom sending would count as named: those who take part, but for who wrote it."""
    named = {person(key) for key in said.mentions} & members - {person(said.sender)}
    return sorted(named)[:MAX_MENTIONS]


def _reactions(said: Said, person: Who) -> dict[UUID, list[str]]:
    """Emojis by person, within what we let people do."""
    kinds: dict[str, None] = {}
    found: dict[UUID, list[str]] = {}
    for emoji, key in said.reactions:
        mine = found.setdefault(person(key), [])
        if (
            emoji in mine
            or len(mine) == MAX_OWN_REACTIONS
            or (emoji not in kinds and len(kinds) == MAX_REACTIONS)
        ):
            continue
        kinds[emoji] = None
        mine.append(emoji)
    return {user: emojis for user, emojis in found.items() if emojis}


def _tally(reacted: Mapping[UUID, Sequence[str]]) -> list[dict[str, object]] | None:
    counts = Counter(emoji for emojis in reacted.values() for emoji in emojis)
    return [{"emoji": emoji, "count": count} for emoji, count in counts.items()] or None


def _keep_mentions(conversation: Conversation, named: Mapping[int, Sequence[UUID]]) -> None:
    Mention.objects.bulk_create(
        Mention(conversation=conversation, user_id=user, seq=seq)
        for seq, users in named.items()
        for user in users
    )


def _keep_reactions(
    conversation: Conversation, ids: Mapping[int, int], reacted: Mapping[int, Mapping[UUID, Sequence[str]]]
) -> None:
    """Uses index: messages_unique_seq."""
    seqs = [seq for seq, people in reacted.items() if people]
    there = Message.objects.filter(conversation=conversation, seq__in=seqs)
    versions = dict(there.values_list("seq", "version"))
    Reaction.objects.bulk_create(
        Reaction(message_id=ids[seq], user_id=user, emojis=list(emojis), version=versions[seq])
        for seq in seqs
        for user, emojis in reacted[seq].items()
    )
