"""`manage.py import_chat` on small exports written for it."""

import json
import zipfile
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks

from chatbackend.management.commands.check_integrity import RULES
from conversations.models import Conversation, Participant, User
from conversations.services import integrity
from messaging.models import Message, Reaction
from messaging.moving import archive
from messaging.moving.words import emoji_named, from_slack
from tests import exported, factories
from tests.exported import packed, unpacked

pytestmark = pytest.mark.django_db


def run(*args: object) -> tuple[dict[str, Any], list[str]]:
    """The summary, and what the command complained about."""
    out, err = StringIO(), StringIO()
    call_command("import_chat", *map(str, args), "--json", stdout=out, stderr=err)
    lines = err.getvalue().splitlines()
    return json.loads(out.getvalue()), [line for line in lines if line.startswith("Left out: ")]


def told(room: Conversation) -> list[tuple[Any, ...]]:
    lines = Message.objects.filter(conversation=room).order_by("seq").select_related("sender")
    return [
        (line.seq, line.sender and line.sender.username, line.content, line.reply_to_seq) for line in lines
    ]


def assert_whole() -> None:
    """Every invariant of a conversation holds in all of them."""
    faults = [fault for ids in integrity.batches() for fault in integrity.broken(RULES, ids)]
    assert faults == []


def everything() -> list[Any]:
    tables = (Conversation, Message, Participant, Reaction, User)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


@pytest.fixture
def slack(tmp_path: Path) -> Path:
    return packed(tmp_path / "slack.zip", exported.slack())


def test_a_workspace_of_slack(slack: Path) -> None:
    summary, complaints = run("slack", slack)
    kiln = Conversation.objects.get(name="kiln")
    first = "@theo is it hot? 🔥 see the page (https://kiln.example/a) in #silent & @here"
    assert told(kiln) == [
        (1, "mona", first, None),
        (2, "theo", "theo looks", None),
        (3, "Oven", "1040 degrees\n[curve.png]", None),
        (4, "theo", "in an hour, @theo @gone", 1),
        (5, "gone", "I am off, `:tada:` stays", None),
        (6, "mona", "x" * 16_000, None),
        (7, "mona", "x", None),
    ]
    message = Message.objects.get(conversation=kiln, seq=1)
    mona, theo = User.objects.get(username="mona"), User.objects.get(username="theo")
    assert message.sent_at == datetime(2021, 3, 4, 0, 0, 0, 100, UTC)
    assert message.edited_at == datetime(2021, 3, 4, 0, 1, tzinfo=UTC)
    assert (message.mentions, message.reply_count) == ([theo.pk], 1)
    assert message.reactions == [{"emoji": "👍", "count": 2}]
    assert Message.objects.get(conversation=kiln, seq=2).type == "system"
    assert Message.objects.get(conversation=kiln, seq=4).mentions == []  # of oneself, of who cannot read it
    assert (mona.display_name, mona.has_usable_password()) == ("Mona Reef", False)
    assert not User.objects.filter(username__in=["gone", "Oven"], is_active=True).exists()
    assert summary["read"] == {"people": 5, "conversations": 5, "messages": 10, "reactions": 2}
    assert (summary["accounts_made"], summary["added"], summary["already_there"]) == (5, 10, 0)
    assert summary["left_out"] == {
        "conversations in which nothing was said": 1,
        "deleted messages": 1,
        "files": 1,
        "notices of Slack (joined, left, renamed …)": 1,
        "reactions with emojis of their own": 1,
    }
    assert [line.removeprefix("Left out: ").split(" (")[0] for line in complaints] == [
        "kiln/2021-03-05.json: entry 3: not as Slack writes it",
        "kiln/2021-03-06.json: no JSON",
    ]
    assert summary["not_understood"] == 2
    assert_whole()


def test_only_those_who_may_read_there_may_read_here(slack: Path) -> None:
    run("slack", slack)
    seats = Participant.objects.select_related("user", "conversation").order_by("conversation__name", "pk")
    assert {
        (seat.conversation.type, seat.conversation.name, seat.user.username, seat.role) for seat in seats
    } == {
        ("group", "kiln", "mona", "member"),
        ("group", "kiln", "theo", "owner"),
        ("group", "till", "mona", "owner"),  # not for who wrote there and left
        ("direct", "", "mona", "member"),
        ("direct", "", "theo", "member"),
        ("direct", "", "U9", "member"),
    }
    assert all(seat.last_read_seq == seat.conversation.last_seq for seat in seats)


