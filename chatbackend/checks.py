"""System checks for settings that are each fine and cannot work together."""

import base64
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from chatbackend import telemetry

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "testserver"})
SHORTEST_KEY = 32

BESIDE_POOLS = 10  # connections of workers, the clock, commands and the database's own care
_AVAILABLE = """SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END)
    FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')"""

Rule = Callable[[], Iterator[CheckMessage]]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Adds a function to what `manage.py check` asks."""
    RULES.append(function)
    return function


def run(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Every finding of every rule."""
    return [finding for each in RULES for finding in each()]


def register_all() -> None:
    """Hand the rules to Django."""
    register(run)
    register(pools_against_the_server, Tags.database)


@rule
def pool_against_persistent_connections() -> Iterator[CheckMessage]:
    for alias, database in settings.DATABASES.items():
        if database.get("OPTIONS", {}).get("pool") and database.get("CONN_MAX_AGE", 0) != 0:
            yield Error(
                f"Database {alias!r} has a pool and CONN_MAX_AGE: a request would keep its slot for ever.",
                hint="Set CONN_MAX_AGE to 0.",
                id="chatbackend.E001",
            )


@rule
def pool_bounds() -> Iterator[CheckMessage]:
    if settings.DB_POOL and settings.DB_POOL_MIN > settings.DB_POOL_MAX:
        yield Error(
            f"DB_POOL_MIN ({settings.DB_POOL_MIN}) is above DB_POOL_MAX ({settings.DB_POOL_MAX}).",
            hint="Lower DB_POOL_MIN or raise DB_POOL_MAX.",
            id="chatbackend.E002",
        )


