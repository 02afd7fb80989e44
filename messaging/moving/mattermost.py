"""Mattermost's bulk export: one object a line, a version first. Posts come in no order, and have no ids."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from conversations.exceptions import Invalid
from messaging.moving.archive import Archive
from messaging.moving.records import Person, Room, Said, Unreadable, clean, moment, name_of
from messaging.moving.spool import Spool
from messaging.moving.words import emoji_named, with_emojis

NAME = "mattermost"
_NAMED = re.compile(r"(?<![\w.@-])@([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
_BROKEN = (KeyError, TypeError, AttributeError, ValueError)
_STEP = 4 * 2**20  # bytes between two signs of life


def read(archive: Archive, spool: Spool) -> Iterator[str]:
    """Reads an export into the spool; yields how far it is. Raises Invalid where it is none."""
    file = _file(archive)
    reader = _Reader(spool)
    done = 0
    try:
        for number, line in archive.lines(file):
            _read_line(reader, spool, f"{file}:{number}", line, first=number == 1)
            if done // _STEP != (done := done + len(line)) // _STEP:
                yield f"{file} ({number:,} lines)"
    except Unreadable as error:
        spool.refuse(file, f"{error}; what follows was not read")
    reader.finish()
    yield file


def steps(archive: Archive) -> int:
    """One for every few megabytes."""
    return archive.size(_file(archive)) // _STEP + 1


def _file(archive: Archive) -> str:
    file = next((name for name in archive.names() if name.endswith(".jsonl")), None)
    if file is None:
        raise Invalid("This is no bulk export of Mattermost: it has no file that ends in .jsonl.")
    return file


def _read_line(reader: "_Reader", spool: Spool, where: str, line: bytes, *, first: bool) -> None:
    try:
        entry = orjson.loads(line)
        kind = entry["type"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        if first:
            raise Invalid(
                "This is no bulk export of Mattermost: its first line is not its version."
            ) from error
        if line.strip():
            spool.refuse(where, "no JSON object with a type")
        return
    if first:
        if kind != "version" or entry.get("version") != 1:
            raise Invalid("This is no bulk export of Mattermost of version 1: see its first line.")
        return
    try:
        reader.take(kind, entry.get(kind))
    except _BROKEN as error:
        plain = isinstance(error, Unreadable)
        spool.refuse(where, error if plain else f"not as Mattermost writes it ({type(error).__name__})")


class _Reader:
    """Reads entries. People come before posts, and say which channels they are in; rooms are made at the end."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._names: dict[str, str] = {}  # of channels, by team and name
        self._members: dict[str, list[str]] = {}
        self._owners: dict[str, str] = {}
        self._people: set[str] = set()
        self._rooms: set[str] = set()  # direct ones, made as they come

    def take(self, kind: str, body: Any) -> None:
        takers = {
            "channel": self._channel,
            "user": self._user,
            "bot": self._bot,
            "post": self._post,
            "direct_channel": self._direct,
            "direct_post": self._direct_post,
        }
        if kind in takers:
            if not isinstance(body, Mapping):
                raise Unreadable(f"a {kind} without what it says")
            takers[kind](body)
        elif kind == "emoji":
            self._spool.left_out["emojis of their own"] += 1

    def finish(self) -> None:
        """Channels are rooms of those who said that they are in them."""
        for key, name in self._names.items():
            self._spool.add_room(Room(key, name, self._members.get(key, []), owner=self._owners.get(key)))

    def _channel(self, body: Mapping[str, Any]) -> None:
        key = _key(clean(body["team"]), clean(body["name"]))
        self._names[key] = name_of(body.get("display_name"), body["name"])

    def _user(self, body: Mapping[str, Any]) -> None:
        username = clean(body["username"])
        named = f"{name_of(body.get('first_name'))} {name_of(body.get('last_name'))}".strip()
        closed = bool(body.get("delete_at"))
        rooms = [
            (_key(clean(team["name"]), clean(channel["name"])), str(channel.get("roles")))
            for team in body.get("teams") or ()
            for channel in team.get("channels") or ()
        ]
        self._meet(
            Person(
                username, username, named or name_of(body.get("nickname")), name_of(body.get("email")), closed
            )
        )
        for room, roles in rooms:
            self._members.setdefault(room, []).append(username)
            if "channel_admin" in roles:
                self._owners.setdefault(room, username)

    def _bot(self, body: Mapping[str, Any]) -> None:
        username = clean(body["username"])
        self._meet(Person(username, username, name_of(body.get("display_name")), closed=True))

    def _meet(self, person: Person) -> None:
        self._people.add(person.key)
        self._spool.add_person(person)

    def _direct(self, body: Mapping[str, Any]) -> None:
        members = body.get("members") or [one["username"] for one in body.get("participants") or ()]
        self._direct_room([clean(one) for one in members])

    def _direct_room(self, members: list[str]) -> str:
        people = sorted(set(members))
        if not people:
            raise Unreadable("a conversation of nobody")
        key = _digest("direct", *people)
        if key not in self._rooms:
            self._rooms.add(key)
            self._spool.add_room(Room(key, ", ".join(people), people, direct=len(people) == 2))
        return key

    def _post(self, body: Mapping[str, Any]) -> None:
        room = _key(clean(body["team"]), clean(body["channel"]))
        if room not in self._names:
            raise Unreadable("a post in a channel that is not there")
        self._thread(room, body)

    def _direct_post(self, body: Mapping[str, Any]) -> None:
        members = [clean(one) for one in body["channel_members"]]
        entries = self._entries(body)
        self._add(self._direct_room(members), entries)

    def _thread(self, room: str, body: Mapping[str, Any]) -> None:
        self._add(room, self._entries(body))

    def _entries(self, body: Mapping[str, Any]) -> list[Said]:
        """A post and the replies to it: all of them are read before one is kept."""
        first = self._said(body, parent=None)
        key = _name(body)
        replies = [self._said(reply, parent=key) for reply in body.get("replies") or ()]
        return [said for said in (first, *replies) if said]

    def _add(self, room: str, entries: list[Said]) -> None:
        for said in entries:
            self._spool.add(said._replace(room=room))

    def _said(self, body: Mapping[str, Any], *, parent: str | None) -> Said | None:
        kind = name_of(body.get("type"))
        if kind.startswith("system_"):
            self._spool.left_out["notices of Mattermost (joined, left, renamed …)"] += 1
            return None
        user, text = clean(body["user"]), self._text(body)
        at = moment(body["create_at"] / 1000)
        edited = moment(body["edit_at"] / 1000) if body.get("edit_at") else None
        reactions = self._reactions(body)
        if not text:
            self._spool.left_out["messages without words"] += 1
            return None
        self._known(user)
        return Said(
            room="",
            key=_name(body),
            sender=user,
            at=at,
            text=f"{user} {text}" if kind == "me" else text,
            action=kind == "me",
            parent=parent,
            edited=edited,
            mentions=[one for one in dict.fromkeys(_mentioned(text)) if one in self._people],
            reactions=reactions,
        )

    def _text(self, body: Mapping[str, Any]) -> str:
        words = with_emojis(clean(body.get("message") or ""))
        files = [name_of(one["path"]).rpartition("/")[2] for one in body.get("attachments") or ()]
        self._spool.left_out["files"] += len(files)
        return "\n".join(filter(None, [words, *(f"[{name}]" for name in files)]))

    def _known(self, user: str) -> None:
        """Who is no longer in the list of people never signs in."""
        if user not in self._people:
            self._meet(Person(user, user, closed=True))

    def _reactions(self, body: Mapping[str, Any]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for one in body.get("reactions") or ():
            user, emoji = clean(one["user"]), emoji_named(clean(one["emoji_name"]))
            if emoji is None:
                self._spool.left_out["reactions with emojis of their own"] += 1
                continue
            self._known(user)
            found.append((emoji, user))
        return found


def _mentioned(text: str) -> list[str]:
    return [name.rstrip(".-_").lower() for name in _NAMED.findall(text)]


def _key(team: str, channel: str) -> str:
    return f"{team}/{channel}"


def _name(body: Mapping[str, Any]) -> str:
    """What tells posts apart, since they have no ids."""
    return _digest(str(body["create_at"]), str(body["user"]), str(body.get("message") or ""))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
