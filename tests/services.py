"""The PostgreSQL and the Redis of one test run, gone with it. Nothing here may import Django's models: it
runs before the settings are read."""

import atexit
import os
import re
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg

from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.processes import free_port
from chatbackend.embedded.redis import Redis

FORGET = (
    "SECRET_KEY_FILE",
    "DATABASE_URL_FILE",
    "DATABASE_REPLICA_URL",
    "DATABASE_REPLICA_URL_FILE",
    "REDIS_URL_FILE",
    "CHATBACKEND_PROCESS",
    "DB_POOL",
    "WEBHOOK_KEYS_FILE",
    "DEBUG",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT_FILE",
    "SENTRY_DSN",
    "SENTRY_DSN_FILE",
)

STARTED: list[Postgres] = []  # the run's own PostgreSQL, where it is not an outside one
EVERY: list[Postgres] = []  # that one, and those of other versions
ABSENT = os.environ.get("TEST_SERVICES") == "off"  # only what needs no server is tested


def _workers(arguments: list[str]) -> str:
    """As pytest-xdist reads it: `-n 2`, `-n2`, `--numprocesses=2`."""
    line = " ".join(arguments)
    found = re.search(r"(?:^| )(?:-n|--numprocesses)[ =]?(\w+)", line)
    return found[1] if found else "0"


# The process that hands tests out to others runs none; each of those has services of its own.
DIVIDING = "PYTEST_XDIST_WORKER" not in os.environ and _workers(sys.argv[1:]) != "0"


def start() -> dict[str, str]:
    """Start what the run needs and return the environment that leads to it. TEST_DATABASE_URL and
    TEST_REDIS_URL name outside servers; the role of the former needs CREATEDB. TEST_EXPLAIN_URL is the former's login
    dbperf_explain."""
    state = folder()
    (state / "static").mkdir()
    return {
        **(nowhere() if ABSENT or DIVIDING else _somewhere(state)),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "CHATBACKEND_ENV_FILE": os.devnull,
        "CHATBACKEND_PROCESS": "command",  # or who imports the ASGI application made web servers of all commands
        "CHATBACKEND_STATE_DIR": str(state / "state"),
        "STATIC_ROOT": str(state / "static"),
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "SECURE_SSL_REDIRECT": "off",
        "SECURE_HSTS_SECONDS": "0",
        "COOKIE_SECURE": "off",
        "WEBHOOK_KEYS": secrets.token_urlsafe(48),
        "REGISTRATION_OPEN": "on",
        "RATE_LIMIT_FACTOR": "1000",
        "LOG_FORMAT": "text",
        "LOG_LEVEL": "WARNING",
    }


def folder() -> Path:
    """A directory that is gone with the run. Below /tmp, not TMPDIR: root's PostgreSQL runs as another user and must
    be able to get there."""
    made = Path(tempfile.mkdtemp(prefix="chatbackend-test-", dir="/tmp" if os.geteuid() == 0 else None))
    made.chmod(0o711)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def postgres(state: Path, **options: Any) -> Postgres:
    """A server that runs as long as the run does."""
    server = Postgres(state, throwaway=True, **options)
    server.start()
    atexit.register(server.stop)
    EVERY.append(server)
    return server


def _somewhere(state: Path) -> dict[str, str]:
    return {
        **(_outside_databases() or _databases(state)),
        "REDIS_URL": os.environ.get("TEST_REDIS_URL") or _redis(state),
    }


def nowhere() -> dict[str, str]:
    """Addresses at which nobody listens."""
    return {
        "DATABASE_URL": f"postgresql://chat:unused@127.0.0.1:{free_port()}/chat",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}",
    }


def _databases(state: Path) -> dict[str, str]:
    server = postgres(state)
    STARTED.append(server)
    return {"DATABASE_URL": server.url, "DB_EXPLAIN_URL": server.explain_url}


def _redis(state: Path) -> str:
    server = Redis(state)
    server.start()
    atexit.register(server.stop)
    return server.url


def _outside_databases() -> dict[str, str]:
    """A name of its own, so that two runs may share an outside server."""
    given = os.environ.get("TEST_DATABASE_URL", "")
    if not given:
        return {}
    name = f"chat_{secrets.token_hex(4)}"
    _run(given, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    atexit.register(_run, given, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    explain = os.environ.get("TEST_EXPLAIN_URL", "")
    urls = {"DATABASE_URL": given} | ({"DB_EXPLAIN_URL": explain} if explain else {})
    return {key: urlunsplit(urlsplit(url)._replace(path=f"/{name}")) for key, url in urls.items()}


def _run(url: str, statement: LiteralString) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
