"""The settings file itself, loaded in processes of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server import ROOT

PRODUCTION = {
    "CHATBACKEND_ENV_FILE": os.devnull,
    "SECRET_KEY": "k8Jq2-vX7pLw4RzT9bNc3mYd6fHs1gQe5uAi0oE",
    "DATABASE_URL": "postgresql://chat:p%40ss@db.example.org:6432/chat?sslmode=require",
    "REDIS_URL": "rediss://:geheim@cache.example.org:6380/9",
    "ALLOWED_HOSTS": "chat.example.org",
}


def load(expression: str, **variables: str) -> subprocess.CompletedProcess[str]:
    code = f"import json, chatbackend.settings as s; print(json.dumps({expression}, default=str))"
    env = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def value(expression: str, **variables: str) -> Any:
    loaded = load(expression, **PRODUCTION | variables)
    assert loaded.returncode == 0, loaded.stderr
    return json.loads(loaded.stdout)


def test_production_is_secure_without_further_settings() -> None:
    shown = value(
        "[s.DEBUG, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE,"
        " s.REGISTRATION_OPEN, s.EMBEDDED, hasattr(s, 'SECURE_PROXY_SSL_HEADER')]"
    )
    assert shown == [False, True, 31_536_000, True, True, False, False, False]


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL"])
def test_what_production_must_say(name: str, tmp_path: Path) -> None:
    rest = {key: text for key, text in PRODUCTION.items() if key != name}
    loaded = load("1", **rest, CHATBACKEND_STATE_DIR=str(tmp_path))
    assert loaded.returncode != 0
    assert f"ImproperlyConfigured: {name} is required" in loaded.stderr


def test_messages_are_not_encrypted_without_a_key() -> None:
    loaded = load("1", **PRODUCTION, ENCRYPT_MESSAGES="on")
    assert loaded.returncode != 0
    assert "ImproperlyConfigured: ENCRYPT_MESSAGES needs a key" in loaded.stderr
    key = "day:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
    assert value("[s.ENCRYPT_MESSAGES]", ENCRYPT_MESSAGES="on", ENCRYPTION_KEYS=key) == [True]
    assert value("[s.ENCRYPT_MESSAGES]", ENCRYPTION_KEYS=key) == [False]


def test_addresses() -> None:
    database = value("s.DATABASES['default']")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.org", "6432", "chat")
    assert (database["USER"], database["PASSWORD"]) == ("chat", "p@ss")
    assert database["OPTIONS"]["sslmode"] == "require"
    redis = value("[s.CACHES['default']['LOCATION'], s.CELERY_BROKER_URL]")
    assert redis == ["rediss://:geheim@cache.example.org:6380/2", "rediss://:geheim@cache.example.org:6380/1"]


def test_session_settings_cost_no_statement() -> None:
    options = value("s.DATABASES['default']['OPTIONS']", DB_STATEMENT_TIMEOUT="1500")
    assert options["options"] == (
        "-c statement_timeout=1500 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
    )
    assert (options["connect_timeout"], options["tcp_user_timeout"], options["keepalives"]) == (5, 30_000, 1)
    assert options["server_side_binding"] is True


def test_only_web_processes_have_a_pool() -> None:
    assert "pool" not in value("s.DATABASES['default']['OPTIONS']")
    assert "pool" not in value("s.DATABASES['default']['OPTIONS']", CHATBACKEND_PROCESS="worker")
    pool = value(
        "s.DATABASES['default']['OPTIONS']['pool']", CHATBACKEND_PROCESS="web", DB_POOL_ACQUIRE="2500"
    )
    assert pool == {"min_size": 5, "max_size": 20, "timeout": 2.5, "max_waiting": 100, "max_idle": 10.0}
    assert "pool" not in value("s.DATABASES['default']['OPTIONS']", CHATBACKEND_PROCESS="web", DB_POOL="off")


def test_other_terminals_find_what_make_run_started(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text(
        "CHATBACKEND_EMBEDDED=on\nDATABASE_URL=postgresql://chatbackend:x@127.0.0.1:5555/chatbackend\n"
    )
    state = {"CHATBACKEND_ENV_FILE": os.devnull, "CHATBACKEND_STATE_DIR": str(tmp_path)}
    loaded = load("[s.DATABASES['default']['PORT'], s.EMBEDDED, len(s.SECRET_KEY) > 40]", **state)
    assert json.loads(loaded.stdout) == ["5555", True, True]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ["localhost", 25, "", "", False, False]),
        (
            "smtp+starttls://bot%40x:p%3Aw@mail.example.org",
            ["mail.example.org", 587, "bot@x", "p:w", True, False],
        ),
        ("smtps://mail.example.org:2465", ["mail.example.org", 2465, "", "", False, True]),
    ],
)
def test_the_mail_server(url: str, expected: list[Any]) -> None:
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    shown = value("[" + ", ".join(f"s.EMAIL_{name}" for name in names) + "]", MAIL_URL=url)
    assert shown == expected


def test_alerts_leave_by_https_only() -> None:
    refused = load("1", **PRODUCTION, ALERT_WEBHOOK_URL="http://hooks.example.org/geheim")
    assert "ImproperlyConfigured: ALERT_WEBHOOK_URL must be a URL that begins with https://" in refused.stderr
    assert "geheim" not in refused.stderr.splitlines()[-1]
    given = value("s.DBPERF['ALERTS']", ALERT_WEBHOOK_URL="https://hooks.example.org", ALERT_MAILS="a@x, b@x")
    assert (given["WEBHOOK_URL"], given["MAILS"]) == ("https://hooks.example.org", ["a@x", "b@x"])
    assert given["WEBHOOK_PRIVATE"] is False
