"""`manage.py loadtest` and its parts."""

import json
import os
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from chatbackend.loadtest import frames, gauge, report
from chatbackend.loadtest.limits import TooFewFilesError, raise_open_files
from chatbackend.loadtest.load import Load
from chatbackend.loadtest.mixed.schedule import acts
from chatbackend.loadtest.stream import Stream
from conversations.models import Conversation, User
from messaging.models import Message
from tests.server import Server

RANKS = {"p50", "p95", "p99"}
CONVERSATION = "019bc60c-84ad-7c5e-b05b-6b1d1f1b1f1b"


def heard(*versions: int, head: int = 0) -> Stream:
    stream = Stream(head)
    for version in versions:
        stream.hear(version)
    return stream


def faults(stream: Stream, head: int) -> tuple[int, int, int]:
    return stream.lost(head), stream.doubled, stream.reordered


@pytest.mark.parametrize(
    ("versions", "head", "found"),
    [
        ((5, 6, 7), 7, (0, 0, 0)),
        ((5, 7), 7, (1, 0, 0)),
        ((5, 6), 8, (2, 0, 0)),
        ((), 8, (4, 0, 0)),
        ((5, 5, 6), 6, (0, 1, 0)),
        ((5, 6, 5, 5), 6, (0, 2, 0)),
        ((4, 5), 5, (0, 1, 0)),
        ((6, 5, 7), 7, (0, 0, 1)),
        ((7, 6, 5), 7, (0, 0, 2)),
        ((7, 5, 7), 8, (2, 1, 1)),
    ],
)
def test_a_stream_tells_lost_doubled_and_reordered_apart(
    versions: tuple[int, ...], head: int, found: tuple[int, int, int]
) -> None:
    assert faults(heard(*versions, head=4), head) == found


def test_a_stream_that_is_read_anew_goes_on_from_there() -> None:
    stream = heard(5, 8, head=4)
    stream.reset()
    assert faults(stream, 400) == (0, 0, 0)
    stream.hear(300)
    stream.hear(301)
    assert faults(stream, 302) == (1, 0, 0)


@pytest.mark.parametrize(
    ("reason", "wait"), [(b"retry-after=2.5", 2.5), ("", 0.0), (None, 0.0), ("later", 0.0)]
)
def test_what_a_server_that_ends_advises_is_read(reason: bytes | str | None, wait: float) -> None:
    assert frames.advice(reason) == wait


def test_a_frame_is_read_without_parsing_it() -> None:
    said = json.loads(frames.send(conversation=CONVERSATION, number=3, client_id="c", scheduled=123))
    assert (said["op"], said["ref"], said["conversation"]) == ("send", 3, CONVERSATION)
    data = f'{{"version":9,"content":"{said["content"]}"}}'
    line = (
        f'{{"event":"message.created","conversation":"{CONVERSATION}","version":42,"prev":41,"data":{data}}}'
    )
    assert line.encode().startswith(frames.CREATED)
    assert frames.version(line.encode()) == 42
    assert frames.scheduled_at(line.encode()) == 123
    assert frames.scheduled_at(line.replace("sent ", "went ").encode()) == 0
    ack = b'{"event":"ack","ref":17,"result":{"seq":4,"version":8}}'
    assert (frames.ref(ack), frames.acked_version(ack)) == (17, 8)
    hello = f'{{"event":"hello","heads":{{"{CONVERSATION}":6}}}}'.encode()
    assert (frames.head(hello, CONVERSATION), frames.head(hello, "another")) == (6, 0)


LOAD = Load(url="", tokens=[], conversation=CONVERSATION, seconds=2)
RESULT: dict[str, Any] = {
    "sockets": 25, "connecting_s": 0.5, "connected": 20, "seconds": 2.0, "sent": 40, "acked": 40, "refused": 0,
    "unanswered": 0, "closed": 0, "delivered": 1000, "delivery_ms": [float(ms) for ms in range(1, 101)],
    "ack_ms": [], "lost": 0, "doubled": 0, "reordered": 0, "resets": 0, "storm": {}, "cpu": 0.25,
}  # fmt: skip


