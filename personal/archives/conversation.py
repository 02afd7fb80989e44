"""A conversation as who asked for it may read it: by the very statements that REST reads with, page by page.

Each page checks anew whether they may; where they may not any more, nothing comes of the export.
"""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import orjson
from django.utils import timezone

from conversations.contents import opened, opened_each
from conversations.queries import inbox, people
from messaging.queries import history, notes
from messaging.queries.history import Window
from messaging.records import Place
from personal.access import may_have
from personal.archives import pages
from personal.archives.parcel import Parcel
from personal.archives.script import Counts, Json, Script
from personal.exceptions import Refused
from personal.jobs.turns import Turn
from personal.models import Job

PAGE: Final = 200
README: Final = """This is the conversation "{name}" as {who} could read it on {when}.

conversation.json    what the conversation says of itself
participants.jsonl   who takes part, one person a line
messages.jsonl       every message, one a line, in their order; deleted ones keep their place and are empty
{notes}attachments.jsonl    the files of the messages; "left_out" says why one is not here
attachments/         the files themselves
messages/            the messages to be read in a browser: begin at index.html

The lines are JSON, in the shape that the API has. What was changed while this was made may be here as it was before, or
after.
"""
NOTES: Final = "notes.jsonl          notes among the agents, which the customer does not see\n"


def export_conversation(turn: Turn, parcel: Parcel) -> Counts:
    """Writes all of it. Raises Refused, Lost, StorageAway."""
    room, viewer = turn.job.conversation_id, turn.job.asked_by_id
    found = inbox.conversation(viewer=viewer, conversation_id=room) if room and may_have(turn.job) else None
    if room is None or found is None:
        raise Refused(Job.Why.NOT_ALLOWED)
    facts = orjson.loads(opened(found))
    parcel.text("conversation.json", orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
    told = {"participants": parcel.lines("participants.jsonl", _participants(room))}
    script = Script(parcel, viewer=viewer)
    script.write(_messages(turn, room, facts["last_seq"]), title=lambda one: f"#{one['seq']}")
    if open_ := notes.open_to(viewer, [room]):
        told["notes"] = parcel.lines("notes.jsonl", _notes(turn, room))
    told |= script.fetch(
        lambda number: turn.reached(facts["last_seq"] + number, facts["last_seq"] + script.wanted)
    )
    _explain(turn, parcel, script, facts, notes=bool(open_))
    return told


def _participants(room: UUID) -> Iterator[bytes]:
    last = 0
    while page := people.participants(conversation_id=room, limit=PAGE, after=last):
        yield from (seat.body.encode() for seat in page)
        last = page[-1].id


def _messages(turn: Turn, room: UUID, until: int) -> Iterator[Json]:
    """Those that were there when it began. `until` is the last of them."""
    seq = 0
    while seq < until:
        page = history.message_history(
            viewer=turn.job.asked_by_id, conversation_id=room, window=Window(limit=PAGE, after=seq)
        )
        found = orjson.loads(opened(page.results)) if page else []
        if not found or not may_have(turn.job):
            raise Refused(Job.Why.NOT_ALLOWED)
        yield from (one for one in found if one["seq"] <= until)
        seq = found[-1]["seq"]
        turn.reached(min(seq, until), until)


def _notes(turn: Turn, room: UUID) -> Iterator[bytes]:
    """The right to them is asked for with each page, too."""
    past = Place(0, 0)
    while page := notes.page(conversation=room, first=0, last=None, past=past, limit=PAGE):
        if room not in notes.open_to(turn.job.asked_by_id, [room]):
            raise Refused(Job.Why.NOT_ALLOWED)
        yield from (body.encode() for body in opened_each([body for body, _ in page]))
        past = page[-1][1]


def _explain(turn: Turn, parcel: Parcel, script: Script, facts: Json, *, notes: bool) -> None:
    name = facts["name"] or _peer(facts)
    when = timezone.now().strftime("%Y-%m-%d %H:%M UTC")
    readme = README.format(name=name, who=turn.job.asked_by.name, when=when, notes=NOTES if notes else "")
    parcel.text("README.txt", readme)
    parcel.text("index.html", pages.index(name, readme.splitlines()[:1], script.pages))


def _peer(facts: Json) -> str:
    """A conversation without a name is called by who it is with, or what it is."""
    peer = facts["peer"]
    return str(peer["display_name"]) if peer else f"{facts['type']} {facts['id']}"
