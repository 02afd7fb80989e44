from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatbackend import env


@pytest.mark.parametrize(
    ("raw", "value"), [("on", True), ("TRUE", True), ("1", True), ("off", False), ("no", False)]
)
def test_booleans(monkeypatch: pytest.MonkeyPatch, raw: str, value: bool) -> None:
    monkeypatch.setenv("X", raw)
    assert env.boolean("X", default=not value) is value


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", " ")
    assert env.integer("X", 7) == 7
    assert env.boolean("X", default=True) is True


def test_milliseconds_become_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "1500")
    assert env.seconds("X", 30_000) == 1.5


def test_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", " a, ,b,")
    assert env.items("X") == ["a", "b"]


def test_ports_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (env.ports("X", "443"), env.networks("X")) == ([443], [])
    monkeypatch.setenv("X", "80, 8443")
    assert env.ports("X", "443") == [80, 8443]
    monkeypatch.setenv("X", "10.1.0.0/16,::1")
    assert [str(each) for each in env.networks("X")] == ["10.1.0.0/16", "::1/128"]


@pytest.mark.parametrize(
    ("reader", "raw"),
    [
        (lambda: env.boolean("X", default=True), "maybe"),
        (lambda: env.integer("X", 1), "1.5"),
        (lambda: env.integer("X", 1, minimum=1), "0"),
        (lambda: env.integer("X", 1, maximum=65535), "65536"),
        (lambda: env.seconds("X", 1), "1s"),
        (lambda: env.seconds("X", 1), "-1"),
        (lambda: env.number("X", 1.0), "nan"),
        (lambda: env.number("X", 1.0), "much"),
        (lambda: env.number("X", 0.5, maximum=1.0), "1.1"),
        (lambda: env.text("X", "a", choices=("a", "b")), "c"),
        (lambda: env.ports("X", "443"), "443,0"),
        (lambda: env.ports("X", "443"), "https"),
        (lambda: env.networks("X"), "10.0.0.1/8"),
        (lambda: env.networks("X"), "localhost"),
        (lambda: env.options("X"), "[1]"),
        (lambda: env.options("X"), "{"),
        (lambda: env.keys("X"), "a"),
        (lambda: env.keys("X"), "a:QUFB"),
        (lambda: env.keys("X"), f"a:{'QUFB' * 10}QUE= a:{'QUFB' * 10}QUE="),
        (lambda: env.keys("X"), f":{'QUFB' * 10}QUE="),
        (lambda: env.url("X", schemes=("redis",)), "http://host"),
        (lambda: env.url("X", schemes=("redis",)), "redis://host:port"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, reader: object, raw: str
) -> None:
    monkeypatch.setenv("X", raw)
    with pytest.raises(ImproperlyConfigured, match=r"^X must be "):
        reader()  # type: ignore[operator]


def test_keys_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", f"b:{'-_-_' * 10}QUE=\na:{'QUFB' * 10}QUE=, ")
    assert list(env.keys("X").items()) == [("b", b"\xfb\xff\xbf" * 10 + b"AA"), ("a", b"A" * 32)]
    monkeypatch.setenv("X", "a:geheim")
    with pytest.raises(ImproperlyConfigured) as refused:
        env.keys("X")
    assert "geheim" not in str(refused.value)


def test_a_refused_url_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "mysql://user:geheim@host/db")
    with pytest.raises(ImproperlyConfigured) as refused:
        env.url("X", schemes=("postgresql",))
    assert "geheim" not in str(refused.value)


def test_a_secret_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("geheim\n")
    monkeypatch.setenv("X_FILE", str(tmp_path / "key"))
    assert env.secret("X") == "geheim"


def test_a_secret_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("X", "geheim")
    with pytest.raises(ImproperlyConfigured, match="X and X_FILE are both set"):
        env.secret("X")


def test_a_secret_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X_FILE", str(tmp_path / "key"))
    with pytest.raises(ImproperlyConfigured, match="X_FILE: cannot read"):
        env.secret("X")


def test_kept_secret_is_made_once_and_private(tmp_path: Path) -> None:
    place = tmp_path / "there" / "is not yet" / "key"
    first = env.kept_secret(place)
    assert env.kept_secret(place) == first
    assert place.stat().st_mode & 0o777 == 0o600


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# comment\n\nCHAT_A='from file'\nCHAT_B=from file\n")
    monkeypatch.setenv("CHAT_A", "from process")
    monkeypatch.setenv("CHAT_B", "to be removed")
    monkeypatch.delenv("CHAT_B")
    env.load_file(tmp_path / "env")
    assert env.text("CHAT_A") == "from process"
    assert env.text("CHAT_B") == "from file"


def test_a_line_that_is_no_assignment(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# a\nnonsense\n")
    with pytest.raises(ImproperlyConfigured, match="line 2"):
        env.load_file(tmp_path / "env")