def test_a_dry_run_writes_nothing(slack: Path) -> None:
    summary, complaints = run("slack", slack, "--dry-run")
    assert (summary["read"]["messages"], summary["not_understood"], len(complaints)) == (10, 2, 2)
    assert "added" not in summary
    assert not User.objects.exists()
    assert not Conversation.objects.exists()


def test_a_second_time_adds_what_is_new_and_nothing_else(
    slack: Path, tmp_path: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    run("slack", slack)
    Conversation.objects.filter(name="kiln").update(name="Renamed here")
    User.objects.filter(username="mona").update(username="mona.reef", password="of-her-own")
    kiln = Conversation.objects.get(name="Renamed here")
    Participant.objects.filter(conversation=kiln, user__username="theo").update(last_read_seq=2)
    before = everything()
    with django_capture_on_commit_callbacks() as callbacks:
        summary, _ = run("slack", slack)
    assert (summary["accounts_made"], summary["added"], summary["already_there"]) == (0, 0, 10)
    assert everything() == before
    assert callbacks == []

    files = exported.slack()
    more = {"user": "U1", "ts": "1614990000.000000", "thread_ts": "1614816000.000100", "text": "still?"}
    grown = packed(tmp_path / "grown.zip", files | {"kiln/2021-03-07.json": [more]})
    with factories.heard() as heard:
        assert run("slack", grown)[0]["added"] == 1
    kiln.refresh_from_db()
    read = dict(Participant.objects.filter(conversation=kiln).values_list("user__username", "last_read_seq"))
    assert read == {"mona.reef": 8, "theo": 2}  # who had read everything has; who had not, has not
    assert told(kiln)[-1] == (8, "mona.reef", "still?", 1)
    parent = Message.objects.get(conversation=kiln, seq=1)
    assert parent.reply_count == 2
    assert parent.version == kiln.version - 1 > parent.created_version  # those who saw it are told
    assert [json.loads(one["frame"])["event"] for one in heard] == ["conversation.updated"]
    assert_whole()


def test_people_who_are_here_are_named_by_their_address(slack: Path, tmp_path: Path) -> None:
    """And only by staff: who registers a name of somebody there gets nothing of theirs."""
    stranger = User.objects.create_user("Theo", "a-password")
    real = User.objects.create_user("m.reef", "a-password")
    (tmp_path / "who.csv").write_text("mona@shop.example, m.reef\n")
    summary, _ = run("slack", slack, "--accounts", tmp_path / "who.csv")
    assert summary["accounts_made"] == 4
    assert Message.objects.filter(sender=real).count() == 4
    assert not Message.objects.filter(sender=stranger).exists()
    assert not Participant.objects.filter(user=stranger).exists()
    assert User.objects.get(display_name="Theo").username == "theo@import"
    assert run("slack", slack, "--label", "again")[0]["accounts_made"] == 5
    assert User.objects.filter(username__iregex="^theo-[0-9a-f]{12}@import$").exists()
    assert run("slack", slack, "--accounts", tmp_path / "who.csv")[0]["added"] == 0


def test_two_who_talk_here_already_keep_that_apart(slack: Path, tmp_path: Path) -> None:
    one, two = User.objects.create_user("one", "a-password"), User.objects.create_user("two", "a-password")
    here = factories.direct(one, two)
    (tmp_path / "who.csv").write_text("mona@shop.example,one\ntheo@shop.example,two\n")
    run("slack", slack, "--accounts", tmp_path / "who.csv")
    assert not Message.objects.filter(conversation=here).exists()
    assert Conversation.objects.get(name="mona, theo").type == "group"
    assert_whole()


def test_what_was_deleted_here_stays_deleted(slack: Path) -> None:
    run("slack", slack)
    Conversation.objects.filter(name="kiln").update(deleted_at=datetime(2022, 1, 1, tzinfo=UTC))
    summary, _ = run("slack", slack)
    assert summary["left_out"]["messages of conversations that were deleted here"] == 7
    assert (summary["added"], summary["already_there"]) == (0, 3)


def test_many_messages_come_in_batches_that_know_each_other(tmp_path: Path) -> None:
    first = {"user": "U1", "ts": "1614816000.000100", "text": "count"}
    rest = [
        {
            "user": "U2",
            "ts": f"16148160{place // 100:02}.{place:06}",
            "thread_ts": first["ts"],
            "text": str(place),
        }
        for place in range(1_000, 2_200)
    ]
    files = exported.slack() | {"kiln/2021-03-04.json": [*rest, first], "kiln/2021-03-05.json": []}
    assert run("slack", packed(tmp_path / "many.zip", files))[0]["added"] == 1_204
    kiln = Conversation.objects.get(name="kiln")
    answers = Message.objects.filter(conversation=kiln, reply_to_seq=1).order_by("seq")
    assert list(answers.values_list("content", flat=True)) == [str(place) for place in range(1_000, 2_200)]
    assert Message.objects.get(conversation=kiln, seq=1).reply_count == 1_200
    assert_whole()


def test_a_bulk_export_of_mattermost(tmp_path: Path) -> None:
    half = b'{"type":"post","post":{"team":"shop","channel":"kiln","user":"mona","message":"half",'
    half += b'"create_at":1614816000500,"replies":[{"user":"mona","message":"no time"}]}}'
    broken = [b'{"type":"post","post":{"team":"shop","channel":"cellar"}}', b"{", half]
    path = packed(tmp_path / "export.zip", {"data/x.png": b"", "import.jsonl": exported.mattermost(*broken)})
    summary, complaints = run("mattermost", path)
    kiln = Conversation.objects.get(name="Kiln")
    assert told(kiln) == [
        (1, "mona", "is it hot? 🔥\n[curve.png]", None),
        (2, "theo", "in an hour, @mona", 1),
        (3, "theo", "later", None),
    ]
    first, answer = Message.objects.filter(conversation=kiln).order_by("seq")[:2]
    assert first.sent_at == datetime(2021, 3, 4, 0, 0, 0, 123_000, UTC)
    assert (first.reactions, first.edited_at is not None) == ([{"emoji": "👍", "count": 1}], True)
    assert answer.mentions == [User.objects.get(username="mona").pk]
    assert Participant.objects.get(conversation=kiln, role="owner").user.username == "theo"
    assert told(Conversation.objects.get(type="direct")) == [(1, "theo", "tea?", None)]
    assert summary["left_out"] == {"files": 1, "notices of Mattermost (joined, left, renamed …)": 1}
    assert complaints == [
        "Left out: import.jsonl:10: a post in a channel that is not there",
        "Left out: import.jsonl:11: no JSON object with a type",
        "Left out: import.jsonl:12: not as Mattermost writes it (KeyError)",
    ]
    (tmp_path / "again.jsonl").write_bytes(exported.mattermost())
    assert run("mattermost", tmp_path / "again.jsonl")[0]["added"] == 0
    assert run("mattermost", tmp_path / "again.jsonl", "--label", "other")[0]["added"] == 4
    assert_whole()


def test_an_organization_of_zulip(tmp_path: Path) -> None:
    summary, complaints = run("zulip", unpacked(tmp_path / "export", exported.zulip()))
    kiln = Conversation.objects.get(name="kiln")
    assert told(kiln) == [(1, "mona", "[Glaze] which one, @Theo?", None), (2, "theo", "Theo [blue]", 1)]
    first = Message.objects.get(conversation=kiln, seq=1)
    assert first.sent_at == datetime(2021, 3, 4, 0, 0, 0, 250_000, UTC)
    assert first.mentions == [User.objects.get(username="theo").pk]
    assert first.reactions == [{"emoji": "🔥", "count": 1}]
    assert [seat.user.username for seat in Participant.objects.filter(conversation=kiln)] == ["theo"]
    direct = Conversation.objects.get(type="direct")
    assert told(direct) == [(1, "mona", "tea?", None), (2, "theo", "yes", None)]
    assert summary["left_out"] == {"files": 1, "reactions with emojis of their own": 1}
    assert complaints == ["Left out: messages-000001.json: message 4: written by somebody who is not there"]
    assert_whole()


def test_refusals_write_nothing(tmp_path: Path, slack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = zipfile.ZipInfo("a/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archived:
        archived.writestr(link, "/etc/passwd")
    bomb = packed(tmp_path / "bomb.zip", {"users.json": b"[" + b" " * 2**22 + b"]"})
    folder = unpacked(tmp_path / "links", {"users.json": []})
    (folder / "channels.json").symlink_to("/etc/passwd")
    (tmp_path / "bad.csv").write_text("mona@shop.example\n")
    (tmp_path / "unknown.csv").write_text("mona@shop.example,nobody-here\n")
    (tmp_path / "old.jsonl").write_text('{"type":"version","version":9}\n')
    (tmp_path / "torn.zip").write_bytes(slack.read_bytes()[:-200] + slack.read_bytes()[-100:])
    cases: list[tuple[list[object], str]] = [
        (["slack", tmp_path / "absent"], "no such file or folder"),
        (["slack", packed(tmp_path / "up.zip", {"../users.json": []})], "lies outside"),
        (["slack", packed(tmp_path / "root.zip", {"/users.json": []})], "lies outside"),
        (["slack", packed(tmp_path / "win.zip", {"C:/users.json": []})], "lies outside"),
        (["slack", tmp_path / "link.zip"], "has a link"),
        (["slack", bomb], "more than 300 times"),
        (["slack", folder], "is a link"),
        (["slack", tmp_path / "torn.zip"], "Cannot read|no such|no export"),
        (["slack", packed(tmp_path / "none.zip", {"x.json": []})], "no export of Slack"),
        (["slack", packed(tmp_path / "no.zip", {"users.json": []})], "names no channels"),
        (["mattermost", slack], "no bulk export of Mattermost"),
        (["mattermost", tmp_path / "old.jsonl"], "of version 1"),
        (["mattermost", unpacked(tmp_path / "m", {"a.jsonl": "hello"})], "first line"),
        (["zulip", slack], "no export of Zulip"),
        (["zulip", unpacked(tmp_path / "z", {"realm.json": []})], "has no recipients"),
        (["slack", slack, "--accounts", tmp_path / "bad.csv"], "bad.csv:1"),
        (["slack", slack, "--accounts", tmp_path / "unknown.csv"], "No such user: nobody-here"),
    ]
    for arguments, words in cases:
        with pytest.raises(CommandError, match=words):
            call_command("import_chat", *map(str, arguments), stdout=StringIO(), stderr=StringIO())
    assert not Conversation.objects.exists()
    assert not User.objects.exists()


def test_what_is_too_long_is_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILE", 1_200)
    monkeypatch.setattr(archive, "MAX_LINE", 1_200)
    files = exported.slack()
    del files["kiln/2021-03-04.json"]
    summary, complaints = run("slack", packed(tmp_path / "long.zip", files))
    assert complaints[0] == "Left out: kiln/2021-03-05.json: longer than 0 MiB"
    assert summary["added"] == 3
    long = exported.mattermost(b'{"type":"x","x":"' + b"x" * 1_200 + b'"}', b"{")
    complaints = run("mattermost", unpacked(tmp_path / "m", {"a.jsonl": long}))[1]
    assert complaints == ["Left out: a.jsonl: line 10 is longer than 0 MiB; what follows was not read"]


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("tada", "🎉"),
        ("+1", "👍"),
        ("+1::skin-tone-3", "👍🏼"),
        ("flag-np", "🇳🇵"),
        ("party_parrot", None),
        ("", None),
    ],
)
def test_names_of_emojis(name: str, emoji: str | None) -> None:
    assert emoji_named(name) == emoji


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<http://a.example>", "http://a.example"),
        ("<!subteam^S1|@potters> <@U9|zoe> <@U8> <#C9|x>", "@potters @zoe @U8 #x"),
        ("a &lt;b&gt; &amp;amp;", "a <b> &amp;"),
        ("12:30:45 :no_such:", "12:30:45 :no_such:"),
    ],
)
def test_words_of_slack(text: str, plain: str) -> None:
    assert from_slack(text, people={}, channels={})[0] == plain
