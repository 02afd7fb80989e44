"""The reader of IRC logs on lines written for it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from messaging import irc

DAY = date(2020, 2, 29)


def at(hour: int, minute: int, millisecond: int = 0, *, days: int = 0) -> datetime:
    return datetime(2020, 2, 29, hour, minute, 0, millisecond * 1000, UTC) + timedelta(days=days)


def test_three_kinds_of_lines() -> None:
    log = irc.parse(
        ["[09:14] <ann> hello  there", "[09:14]  * ben waves", "=== cid [~c@host]  has joined #tea"], DAY
    )
    assert log.entries == [
        irc.Entry(1, "said", "ann", "hello  there", at(9, 14)),
        irc.Entry(2, "action", "ben", "ben waves", at(9, 14, 1)),
        irc.Entry(3, "notice", None, "cid [~c@host]  has joined #tea", at(9, 14, 2)),
    ]


def test_a_minute_is_not_used_up_by_the_lines_before() -> None:
    log = irc.parse(["[09:14] <a> 1", "[09:14] <a> 2", "[09:15] <a> 3"], DAY)
    assert [entry.at for entry in log.entries] == [at(9, 14), at(9, 14, 1), at(9, 15)]


def test_notices_take_the_time_of_the_line_before_or_of_the_first() -> None:
    log = irc.parse(["=== early", "[10:00] <a> x", "=== late"], DAY)
    assert [entry.at for entry in log.entries] == [at(10, 0), at(10, 0, 1), at(10, 0, 2)]


def test_past_midnight_is_the_next_day() -> None:
    log = irc.parse(["[23:59] <a> x", "[00:03] <a> y", "=== z"], DAY)
    assert [entry.at for entry in log.entries] == [at(23, 59), at(0, 3, days=1), at(0, 3, 1, days=1)]


def test_a_clock_set_back_keeps_the_order() -> None:
    log = irc.parse(["[10:05] <a> x", "[10:02] <a> y", "[10:06] <a> z"], DAY)
    assert [entry.at for entry in log.entries] == [at(10, 5), at(10, 5, 1), at(10, 6)]


@pytest.mark.parametrize("nick", ["|quad-|", "a`b^c", "[x]{y}", "_\\_", "g[r] eek", "Ünï"])
def test_odd_nicks(nick: str) -> None:
    (entry,) = irc.parse([f"[01:02] <{nick}> hi"], DAY).entries
    assert (entry.nick, entry.text) == (nick, "hi")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", irc.BLANK),
        ("   ", irc.BLANK),
        ("[09:14] <ann>", irc.EMPTY),
        ("[09:14] <> hello", irc.EMPTY),
        ("===", irc.EMPTY),
        ("[25:00] <ann> hello", irc.IMPOSSIBLE_TIME),
        ("[09:14] -ann:#tea- psst", irc.UNKNOWN),
        ("hello", irc.UNKNOWN),
        ("[09:14] <ann> " + "x" * irc.LONGEST, irc.TOO_LONG),
    ],
)
def test_what_is_left_out_and_why(line: str, why: str) -> None:
    log = irc.parse([line, "[09:15] <ben> still here"], DAY)
    assert [entry.number for entry in log.entries] == [2]
    assert log.skipped == {why: 1}
    assert log.lines == 2


def test_bytes_that_are_no_text() -> None:
    lines = irc.decode(b"[09:14] <a> caf\xe9\r\n[09:15] <b> n\0ul\x0bsame line\n")
    assert lines == ["[09:14] <a> caf\ufffd", "[09:15] <b> nul\x0bsame line"]


def test_the_end_of_a_file() -> None:
    assert irc.decode(b"a\nb\n") == irc.decode(b"a\nb") == ["a", "b"]
    assert irc.decode(b"") == []


def test_the_channel_is_the_one_most_joins_name() -> None:
    lines = [
        "=== a has joined #Tea",
        "=== b has left #tea [x]",
        "=== c has joined #x",
        "[01:00] <d> has joined #y",
    ]
    assert irc.channel_of(lines) == "#tea"
    assert irc.channel_of(["[01:00] <d> hi"]) is None


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2004-12-25.train-c.raw.txt", date(2004, 12, 25)),
        ("#tea_2004-12-25.log", date(2004, 12, 25)),
        ("2004-13-45 2005-01-02.txt", date(2005, 1, 2)),
        ("12004-12-25.txt", None),
        ("README.md", None),
    ],
)
def test_the_day_is_in_the_name(name: str, day: date | None) -> None:
    assert irc.day_of(name) == day
