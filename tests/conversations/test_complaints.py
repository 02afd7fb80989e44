"""What goes wrong again and again does not fill the log."""

import logging

import pytest

from conversations import complaints
from conversations.complaints import Complaints


def test_one_line_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("conversations.test")
    one, other = Complaints(log), Complaints(log)
    for number in range(3):
        one.say("It is away (%d)", number)
    other.say("So is this")
    monkeypatch.setattr(complaints, "QUIET_S", 0.0)
    one.say("It is still away")
    assert caplog.messages == ["It is away (0)", "So is this", "It is still away"]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