def pools_against_the_server(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Asks PostgreSQL, so only where Django was told to: `check --database default`, and `migrate`."""
    if "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(_AVAILABLE)
        (available,) = cursor.fetchone()
    if available >= settings.DB_POOL_SUM + BESIDE_POOLS:
        return []
    return [
        Warning(
            f"All pools together may open {settings.DB_POOL_SUM} connections and {BESIDE_POOLS} are needed beside them,"
            f" but PostgreSQL has {available} to give: under load the rest would be refused.",
            hint="Lower DB_POOL_MAX (and DB_POOL_SUM), put a pooler in between, or raise max_connections.",
            id="chatbackend.W013",
        )
    ]


@rule
def pool_in_worker() -> Iterator[CheckMessage]:
    if settings.DB_POOL and settings.PROCESS == "worker":
        yield Error(
            "A Celery worker cannot use the pool: a forked process would share its parent's connections.",
            hint="Leave DB_POOL unset: it is on for web processes only.",
            id="chatbackend.E003",
        )


@rule
def embedded_in_public() -> Iterator[CheckMessage]:
    public = sorted(set(settings.ALLOWED_HOSTS) - LOOPBACK)
    if settings.EMBEDDED and public:
        yield Error(
            f"CHATBACKEND_EMBEDDED is for this machine alone (plain http, open registration), but ALLOWED_HOSTS"
            f" names {', '.join(public)}.",
            hint="Unset CHATBACKEND_EMBEDDED and serve through TLS, or remove the public hosts.",
            id="chatbackend.E004",
        )


@rule
def secure_cookies_over_plain_http() -> Iterator[CheckMessage]:
    if settings.EMBEDDED and (settings.SESSION_COOKIE_SECURE or settings.SECURE_SSL_REDIRECT):
        yield Error(
            "COOKIE_SECURE or SECURE_SSL_REDIRECT is on, but the embedded server speaks plain http: no browser"
            " could sign in to the admin.",
            hint="Leave both unset with CHATBACKEND_EMBEDDED.",
            id="chatbackend.E005",
        )


@rule
def outside_tokens_without_audience() -> Iterator[CheckMessage]:
    trusted = settings.JWT_JWK_URL or settings.JWT_VERIFYING_KEY
    if trusted and not (settings.JWT_ISSUER and settings.JWT_AUDIENCE):
        yield Error(
            "Tokens of an identity provider are accepted whoever they were made for.",
            hint="Set JWT_ISSUER and JWT_AUDIENCE beside JWT_JWK_URL or JWT_VERIFYING_KEY.",
            id="chatbackend.E006",
        )


@rule
def two_keys_for_outside_tokens() -> Iterator[CheckMessage]:
    if settings.JWT_JWK_URL and settings.JWT_VERIFYING_KEY:
        yield Error(
            "JWT_JWK_URL and JWT_VERIFYING_KEY are both set: which of them verifies a token is unclear.",
            hint="Leave one out.",
            id="chatbackend.E007",
        )


@rule
def algorithms_of_outside_tokens() -> Iterator[CheckMessage]:
    unsafe = [
        name for name in settings.JWT_ALGORITHMS if name.lower() == "none" or name.upper().startswith("HS")
    ]
    if unsafe:
        yield Error(
            f"JWT_ALGORITHMS has {', '.join(unsafe)}: anyone who knows the public key could sign.",
            hint="Name asymmetric algorithms only, such as RS256, ES256 or EdDSA.",
            id="chatbackend.E008",
        )


@rule
def weak_secret_key() -> Iterator[CheckMessage]:
    weak = [name for name in ("SECRET_KEY", "JWT_SIGNING_KEY") if _weak(getattr(settings, name))]
    if weak and not settings.DEBUG:
        yield Error(
            f"{' and '.join(weak)}: fewer than {SHORTEST_KEY} characters, or too few different ones.",
            hint="python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
            id="chatbackend.E009",
        )


@rule
def cache_in_a_used_redis_database() -> Iterator[CheckMessage]:
    uses = {settings.REDIS_CHANNELS_DB: "the channel layer", settings.REDIS_BROKER_DB: "the queue of jobs"}
    if taken := uses.get(settings.REDIS_CACHE_DB):
        yield Error(
            f"REDIS_CACHE_DB is {settings.REDIS_CACHE_DB}, which {taken} uses: clearing the cache would empty it.",
            hint="Give the cache a database of its own, such as 2.",
            id="chatbackend.E010",
        )


@rule
def registration_beside_an_identity_provider() -> Iterator[CheckMessage]:
    if settings.REGISTRATION_OPEN and (settings.JWT_JWK_URL or settings.JWT_VERIFYING_KEY):
        yield Warning(
            "REGISTRATION_OPEN lets anyone make an account beside those of the identity provider.",
            hint="Turn REGISTRATION_OPEN off.",
            id="chatbackend.W011",
        )


@rule
def weak_keys_of_webhooks() -> Iterator[CheckMessage]:
    if any(map(_weak, settings.WEBHOOK_KEYS)):
        yield Error(
            f"WEBHOOK_KEYS has a key of fewer than {SHORTEST_KEY} characters, or of too few different ones.",
            hint="python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
            id="chatbackend.E014",
        )


@rule
def alerts_to_a_webhook_without_a_secret() -> Iterator[CheckMessage]:
    given = settings.DBPERF["ALERTS"]
    if given["WEBHOOK_URL"] and not given["WEBHOOK_SECRET"]:
        yield Error(
            "ALERT_WEBHOOK_URL is set and ALERT_WEBHOOK_SECRET is not: nothing would be sent, since it could not be"
            " signed.",
            hint="python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
            id="chatbackend.E012",
        )


@rule
def keys_of_other_uses_for_files() -> Iterator[CheckMessage]:
    others = {settings.SECRET_KEY.encode(), settings.JWT_SIGNING_KEY.encode()}
    shared = [name for name, key in settings.ENCRYPTION_KEYS.items() if others & _spellings(key)]
    if shared:
        yield Error(
            f"ENCRYPTION_KEYS: {', '.join(shared)} is SECRET_KEY or JWT_SIGNING_KEY too. Those are changed when"
            " they leak, and what was encrypted would be lost with them.",
            hint="Give it 32 random bytes of its own.",
            id="chatbackend.E015",
        )


@rule
def packages_of_telemetry() -> Iterator[CheckMessage]:
    for sentence in telemetry.missing():
        yield Error(sentence, hint=telemetry.INSTALL, id="chatbackend.E016")


def _spellings(key: bytes) -> set[bytes]:
    """How a key may stand in another variable."""
    encoded = {base64.b64encode(key), base64.urlsafe_b64encode(key)}
    return {key, *encoded, *(text.rstrip(b"=") for text in encoded)}


def _weak(key: str) -> bool:
    return len(key) < SHORTEST_KEY or len(set(key)) < 8
