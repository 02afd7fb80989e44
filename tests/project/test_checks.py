"""Each check: the fault, the fix, then silence."""

from base64 import b64encode
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test import override_settings

from chatbackend import checks

STRONG = "k8Jq2-vX7pLw4RzT9bNc3mYd6fHs1gQe5uAi0oE"
POOLED = {"default": {"CONN_MAX_AGE": 60, "OPTIONS": {"pool": {"max_size": 2}}}}
CLOSED = {"JWT_ISSUER": "https://id.example.org", "JWT_AUDIENCE": "chat"}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "chatbackend.E001": (
        {"DATABASES": POOLED},
        {"DATABASES": {"default": {**POOLED["default"], "CONN_MAX_AGE": 0}}},
    ),
    "chatbackend.E002": (
        {"DB_POOL": True, "DB_POOL_MIN": 21, "DB_POOL_MAX": 20},
        {"DB_POOL": True, "DB_POOL_MIN": 20, "DB_POOL_MAX": 20},
    ),
    "chatbackend.E003": ({"DB_POOL": True, "PROCESS": "worker"}, {"DB_POOL": True, "PROCESS": "web"}),
    "chatbackend.E004": (
        {"EMBEDDED": True, "ALLOWED_HOSTS": ["chat.example.org", "localhost"]},
        {"EMBEDDED": True, "ALLOWED_HOSTS": ["localhost", "[::1]"]},
    ),
    "chatbackend.E005": (
        {"EMBEDDED": True, "SESSION_COOKIE_SECURE": True},
        {"EMBEDDED": True, "SESSION_COOKIE_SECURE": False},
    ),
    "chatbackend.E006": (
        {"JWT_JWK_URL": "https://id.example.org/keys", "REGISTRATION_OPEN": False, "JWT_ISSUER": "x"},
        {"JWT_JWK_URL": "https://id.example.org/keys", "REGISTRATION_OPEN": False, **CLOSED},
    ),
    "chatbackend.E007": (
        {
            "JWT_JWK_URL": "https://id.example.org/keys",
            "JWT_VERIFYING_KEY": "k",
            "REGISTRATION_OPEN": False,
            **CLOSED,
        },
        {"JWT_VERIFYING_KEY": "k", "REGISTRATION_OPEN": False, **CLOSED},
    ),
    "chatbackend.E008": (
        {"JWT_ALGORITHMS": ["RS256", "none", "HS256"]},
        {"JWT_ALGORITHMS": ["RS256", "EdDSA"]},
    ),
    "chatbackend.E009": ({"SECRET_KEY": "short"}, {"SECRET_KEY": STRONG}),
    "chatbackend.E010": ({"REDIS_CACHE_DB": 1}, {"REDIS_CACHE_DB": 3}),
    "chatbackend.E012": (
        {"DBPERF": {"ALERTS": {"WEBHOOK_URL": "https://hooks.example.org", "WEBHOOK_SECRET": ""}}},
        {"DBPERF": {"ALERTS": {"WEBHOOK_URL": "https://hooks.example.org", "WEBHOOK_SECRET": "s"}}},
    ),
    "chatbackend.E014": ({"WEBHOOK_KEYS": [STRONG, "short"]}, {"WEBHOOK_KEYS": [STRONG]}),
    "chatbackend.E015": (
        {"SECRET_KEY": b64encode(bytes(range(32))).decode(), "ENCRYPTION_KEYS": {"a": bytes(range(32))}},
        {"SECRET_KEY": STRONG, "ENCRYPTION_KEYS": {"a": bytes(range(32))}},
    ),
    "chatbackend.W011": (
        {"REGISTRATION_OPEN": True, "JWT_VERIFYING_KEY": "k", **CLOSED},
        {"REGISTRATION_OPEN": False, "JWT_VERIFYING_KEY": "k", **CLOSED},
    ),
}

ELSEWHERE = {"chatbackend.E016"}  # where packages are really missing: test_telemetry.py


def found(settings: dict[str, Any]) -> list[str]:
    with override_settings(**settings):
        return [str(finding.id) for finding in checks.run()]


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.parametrize("code", CASES)
def test_fault_then_fix_then_silence(code: str) -> None:
    fault, fix = CASES[code]
    assert found(fault) == [code]
    assert found(fix) == []


def test_every_rule_has_a_case() -> None:
    assert len(checks.RULES) == len(CASES) + len(ELSEWHERE)


def test_our_own_settings_are_silent() -> None:
    assert checks.run() == []


def test_the_weak_key_of_debugging_is_allowed_there() -> None:
    assert found({"SECRET_KEY": "short", "DEBUG": True}) == []


@pytest.mark.django_db
def test_pools_have_to_fit_into_the_server() -> None:
    def found(pools: int) -> list[str]:
        with override_settings(DB_POOL_SUM=pools):
            return [
                str(finding)
                for finding in run_checks(databases=["default"])
                if finding.id == "chatbackend.W013"
            ]

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections')::int")
        (most,) = cursor.fetchone()
    (fault,) = found(most)
    assert f"{most} connections" in fault
    assert found(most // 2) == []
    assert found(20) == []