def test_figures() -> None:
    readings = {
        "warm": gauge.Reading(1.0, 90_000, 80_000),
        "ready": gauge.Reading(2.0, 92_000, 80_500),
        "sent": gauge.Reading(3.0, 102_400, 81_000),
    }
    found = report.figures(LOAD, RESULT, readings)
    assert (found["sends_per_s"], found["connect_per_s"], found["deliveries_per_s"]) == (20.0, 40.0, 500.0)
    assert found["server"] == {"cpu_pct": 50.0, "rss_mb": 100.0, "kb_per_socket": 25.0}
    assert found["delivery_ms"] == {"p50": 51.0, "p95": 96.0, "p99": 100.0}
    assert found["ack_ms"] == {"p50": None, "p95": None, "p99": None}
    assert found["client_cpu_pct"] == 25.0
    assert set(report.figures(LOAD, RESULT, {})["server"].values()) == {None}


@pytest.mark.parametrize(
    ("faults", "limits", "words"),
    [
        ({}, {}, None),
        ({}, {"max_p99_ms": 100.0}, None),
        ({}, {"max_p99_ms": 99.0}, "p99 of delivery is 100.0 ms, 99 ms"),
        ({"delivery_ms": []}, {"max_p99_ms": 99.0}, "nothing was delivered"),
        ({"lost": 2}, {"max_lost": 2}, None),
        ({"lost": 2}, {"max_lost": 1}, "2 deliveries were lost, 1 may"),
        ({"doubled": 1}, {"max_lost": 9}, "1 deliveries were doubled, 0 may"),
        ({"reordered": 1}, {"max_lost": 9}, "1 deliveries were reordered, 0 may"),
        ({"refused": 1}, {}, "1 sends were refused"),
        ({"unanswered": 1}, {}, "1 sends were not answered"),
        ({"closed": 1}, {}, "1 sockets were closed"),
    ],
)
def test_what_is_not_good_enough(faults: dict[str, Any], limits: dict[str, Any], words: str | None) -> None:
    found = report.figures(LOAD, RESULT | faults, {})
    missed = report.misses(found, **{"max_p99_ms": None, "max_lost": 0, **limits})
    assert len(missed) == (words is not None)
    assert words is None or words in missed[0]


