"""Zulip's export of an organization: tables in realm.json, messages in files of a thousand. Topics become threads."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from conversations.exceptions import Invalid
from messaging.moving.archive import Archive
from messaging.moving.records import Person, Room, Said, Unreadable, clean, moment, name_of
from messaging.moving.spool import Spool
from messaging.moving.words import emoji_named, outside_code, with_emojis

NAME = "zulip"
_MESSAGES = re.compile(r"messages-\d+\.json")
_NAMED = re.compile(r"@(_?)\*\*([^*|\n]+)(?:\|(\d+))?\*\*")
_STREAM = re.compile(r"#\*\*([^*\n]+)\*\*")
_UPLOAD = re.compile(r"!?\[([^\]\n]*)\]\(/user_uploads/[^)\s]*\)")
_BROKEN = (KeyError, TypeError, AttributeError, ValueError)
_PERSONAL, _CHANNEL, _GROUP = 1, 2, 3

Row = Mapping[str, Any]


def read(archive: Archive, spool: Spool) -> Iterator[str]:
    """Reads an export into the spool; yields the name of each file that was read. Raises Invalid where it is none."""
    if "realm.json" not in archive:
        raise Invalid("This is no export of Zulip: it has no realm.json.")
    try:
        realm = archive.json("realm.json")
    except Unreadable as error:
        raise Invalid(f"realm.json cannot be read: {error}") from error
    if not isinstance(realm, dict) or not isinstance(realm.get("zerver_recipient"), list):
        raise Invalid("This is no export of Zulip: realm.json has no recipients.")
    reader = _Reader(spool, realm)
    yield "realm.json"
    for name in archive.names():
        if _MESSAGES.fullmatch(name):
            reader.read_messages(archive, name)
            yield name


def steps(archive: Archive) -> int:
    """How many files there are to read."""
    return 1 + sum(bool(_MESSAGES.fullmatch(name)) for name in archive.names())


class _Reader:
    """Reads tables. Holds the people, the rooms and the reactions; messages go by."""

    def __init__(self, spool: Spool, realm: dict[str, Any]) -> None:
        self._spool = spool
        self._names: dict[int, str] = {}
        self._ids: dict[str, int | None] = {}  # by full name; None where two have the same
        for table in (
            "zerver_userprofile",
            "zerver_userprofile_mirrordummy",
            "zerver_userprofile_crossrealm",
        ):
            for row in self._rows("realm.json", realm, table):
                self._guard(f"realm.json: {table}", lambda row=row: self._person(row))
        self._recipients: dict[int, tuple[int, int]] = {}
        self._members: dict[int, list[int]] = {}
        self._streams: dict[int, Row] = {}
        self._take_rooms(realm)
        self._reactions = self._gather(self._rows("realm.json", realm, "zerver_reaction"))

    def read_messages(self, archive: Archive, file: str) -> None:
        try:
            tables = archive.json(file)
        except Unreadable as error:
            self._spool.refuse(file, error)
            return
        if not isinstance(tables, dict):
            self._spool.refuse(file, "no tables")
            return
        here = self._gather(self._rows(file, tables, "zerver_reaction"))
        for place, row in enumerate(self._rows(file, tables, "zerver_message"), start=1):
            self._guard(f"{file}: message {place}", lambda row=row: self._message(row, here))

    def _rows(self, file: str, tables: dict[str, Any], table: str) -> list[Any]:
        found = tables.get(table)
        if found is not None and not isinstance(found, list):
            self._spool.refuse(f"{file}: {table}", "no list")
        return found if isinstance(found, list) else []

    def _guard(self, where: str, take: Any) -> None:
        try:
            take()
        except _BROKEN as error:
            plain = isinstance(error, Unreadable)
            self._spool.refuse(where, error if plain else f"not as Zulip writes it ({type(error).__name__})")

    def _person(self, row: Row) -> None:
        key = int(row["id"])
        email = name_of(row.get("delivery_email"), row.get("email"))
        full = name_of(row.get("full_name"), email, str(key))
        self._names[key] = full
        self._ids[full] = None if full in self._ids else key
        closed = bool(row.get("is_bot") or row.get("is_mirror_dummy") or not row.get("is_active", False))
        self._spool.add_person(Person(str(key), email.partition("@")[0] or full, full, email, closed))

    def _take_rooms(self, realm: dict[str, Any]) -> None:
        for row in self._rows("realm.json", realm, "zerver_stream"):
            self._guard(
                "realm.json: zerver_stream", lambda row=row: self._streams.update({int(row["id"]): row})
            )
        for row in self._rows("realm.json", realm, "zerver_recipient"):
            self._guard("realm.json: zerver_recipient", lambda row=row: self._recipient(row))
        for row in self._rows("realm.json", realm, "zerver_subscription"):
            self._guard("realm.json: zerver_subscription", lambda row=row: self._subscription(row))
        for recipient, (kind, target) in self._recipients.items():
            if kind == _CHANNEL:
                self._guard("realm.json: zerver_stream", lambda r=recipient, t=target: self._channel(r, t))

    def _recipient(self, row: Row) -> None:
        self._recipients[int(row["id"])] = int(row["type"]), int(row["type_id"])

    def _subscription(self, row: Row) -> None:
        """Who left a channel reads it no longer; of the people of a direct conversation nobody leaves."""
        recipient, person = int(row["recipient"]), int(row["user_profile"])
        if row.get("active", True) or self._recipients[recipient][0] != _CHANNEL:
            self._members.setdefault(recipient, []).append(person)

    def _channel(self, recipient: int, stream: int) -> None:
        row = self._streams[stream]
        members = self._members.get(recipient, [])
        creator = row.get("creator")
        owner = str(creator) if creator in members else None
        self._spool.add_room(
            Room(f"s{stream}", clean(row["name"]), [str(one) for one in members], owner=owner)
        )

    def _room_of(self, row: Row) -> str:
        kind, target = self._recipients[int(row["recipient"])]
        if kind == _CHANNEL:
            return f"s{target}"
        people = (
            {int(row["sender"]), target} if kind == _PERSONAL else set(self._members[int(row["recipient"])])
        )
        return self._direct(sorted(people))

    def _direct(self, people: list[int]) -> str:
        key = "d" + hashlib.sha256(",".join(map(str, people)).encode()).hexdigest()[:40]
        if not self._spool.has("room", key):
            name = ", ".join(self._names.get(one, str(one)) for one in people)
            self._spool.add_room(Room(key, name, [str(one) for one in people], direct=len(people) == 2))
        return key

    def _message(self, row: Row, here: dict[int, list[tuple[str, str]]]) -> None:
        number, sender = int(row["id"]), int(row["sender"])
        if sender not in self._names:
            raise Unreadable("written by somebody who is not there")
        text, named = self._text(clean(row["content"]))
        at = moment(row.get("date_sent") or row["pub_date"])
        edited = moment(row["last_edit_time"]) if row.get("last_edit_time") else None
        if not text:
            self._spool.left_out["messages without words"] += 1
            return
        room, action = self._room_of(row), text.startswith("/me ")
        topic = clean(row.get("subject") or "").strip("\x07") if room.startswith("s") else ""
        self._spool.add(
            Said(
                room=room,
                key=str(number),
                sender=str(sender),
                at=at,
                text=f"{self._names[sender]} {text[4:]}" if action else text,
                action=action,
                parent=f"topic:{topic.casefold()}" if topic else None,
                title=topic,
                edited=edited,
                mentions=named,
                reactions=[*self._reactions.get(number, ()), *here.get(number, ())],
            )
        )

    def _text(self, raw: str) -> tuple[str, list[str]]:
        named: list[str] = []

        def mention(match: re.Match[str]) -> str:
            key = int(match[3]) if match[3] else self._ids.get(match[2])
            if key in self._names and not match[1]:
                named.append(str(key))
            return f"@{match[2]}"

        def plain(part: str) -> str:
            self._spool.left_out["files"] += len(_UPLOAD.findall(part))
            part = _UPLOAD.sub(lambda match: f"[{match[1] or 'file'}]", part)
            return _STREAM.sub(lambda match: "#" + match[1].replace(">", " > "), _NAMED.sub(mention, part))

        return with_emojis(outside_code(raw, plain)), list(dict.fromkeys(named))

    def _gather(self, rows: list[Any]) -> dict[int, list[tuple[str, str]]]:
        """Reactions by their message."""
        found: dict[int, list[tuple[str, str]]] = {}
        for place, row in enumerate(rows, start=1):
            self._guard(f"zerver_reaction {place}", lambda row=row: self._reaction(row, found))
        return found

    def _reaction(self, row: Row, found: dict[int, list[tuple[str, str]]]) -> None:
        message, person = int(row["message"]), int(row["user_profile"])
        emoji = emoji_named(clean(row["emoji_name"])) if row.get("reaction_type") == "unicode_emoji" else None
        if emoji is None or person not in self._names:
            self._spool.left_out["reactions with emojis of their own"] += 1
        else:
            found.setdefault(message, []).append((emoji, str(person)))
