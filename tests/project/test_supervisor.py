import sys
import time
from pathlib import Path

import pytest

from chatbackend.supervisor import PATIENCE_S, Command, Life, PartsFailedError, Supervisor


def part(code: str, said: list[str], tmp_path: Path) -> Command:
    return Command("part", [sys.executable, "-c", code], {}, tmp_path, said.append)


def test_what_dies_too_often_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbackend.supervisor.LONGEST_PAUSE_S", 0.5)  # how pauses grow is tried below
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.start(part("print('out of cheese'); exit(3)", said, tmp_path))
    with pytest.raises(PartsFailedError, match="exit code 3") as failed:
        watch(supervisor, 60)
    assert "out of cheese" in str(failed.value)
    assert any("starting it again in 0.5 s" in line for line in said)
    supervisor.stop()


def test_what_ignores_the_request_is_killed_in_time(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    deaf = [part(code, said, tmp_path) for _ in range(3)]
    for each in deaf:
        supervisor.start(each)
    deadline = time.monotonic() + 20
    while len(said) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 3 * PATIENCE_S - 1  # side by side, not one after the other
    assert said == ["part     | deaf"] * 3


def test_empty_lines_are_not_passed_on(tmp_path: Path) -> None:
    said: list[str] = []
    command = part("print('one\\n\\n  \\ntwo')", said, tmp_path)
    command.start()
    deadline = time.monotonic() + 20
    while len(said) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    command.stop()
    assert said == ["part     | one", "part     | two"]
    assert command.last_words() == "one\ntwo"


def test_the_pause_doubles_and_forgets_after_a_minute(tmp_path: Path) -> None:
    life = Life(part("", [], tmp_path))
    assert [life.died(now) for now in (0, 1, 2, 3, 4, 5)] == [0.5, 1, 2, 4, 8, 8]
    assert life.died(100) == 0.5


def watch(supervisor: Supervisor, seconds: float) -> None:
    """Look after the parts as `up` does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        supervisor.watch_once()
        time.sleep(0.02)
