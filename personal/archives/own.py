"""What is kept here of one person, as far as they may read it: their account, what they wrote, whom they blocked."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from conversations.contents import opened_each
from conversations.models import AuditEntry, Block, BusinessAgent, LastSeen, User
from conversations.queries import inbox
from conversations.queries.inbox import InboxFilter
from messaging.models import Attachment, Message, Note, Reaction, Report
from messaging.queries import attachments, history, notes
from personal.archives import pages
from personal.archives.parcel import Parcel
from personal.archives.script import Counts, Json, Script, parsed
from personal.exceptions import Refused
from personal.jobs.turns import Turn
from personal.models import Job

PAGE: Final = 200
COUNTED: Final = 20_000  # to foretell how long it takes
README: Final = """This is what {who} has here, made on {when}.

account.json         the account
sign_ins.jsonl       sign-ins that have not run out
audit.jsonl          what of the person's doing is in the audit log, and from where
agencies.jsonl       the businesses that are answered for
conversations.jsonl  the conversations taken part in
messages.jsonl       everything written and not taken back, the newest first, also where one has left
notes.jsonl          notes written to other agents, in cases that are still open to one
reactions.jsonl      what was put under messages
blocks.jsonl         people who are blocked
reports.jsonl        messages that were reported
attachments.jsonl    files sent, or uploaded and not sent yet; "left_out" says why one is not here
attachments/         the files themselves
messages/            the messages to be read in a browser: begin at index.html

What others wrote is not here: an admin or the owner of a group, an agent of a business, and each of the two of a direct
conversation can have the conversation exported. Nor is what a message said before it was edited: only those who
moderate a conversation read that.
"""


def export_own(turn: Turn, parcel: Parcel) -> Counts:
    """Writes all of it. Raises Refused, Lost, StorageAway."""
    user = User.objects.active().filter(pk=turn.job.asked_by_id).first()
    if user is None:
        raise Refused(Job.Why.NOT_ALLOWED)
    parcel.text(
        "account.json", orjson.dumps(_account(user), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()
    )
    told = {name: parcel.lines(f"{name}.jsonl", lines) for name, lines in _lists(user).items()}
    standing = Message.objects.filter(sender=user, deleted_at=None).exclude(type=Message.Type.SYSTEM)
    whole = standing[:COUNTED].count()
    script = Script(parcel, viewer=user.pk)
    script.write(_messages(turn, whole), title=lambda one: f"in {one['conversation']} #{one['seq']}")
    for body in _unsent(user):
        script.choose(orjson.loads(body))
    told |= script.fetch(lambda number: turn.reached(whole + number, whole + script.wanted))
    _explain(parcel, script, user)
    return told


def _account(user: User) -> Json:
    seen = LastSeen.objects.filter(user=user).values_list("seen_at", flat=True).first()
    names = (
        "id",
        "kaha_id",
        "username",
        "display_name",
        "avatar_url",
        "date_joined",
        "last_login",
        "is_staff",
    )
    return {**{name: getattr(user, name) for name in names}, "last_seen_at": seen}


def _lists(user: User) -> dict[str, Iterator[bytes]]:
    return {
        "sign_ins": _rows(OutstandingToken.objects.filter(user=user), "created_at", "expires_at"),
        "audit": _rows(AuditEntry.objects.filter(actor=user.pk), "at", "action", "subject", "address"),
        "agencies": _rows(BusinessAgent.objects.filter(user=user), "business_id", "role"),
        "conversations": _conversations(user.pk),
        "notes": _notes(user.pk),
        "reactions": _rows(
            Reaction.objects.filter(user=user).exclude(emojis=[]),
            "message__conversation", "message__seq", "emojis",
        ),
        "blocks": _rows(Block.objects.filter(user=user), "blocked", "blocked_at"),
        "reports": _rows(
            Report.objects.filter(reporter=user),
            "message__conversation", "message__seq", "reason", "note", "reported_at", "outcome",
        ),
    }  # fmt: skip


def _rows(rows: "QuerySet[Any]", *names: str) -> Iterator[bytes]:
    """Rows as JSON, some hundreds a statement."""
    last: Any = None
    while page := list(
        (rows.filter(pk__gt=last) if last else rows).order_by("pk").values("pk", *names)[:PAGE]
    ):
        last = page[-1]["pk"]
        yield from (_line({name: row[name] for name in names}) for row in page)


def _line(row: Json) -> bytes:
    named = {name.removeprefix("message__"): value for name, value in row.items()}
    return orjson.dumps(named, option=orjson.OPT_UTC_Z)


def _conversations(viewer: UUID) -> Iterator[bytes]:
    """Without their newest messages, which others may have written."""
    place = None
    wanted = InboxFilter(archived=None)
    while page := inbox.inbox(viewer=viewer, wanted=wanted, limit=PAGE, after=place):
        for one in parsed(opened_each([line.body for line in page])):
            del one["last_message"]
            yield orjson.dumps(one)
        place = page[-1].place


def _messages(turn: Turn, whole: int) -> Iterator[Json]:
    place, done = None, 0
    while page := history.own_messages(viewer=turn.job.asked_by_id, limit=PAGE, after=place):
        yield from parsed(opened_each([line.body for line in page]))
        place, done = page[-1].place, done + len(page)
        turn.reached(done, whole)


def _notes(viewer: UUID) -> Iterator[bytes]:
    """Where they may still read them, which the notes' own statement decides."""
    for names in _pages(Note.objects.filter(sender=viewer, deleted_at=None)):
        may = notes.open_to(viewer, list({conversation for conversation, _ in names}))
        bodies = [
            notes.note(conversation=conversation, number=number)
            for conversation, number in names
            if conversation in may
        ]
        yield from (body.encode() for body in opened_each([body for body in bodies if body]))


def _pages(rows: "QuerySet[Note]") -> Iterator[list[tuple[UUID, int]]]:
    last = 0
    while page := list(
        rows.filter(pk__gt=last).order_by("pk").values_list("pk", "notebook", "number")[:PAGE]
    ):
        last = page[-1][0]
        yield [(conversation, number) for _, conversation, number in page]


def _unsent(user: User) -> Iterator[str]:
    """Files that no message carries yet."""
    free = Attachment.objects.filter(owner=user, message=None, removed_at=None).order_by("pk")
    keys = list(free.values_list("pk", flat=True)[:PAGE])
    while keys:
        yield from (attachments.attachment(key) for key in keys)
        keys = list(free.filter(pk__gt=keys[-1]).values_list("pk", flat=True)[:PAGE])


def _explain(parcel: Parcel, script: Script, user: User) -> None:
    when = timezone.now().strftime("%Y-%m-%d %H:%M UTC")
    readme = README.format(who=user.name, when=when)
    parcel.text("README.txt", readme)
    parcel.text("index.html", pages.index(user.name, readme.splitlines()[:1], script.pages))
