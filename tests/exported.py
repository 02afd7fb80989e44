"""Exports of other chat servers as their programs write them, small and made up."""

import zipfile
from pathlib import Path
from typing import Any

import orjson

Json = dict[str, Any]


def packed(path: Path, files: dict[str, Any]) -> Path:
    """A ZIP of files; what is no text or bytes is written as JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, str | bytes) else orjson.dumps(content))
    return path


def unpacked(folder: Path, files: dict[str, Any]) -> Path:
    """The same as a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(raw if isinstance(raw, bytes) else orjson.dumps(raw))
    return folder


def slack() -> Json:
    """Three people, an app, a stranger; a channel, a closed group, direct conversations."""
    said = {"type": "message"}
    return {
        "users.json": [
            {"id": "U1", "name": "mona", "profile": {"real_name": "Mona Reef", "email": "Mona@shop.example"}},
            {"id": "U2", "name": "theo", "profile": {"display_name": "Theo", "email": "theo@shop.example"}},
            {"id": "U3", "name": "gone", "deleted": True, "profile": {}},
        ],
        "channels.json": [
            {"id": "C1", "name": "kiln", "members": ["U1", "U2"], "creator": "U2"},
            {"id": "C2", "name": "silent", "members": ["U1"]},
        ],
        "groups.json": [{"id": "G1", "name": "till", "members": ["U1"], "creator": "U3"}],
        "dms.json": [{"id": "D1", "members": ["U1", "U2"]}, {"id": "D2", "members": ["U1", "U9"]}],
        "kiln/2021-03-05.json": [
            said
            | {
                "user": "U2",
                "ts": "1614902400.000300",
                "thread_ts": "1614816000.000100",
                "text": "in an hour, <@U2> <@U3>",
            },
            said | {"user": "U3", "ts": "1614902500.000000", "text": "I am off, `:tada:` stays"},
            said | {"user": "U1", "ts": "never", "text": "no time"},
            said | {"user": "U1", "ts": "1614902600.000000", "text": "x" * 16_001},
        ],
        "kiln/2021-03-04.json": [
            said
            | {
                "user": "U1",
                "ts": "1614816000.000100",
                "text": "<@U2> is it hot? :fire: see <https://kiln.example/a|the page> in <#C2> &amp; <!here>",
                "edited": {"user": "U1", "ts": "1614816060.000000"},
                "reactions": [
                    {"name": "+1", "users": ["U2", "U3"], "count": 2},
                    {"name": "our_pot", "users": ["U2"], "count": 1},
                ],
            },
            said | {"user": "U2", "subtype": "channel_join", "ts": "1614816001.000000", "text": "joined"},
            said | {"user": "U2", "subtype": "tombstone", "ts": "1614816002.000000", "text": "deleted"},
            said | {"user": "U2", "subtype": "me_message", "ts": "1614816003.000000", "text": "looks"},
            said
            | {
                "subtype": "bot_message",
                "bot_id": "B1",
                "username": "Oven",
                "ts": "1614816004.000000",
                "text": "",
                "attachments": [{"fallback": "1040 degrees"}],
                "files": [{"name": "curve.png"}],
            },
        ],
        "kiln/2021-03-06.json": "[{",
        "till/2021-03-04.json": [said | {"user": "U3", "ts": "1614816005.000000", "text": "closing"}],
        "D2/2021-03-04.json": [said | {"user": "U1", "ts": "1614816007.000000", "text": "anybody?"}],
        "D1/2021-03-04.json": [said | {"user": "U2", "ts": "1614816006.000000", "text": "tea?"}],
    }