def test_open_files_are_raised_as_far_as_they_may_be() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(500, hard), hard))
        raise_open_files(600)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (800, hard)
        raise_open_files(10)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (800, hard)
        with pytest.raises(TooFewFilesError, match="hard limit"):
            raise_open_files(hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def loadtest(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    return manage("loadtest", *arguments, **environment)


def manage(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_short_run_beside_the_stock_pattern(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    finished = loadtest("--sockets", 20, "--sends", 20, "--seconds", 2, "--stock", "--json", file)
    assert finished.returncode == 0, finished.stderr
    assert "20 sockets are connected" in finished.stderr
    assert "deliveries in the last second" in finished.stderr
    assert "deliveries a second" in finished.stdout
    result = json.loads(file.read_text())
    for each in (result, result["stock"]):
        assert_whole(each)
        assert (each["sockets"], each["sent"], each["acked"]) == (20, 40, 40)
        assert (each["lost"], each["doubled"], each["reordered"]) == (0, 0, 0)
    assert result["ratio"] > 0


def assert_whole(result: dict[str, Any]) -> None:
    for name in ("sockets", "lost", "doubled", "reordered"):
        assert type(result[name]) is int, name
    for name in ("sends_per_s", "connect_per_s", "deliveries_per_s", "client_cpu_pct"):
        assert type(result[name]) is float, name
        assert result[name] > 0, name
    for name in ("delivery_ms", "ack_ms"):
        assert result[name].keys() == RANKS
        assert 0 < result[name]["p50"] <= result[name]["p95"] <= result[name]["p99"]
    assert result["server"].keys() == {"cpu_pct", "rss_mb", "kb_per_socket"}
    assert result["server"]["rss_mb"] > 10
    assert result["server"]["cpu_pct"] > 0


@pytest.mark.slow
def test_a_running_deployment_is_driven_and_left_as_it_was(daphne: Server, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    at = ("--url", daphne.base_url, "--json", file)
    finished = loadtest(
        "--sockets", 12, "--fanout", "--seconds", 1, *at, "--max-p99-ms", 0.001, **database(daphne)
    )
    assert finished.returncode == 2, finished.stderr
    assert "p99 of delivery is" in finished.stderr
    result = json.loads(file.read_text())
    assert_whole(result)
    assert result["sent"] > 8
    assert (result["lost"], result["doubled"], result["reordered"]) == (0, 0, 0)
    assert not User.objects.filter(username__startswith="loadtest-").exists()
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.slow
def test_everybody_goes_and_comes_back(daphne: Server, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    load = ("--sockets", 30, "--sends", 20, "--senders", 5, "--seconds", 3, "--url", daphne.base_url)
    finished = loadtest(*load, "--storm", 1, "--json", file, **database(daphne))
    assert finished.returncode == 0, finished.stderr
    assert "25 sockets gone at once were back after" in finished.stdout
    result = json.loads(file.read_text())
    assert (result["sent"], result["acked"], result["closed"]) == (60, 60, 0)
    assert (result["lost"], result["doubled"], result["reordered"]) == (0, 0, 0)
    assert result["storm"]["sockets"] == 25
    assert result["storm"]["ack_ms"]["p99"] > 0


@pytest.mark.slow
def test_people_do_what_people_do(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    load = ("--profile", "mixed", "--users", 45, "--rate", 40, "--seconds", 2.5)
    finished = loadtest(*load, "--json", file)
    assert finished.returncode == 0, finished.stderr
    assert "45 people in 3 rooms" in finished.stdout
    assert "actions, " in finished.stderr
    result = json.loads(file.read_text())
    assert (result["users"], result["rooms"], result["what"]) == (45, 3, {})
    nothing = ("errors", "lost", "doubled", "reordered", "refused", "unanswered", "closed", "resets")
    assert {name: result[name] for name in nothing} == dict.fromkeys(nothing, 0)
    planned = Counter(act.kind for act in acts(seed=1, people=45, per_s=40, seconds=2.5))
    assert {kind: told["count"] for kind, told in result["actions"].items()} == planned
    assert result["deliveries"] == 15 * (planned["send"] + planned["send_rest"])
    for told in (*result["actions"].values(), result["delivery_ms"]):
        assert 0 < told["p50"] <= told["p95"] <= told["p99"]
    assert result["servers"].keys() == {"sockets", "rest"}
    assert all(each["cpu_pct"] > 0 and each["rss_mb"] > 10 for each in result["servers"].values())


@pytest.mark.slow
def test_a_soak_of_a_running_deployment(daphne: Server, tmp_path: Path) -> None:
    """Too short for a verdict on anything but what it looks at: that is tried on made-up figures."""
    file, picture = tmp_path / "figures.json", tmp_path / "figures.svg"
    load = ("--minutes", 0.06, "--users", 10, "--rate", 60, "--url", daphne.base_url)
    finished = manage("soak", *load, "--json", file, "--svg", picture, **database(daphne))
    assert finished.returncode in {0, 2}, finished.stderr
    result = json.loads(file.read_text())
    assert result["load"]["errors"] == result["load"]["lost"] == result["load"]["doubled"] == 0
    series = result["series"]
    assert series.keys() == {
        "memory of server, MB", "open files of server", "database connections",
        "reads p95, ms", "sends p95, ms", "delivery p95, ms",
    }  # fmt: skip
    assert min(value for _, value in series["open files of server"]["samples"]) > 10
    assert min(value for _, value in series["database connections"]["samples"]) >= 1
    grew = [name for name, told in series.items() if not told["flat"]]
    assert [name for name in series if f"{name} grew" in finished.stderr] == grew
    assert picture.read_text().count("<polyline") == len(series)
    assert not User.objects.filter(username__startswith="loadtest-").exists()


def database(server: Server) -> dict[str, str]:
    return {"DATABASE_URL": server.env["DATABASE_URL"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--url", "http://127.0.0.1:1", "--stock"), "--stock needs a server of its own"),
        (("--url", "127.0.0.1:8000"), "not an address like"),
        (("--profile", "mixed", "--stock"), "belong to the profile fanout"),
        (("--profile", "mixed", "--users", "1"), "two at least"),
        (("--sockets", "0"), "invalid _positive value"),
        (("--sockets", str(1 << 40)), "hard limit"),
    ],
)
def test_what_cannot_be_run_is_said(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("loadtest", *arguments)
