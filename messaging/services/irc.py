"""Bringing IRC logs in: each nick a person, each line a message, each channel a group."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID

from django.db import connection, transaction

from conversations import access
from conversations.exceptions import Invalid, NotFound
from conversations.models import Conversation, Participant, User
from conversations.services import announce
from conversations.services.bulk import import_people, read_everything, seat_people
from conversations.services.participants import join
from messaging import irc
from messaging.models import Message
from messaging.services import bulk

PREFIX = "irc:"  # what the client_id of every imported line begins with
NO_DAY = "no YYYY-MM-DD in the file's name"
_SUFFIXES = ("*.raw.txt", "*.txt", "*.log")


@dataclass(frozen=True, slots=True)
class Found:
    """The logs below a path, in the order of their days, and the files left out with the reason."""

    logs: Sequence[Path]
    left_out: dict[str, str]


@dataclass(slots=True)
class Imported:
    """What came of an import. `messages`, `actions` and `notices` were read; `added` of them are new."""

    conversations: dict[str, UUID] = field(default_factory=dict)
    files: int = 0
    lines: int = 0
    messages: int = 0
    actions: int = 0
    notices: int = 0
    people: set[UUID] = field(default_factory=set)
    added: int = 0
    present: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def count(self, log: irc.Log) -> None:
        """Adds what one file holds."""
        kinds = Counter(entry.kind for entry in log.entries)
        self.files += 1
        self.lines += log.lines
        self.messages += kinds["said"]
        self.actions += kinds["action"]
        self.notices += kinds["notice"]
        self.skipped += log.skipped


def find_logs(path: Path) -> Found:
    """The logs that a file or a folder holds. Raises Invalid where there are none."""
    if path.is_file():
        files = [path]
    elif path.is_dir():
        files = next((found for suffix in _SUFFIXES if (found := sorted(path.glob(suffix)))), [])
    else:
        raise Invalid(f"There is no such file or folder: {path}")
    dated = {file: irc.day_of(file.name) for file in files}
    logs = sorted((file for file in files if dated[file]), key=lambda file: (dated[file], file.name))
    if not logs:
        raise Invalid(
            f"No logs in {path}: a log is a .txt or .log file with its day (YYYY-MM-DD) in its name"
        )
    return Found(logs, {file.name: NO_DAY for file in files if not dated[file]})


def import_logs(
    path: Path,
    *,
    conversation: str | None = None,
    members: Iterable[str] = (),
    progress: Callable[[Path, int], None] = lambda file, lines: None,
) -> Imported:
    """Imports the logs at `path`, one transaction a file; a second time adds only what is not there yet.

    `members` are usernames of those who shall read it. `progress` hears of each file and its lines once it is in.
    Raises Invalid (path, file, name) or NotFound (member).
    """
    readers = _readers(members)
    done = Imported()
    for file, day, channel in _channels(path, conversation):
        lines = _read(file)
        log = irc.parse(lines, day)
        _import_log(log, file.name, channel, done)
        progress(file, len(lines))
    for room in done.conversations.values():
        _finish(room, done, readers)
    return done


def _readers(usernames: Iterable[str]) -> list[UUID]:
    wanted = list(dict.fromkeys(usernames))
    known = dict(User.objects.active().filter(username__in=wanted).values_list("username", "pk"))
    if unknown := [name for name in wanted if name not in known]:
        raise NotFound(f"No such user: {', '.join(unknown)}")
    return [known[name] for name in wanted]


def _channels(path: Path, conversation: str | None) -> Iterator[tuple[Path, date, str]]:
    """Each log, its day and its channel: as told, as it says itself, as most others say, or the path's name."""
    logs = find_logs(path).logs
    named = {log: conversation or irc.channel_of(_read(log)) for log in logs}
    counted = Counter(name for name in named.values() if name)
    default = counted.most_common(1)[0][0] if counted else path.resolve().stem
    for log in logs:
        name = (named[log] or default).strip()
        if not name or len(name) > 120 or "\0" in name:
            raise Invalid("A conversation's name has 1 to 120 characters")
        if day := irc.day_of(log.name):
            yield log, day, name


def _read(file: Path) -> list[str]:
    try:
        return irc.decode(file.read_bytes())
    except OSError as error:
        raise Invalid(f"Cannot read {file}: {error.strerror}") from error


@transaction.atomic
def _import_log(log: irc.Log, file: str, channel: str, done: Imported) -> None:
    people = import_people({entry.nick for entry in log.entries if entry.nick})
    done.count(log)
    done.people |= set(people.values())
    lines = [_line(entry, file, people) for entry in log.entries]
    if not lines:
        return
    room = _room(channel, lines[0])
    done.conversations[channel] = room.pk
    new = _not_there_yet(room, lines)
    seat_people(room, {line.sender: line.sent_at for line in reversed(new) if line.sender})
    added = bulk.append(room, new)
    done.added += added.inserted
    done.present += len(lines) - added.inserted


def _line(entry: irc.Entry, file: str, people: dict[str, UUID]) -> bulk.Line:
    return bulk.Line(
        sender=people[entry.nick] if entry.nick else None,
        content=entry.text,
        sent_at=entry.at,
        client_id=_client_id(file, entry.number),
        type=Message.Type.TEXT if entry.kind == "said" else Message.Type.SYSTEM,
    )


def _client_id(file: str, number: int) -> str:
    """The same for the same line of the same file, at most 64 characters."""
    name = file if len(file) <= 48 else hashlib.sha256(file.encode()).hexdigest()[:48]
    return f"{PREFIX}{name}:{number}"


def _room(channel: str, first: bulk.Line) -> Conversation:
    """The channel's group, locked; made for the first of its logs. It is known by how its first message came in.

    The advisory lock keeps two imports from making one each.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 0))", [f"import_irc {channel}"]
        )
    # Uses index: conversations_name_trgm, messages_unique_seq.
    rooms = Conversation.objects.filter(
        type=Conversation.Type.GROUP,
        name__iexact=channel,
        deleted_at=None,
        messages__seq=1,
        messages__client_id__startswith=PREFIX,
    )
    found = rooms.values_list("pk", flat=True).first()
    if found:
        return access.get_any_conversation(found, lock=True)
    return Conversation.objects.create(
        type=Conversation.Type.GROUP, name=channel, created_at=first.sent_at, last_activity_at=first.sent_at
    )


def _not_there_yet(room: Conversation, lines: Sequence[bulk.Line]) -> list[bulk.Line]:
    """Without regard to the sender: somebody may have taken over an imported account since.

    Uses index: messages_unique_client_id.
    """
    ids = [line.client_id for line in lines]
    there = set(
        Message.objects.filter(conversation=room, client_id__in=ids).values_list("client_id", flat=True)
    )
    return [line for line in lines if line.client_id not in there]


@transaction.atomic
def _finish(conversation_id: UUID, done: Imported, readers: Sequence[UUID]) -> None:
    """Lets the readers in, marks what the imported people said as read by them, and has clients look again."""
    room = access.get_any_conversation(conversation_id, lock=True)
    moved = read_everything(room, done.people)
    live = Participant.objects.live().filter(conversation=room)
    seated = set(live.filter(user__in=readers).values_list("user_id", flat=True))
    owned = live.filter(role=Participant.Role.OWNER).exists()
    for reader in readers:
        if reader not in seated:
            join(room, reader, role=Participant.Role.MEMBER if owned else Participant.Role.OWNER)
            owned = True
    if moved or done.added:
        room.stamp(facts=True)
        announce.conversation_changed(room)