def mattermost(*more: bytes) -> bytes:
    """Two people, a channel, a direct conversation; posts out of order."""
    team = {"team": "shop", "channel": "kiln"}
    user: list[Json] = [
        {"username": "mona", "email": "mona@shop.example", "first_name": "Mona", "last_name": "Reef"},
        {"username": "theo", "email": "theo@shop.example", "nickname": "Theo"},
    ]
    user[0]["teams"] = [{"name": "shop", "channels": [{"name": "kiln", "roles": "channel_user"}]}]
    user[1]["teams"] = [
        {"name": "shop", "channels": [{"name": "kiln", "roles": "channel_user channel_admin"}]}
    ]
    late = {"user": "theo", "message": "later", "create_at": 1614902400000}
    reply = {"user": "theo", "message": "in an hour, @mona", "create_at": 1614816000900}
    first = {
        "user": "mona",
        "message": "is it hot? :fire:",
        "create_at": 1614816000123,
        "edit_at": 1614816060000,
        "reactions": [{"user": "theo", "emoji_name": "+1", "create_at": 1614816000200}],
        "attachments": [{"path": "20210304/x/curve.png"}],
        "replies": [reply],
    }
    joined = {"user": "theo", "type": "system_join_channel", "message": "joined", "create_at": 1614816000001}
    private = {
        "channel_members": ["theo", "mona"],
        "user": "theo",
        "message": "tea?",
        "create_at": 1614816000001,
    }
    lines: list[Json] = [
        {"type": "version", "version": 1},
        {"type": "channel", "channel": {"team": "shop", "name": "kiln", "display_name": "Kiln", "type": "O"}},
        *({"type": "user", "user": one} for one in user),
        *({"type": "post", "post": team | one} for one in (late, first, joined)),
        {"type": "direct_channel", "direct_channel": {"members": ["mona", "theo"]}},
        {"type": "direct_post", "direct_post": private},
    ]
    return b"\n".join([*map(orjson.dumps, lines), *more, b""])


def zulip() -> Json:
    """Two people, a channel with a topic of two messages, a direct conversation in each of its two forms."""
    message = {"sender": 11, "recipient": 31, "subject": "Glaze", "last_edit_time": None}
    return {
        "realm.json": {
            "zerver_userprofile": [
                {
                    "id": 11,
                    "delivery_email": "mona@shop.example",
                    "full_name": "Mona Reef",
                    "is_active": True,
                },
                {"id": 12, "delivery_email": "theo@shop.example", "full_name": "Theo", "is_active": True},
            ],
            "zerver_userprofile_crossrealm": [{"id": 5, "email": "welcome-bot@chat.example"}],
            "zerver_stream": [{"id": 21, "name": "kiln", "creator": 12}],
            "zerver_recipient": [
                {"id": 31, "type": 2, "type_id": 21},
                {"id": 32, "type": 1, "type_id": 12},
                {"id": 33, "type": 3, "type_id": 41},
            ],
            "zerver_subscription": [
                {"recipient": 31, "user_profile": 12, "active": True},
                {"recipient": 31, "user_profile": 11, "active": False},
                {"recipient": 33, "user_profile": 11, "active": True},
                {"recipient": 33, "user_profile": 12, "active": True},
            ],
            "zerver_reaction": [
                {"message": 101, "user_profile": 12, "emoji_name": "fire", "reaction_type": "unicode_emoji"},
                {"message": 101, "user_profile": 12, "emoji_name": "pot", "reaction_type": "realm_emoji"},
            ],
        },
        "messages-000001.json": {
            "zerver_message": [
                message | {"id": 101, "content": "which one, @**Theo**?", "date_sent": 1614816000.25},
                message
                | {
                    "id": 102,
                    "sender": 12,
                    "content": "/me [blue](/user_uploads/b.png)",
                    "date_sent": 1614816001,
                },
                message | {"id": 103, "content": "tea?", "recipient": 32, "date_sent": 1614816002.0},
                message | {"id": 104, "sender": 77, "content": "who?", "date_sent": 1614816003.0},
            ]
        },
        "messages-000002.json": {
            "zerver_message": [
                message
                | {"id": 105, "sender": 12, "content": "yes", "recipient": 33, "date_sent": 1614816004.0}
            ]
        },
    }
