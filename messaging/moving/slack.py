"""Slack's export of a workspace: lists of people and channels, a folder for each channel, a file for each day."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from conversations.exceptions import Invalid
from messaging.moving.archive import Archive
from messaging.moving.records import Person, Room, Said, Unreadable, clean, moment, name_of
from messaging.moving.spool import Spool
from messaging.moving.words import emoji_named, from_slack

NAME = "slack"
_PEOPLE = ("users.json", "org_users.json")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_WORDS = {None, "thread_broadcast", "me_message", "bot_message", "file_share"}
_BROKEN = (KeyError, TypeError, AttributeError, ValueError, InvalidOperation)


def read(archive: Archive, spool: Spool) -> Iterator[str]:
    """Reads an export into the spool; yields the name of each file that was read. Raises Invalid where it is none."""
    people = _people(archive, spool)
    rooms = _rooms(archive, spool, people)
    channels = {room.key: room.name for room in rooms.values()}
    reader = _Reader(spool, people, channels)
    for name in archive.names():
        folder, _, day = name.rpartition("/")
        if folder in rooms and _DAY.fullmatch(day):
            reader.read_day(archive, name, rooms[folder])
            yield name


def steps(archive: Archive) -> int:
    """How many files of days there are."""
    return sum(bool(_DAY.fullmatch(name.rpartition("/")[2])) for name in archive.names())


def _people(archive: Archive, spool: Spool) -> dict[str, str]:
    """Their usernames by their ids."""
    file = next((name for name in _PEOPLE if name in archive), None)
    if file is None:
        raise Invalid("This is no export of Slack: it has no users.json.")
    found: dict[str, str] = {}
    for where, entry in _each(archive, spool, file):
        try:
            person = _person(entry)
        except _BROKEN as error:
            spool.refuse(where, _why(error))
            continue
        spool.add_person(person)
        found[person.key] = person.username
    return found


def _person(entry: dict[str, Any]) -> Person:
    profile = entry.get("profile") or {}
    key = clean(entry["id"])
    username = name_of(entry.get("name"), profile.get("display_name"), key)
    return Person(
        key=key,
        username=username,
        name=name_of(profile.get("display_name"), profile.get("real_name"), entry.get("real_name")),
        email=name_of(profile.get("email")),
        closed=bool(entry.get("deleted") or entry.get("is_bot") or key == "USLACKBOT"),
    )


def _rooms(archive: Archive, spool: Spool, people: dict[str, str]) -> dict[str, Room]:
    """Rooms by the folder of their days."""
    found: dict[str, Room] = {}
    for file in ("channels.json", "groups.json", "mpims.json", "dms.json"):
        if file not in archive:
            continue
        for where, entry in _each(archive, spool, file):
            try:
                room = _room(entry, people, direct=file == "dms.json", named=file != "mpims.json")
                found[room.key if file == "dms.json" else clean(entry["name"])] = room
            except _BROKEN as error:
                spool.refuse(where, _why(error))
                continue
            spool.add_room(room)
    if not found:
        raise Invalid("This is no export of Slack: it names no channels.")
    return found


def _room(entry: dict[str, Any], people: dict[str, str], *, direct: bool, named: bool) -> Room:
    members = [clean(one) for one in entry.get("members") or ()]
    together = ", ".join(sorted(people.get(one, one) for one in members))
    name = clean(entry["name"]) if named and not direct else together
    creator = entry.get("creator")
    return Room(clean(entry["id"]), name, members, direct, creator if creator in members else None)


def _each(archive: Archive, spool: Spool, file: str) -> Iterator[tuple[str, Any]]:
    """The entries of a list, each with where it stands."""
    try:
        entries = archive.json(file)
    except Unreadable as error:
        spool.refuse(file, error)
        return
    if not isinstance(entries, list):
        spool.refuse(file, "no list")
        return
    for place, entry in enumerate(entries, start=1):
        yield f"{file}: entry {place}", entry


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, Unreadable) else f"not as Slack writes it ({type(error).__name__})"


class _Reader:
    """Reads days. Knows the people that came up, those whom no list names too."""

    def __init__(self, spool: Spool, people: dict[str, str], channels: dict[str, str]) -> None:
        self._spool = spool
        self._people = people
        self._channels = channels

    def read_day(self, archive: Archive, file: str, room: Room) -> None:
        for where, entry in _each(archive, self._spool, file):
            try:
                said = self._said(entry, room)
            except _BROKEN as error:
                self._spool.refuse(where, _why(error))
                continue
            if said:
                self._spool.add(said)

    def _said(self, entry: dict[str, Any], room: Room) -> Said | None:
        if reason := _left_out(entry):
            self._spool.left_out[reason] += 1
            return None
        key = clean(entry["ts"])
        at = moment(float(Decimal(key)))
        text, named = self._text(entry)
        if not text:
            self._spool.left_out["messages without words"] += 1
            return None
        thread, sender = entry.get("thread_ts"), self._sender(entry)
        action = entry.get("subtype") == "me_message"
        return Said(
            room=room.key,
            key=key,
            sender=sender,
            at=at,
            text=f"{self._people[sender]} {text}" if action else text,
            action=action,
            parent=clean(thread) if thread and thread != key else None,
            edited=moment(float(Decimal(clean(entry["edited"]["ts"])))) if entry.get("edited") else None,
            mentions=[one for one in named if one in self._people],
            reactions=self._reactions(entry),
        )

    def _text(self, entry: dict[str, Any]) -> tuple[str, list[str]]:
        """What it says; of files their names, of what apps post without a text, what they say in its place."""
        raw = clean(entry.get("text") or "")
        if not raw:
            raw = "\n".join(
                name_of(one.get("text"), one.get("fallback"), one.get("title"))
                for one in entry.get("attachments") or ()
            )
        text, named = from_slack(raw, people=self._people, channels=self._channels)
        files = [name_of(one.get("name"), one.get("title"), "file") for one in entry.get("files") or ()]
        self._spool.left_out["files"] += len(files)
        return "\n".join(filter(None, [text.strip(), *(f"[{name}]" for name in files)])), named

    def _sender(self, entry: dict[str, Any]) -> str:
        key = name_of(entry.get("user"), entry.get("bot_id"))
        profile = entry.get("user_profile") or entry.get("bot_profile") or {}
        if not key:
            raise Unreadable("nobody wrote it")
        self._meet(key, name_of(entry.get("username"), profile.get("name"), profile.get("real_name"), key))
        return key

    def _meet(self, key: str, username: str) -> None:
        """Apps, and people of other workspaces, stand in no list; nobody signs in as one of them."""
        if key not in self._people:
            self._people[key] = username
            self._spool.add_person(Person(key, username, closed=True))

    def _reactions(self, entry: dict[str, Any]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for one in entry.get("reactions") or ():
            people = [clean(user) for user in one["users"]]
            emoji = emoji_named(clean(one["name"]))
            if emoji is None:
                self._spool.left_out["reactions with emojis of their own"] += len(people)
                continue
            for user in people:
                self._meet(user, user)
                found.append((emoji, user))
        return found


def _left_out(entry: dict[str, Any]) -> str | None:
    """Why something in a day is no message of somebody."""
    kind = entry.get("subtype")
    if kind == "tombstone" or entry.get("hidden"):
        return "deleted messages"
    if entry.get("type", "message") != "message" or kind not in _WORDS:
        return "notices of Slack (joined, left, renamed …)"
    return None
