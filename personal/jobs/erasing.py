"""Erasing a person, step after step, until a whole round finds nothing left. The account was closed before.

Who stops anywhere is gone on from there: each step finds what is left of its kind.
"""

import logging
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, OuterRef, Q, QuerySet

from conversations.models import Participant, User
from conversations.services import erasing as accounts
from conversations.services.erasing import Noted
from messaging.models import Message, Note, Reaction
from messaging.services import erasing as messages
from personal.jobs import turns
from personal.jobs.turns import Turn
from personal.models import Job
from webhooks.services import erasing as webhooks

logger = logging.getLogger(__name__)

Step = Callable[..., None]
# In this order: first what they could still do by others' hands, last what was made of what is gone by then.
STEPS: Final[tuple[Step, ...]] = (
    accounts.leave_everywhere,
    messages.erase_messages,
    messages.rename_in_notices,
    messages.erase_notes,
    messages.erase_reactions,
    messages.erase_files,
    messages.erase_reports,
    accounts.forget_person,
    accounts.forget_addresses,
    webhooks.disown_webhooks,
    webhooks.erase_deliveries,
)
KINDS: Final = (
    "account", "sign_ins", "agencies", "cases", "seats", "messages", "notices", "notes", "reactions", "files",
    "reports", "blocks", "presence", "addresses", "webhooks", "deliveries", "log_entries", "exports",
)  # fmt: skip
COUNTED: Final = 20_000  # to foretell how long it takes
MOST_ROUNDS: Final = 10  # something goes on making what is theirs; then it is left for a while


def erase(turn: Turn) -> None:
    """All of it, or for a while. The receipt says how much there was of each kind, and nothing of what it was."""
    person, actor = _person(turn.job), turn.job.asked_by
    turn.reached(turn.job.done, turn.job.done + _expected(person))
    if all(_round(turn, person, actor) for _ in range(MOST_ROUNDS)):
        turn.put_back("")
        return
    receipt = {kind: turn.counts[kind] for kind in KINDS}
    turn.finish(result=receipt)
    logger.info("erasure %s of user %s is done: %s", turn.job.pk, person, receipt)


def _person(job: Job) -> UUID:
    if job.subject_id is None:
        raise ValueError(f"erasure {job.pk} has no subject")
    return job.subject_id


def _expected(person: UUID) -> int:
    """About how much there is to do, for the progress; counted up to a bound, of each kind."""
    kinds: tuple[QuerySet[Any], ...] = (
        Message.objects.filter(sender=person, deleted_at=None),
        Participant.objects.live().filter(user=person),
        Reaction.objects.filter(user=person).exclude(emojis=[]),
    )
    return sum(rows[:COUNTED].count() for rows in kinds)


def _round(turn: Turn, person: UUID, actor: User) -> int:
    """How much it found."""
    before = turn.counts.total()
    accounts.leave_business(user_id=person, actor=actor, noted=turn.noted)
    for step in STEPS:
        step(user_id=person, noted=turn.noted)
    _forget_log(person, turn.noted)
    _forget_exports(person, turn)
    return turn.counts.total() - before


def _forget_log(person: UUID, noted: Noted) -> None:
    """The admin's log names what was changed by what it was called."""
    kind = ContentType.objects.get_for_model(User)
    name = str(User.objects.only("username").get(pk=person))
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(person)).exclude(object_repr=name)
    noted("log_entries", entries.update(object_repr=name))


def _forget_exports(person: UUID, turn: Turn) -> None:
    """Their own, and those of conversations that knew them, if anything of theirs was found: these are made anew where
    they are being made, and are not kept any more where they are, however late they were asked for."""
    theirs = list(Job.objects.filter(asked_by=person, subject=None))
    for job in theirs:
        turns.drop(job)
        job.delete()
        turn.noted("exports", 1)
    if not turn.counts.total():
        return
    copies = _copies(person)
    turns.begin_anew(list(copies.values_list("pk", flat=True)))
    for job in copies.filter(state=Job.State.DONE):
        turns.drop(job)
        turn.noted("exports", 1)


def _copies(person: UUID) -> QuerySet[Job]:
    """Exports of conversations in which they had a seat or, as agents do without one, wrote notes or moved a case."""
    notices = Message.objects.filter(conversation=OuterRef("conversation_id"), type=Message.Type.SYSTEM)
    moved = notices.filter(Q(sender=person) | Q(metadata__assignee=str(person)))
    return Job.objects.filter(
        Q(conversation_id__in=Participant.objects.filter(user=person).values("conversation"))
        | Q(conversation_id__in=Note.objects.filter(sender=person).values("notebook"))
        | Q(Exists(moved)),
        conversation_id__isnull=False,
    )
