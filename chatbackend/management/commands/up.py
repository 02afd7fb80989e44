"""`make run`: everything on this machine, until Ctrl-C."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatbackend.embedded.errors import EmbeddedError
from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.processes import PR_SET_PDEATHSIG
from chatbackend.embedded.redis import Redis
from chatbackend.embedded.state import claim, publish, withdraw
from chatbackend.supervisor import Command as Program
from chatbackend.supervisor import Database, PartsFailedError, Printer, Supervisor

HOST = "127.0.0.1"


class StopAsked(BaseException):
    """Ctrl-C or SIGTERM. No Exception, so that nothing on the way swallows it."""


class Command(BaseCommand):
    """Starts PostgreSQL and Redis (unless DATABASE_URL and REDIS_URL name others), prepares the database and
    runs the web server, a worker and the clock."""

    help = "Runs the whole system on this machine, on 127.0.0.1 and PORT (8000)."
    requires_system_checks: list[str] = []
    lock: IO[str] | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        self.say = Printer()
        self.supervisor = Supervisor(self.say)
        self.stopping = False
        _end_with_make()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        try:
            self._run()
        except StopAsked:
            self.say("Stopping")
        except (EmbeddedError, PartsFailedError) as error:
            raise CommandError(str(error)) from error
        finally:
            self.stopping = True
            self.supervisor.stop()
            if self.lock is not None:
                withdraw(settings.STATE_DIR)
                self.lock.close()
            self.say.close()

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        if not self.stopping:
            self.stopping = True
            raise StopAsked

    def _run(self) -> None:
        self.lock = claim(settings.STATE_DIR)
        _require_port(settings.PORT)
        env = self._start_databases()
        published = ("CHATBACKEND_EMBEDDED", "DATABASE_URL", "DB_EXPLAIN_URL", "REDIS_URL")
        publish(settings.STATE_DIR, {name: env[name] for name in published if name in env})
        self._prepare(env)
        self._start_programs(env)
        self._await_web()
        self._welcome()
        while True:
            time.sleep(0.2)
            self.supervisor.watch_once()

    def _start_databases(self) -> dict[str, str]:
        env = {**os.environ, "CHATBACKEND_EMBEDDED": "on", "PYTHONUNBUFFERED": "1"}
        if not {"DATABASE_URL", "DATABASE_URL_FILE"} & os.environ.keys():
            postgres = Postgres(settings.STATE_DIR)
            self.say(f"Starting PostgreSQL (data in {postgres.data})")
            self.supervisor.start(Database("postgres", postgres))
            for note in postgres.notes:
                self.say(f"  {note}")
            env["DATABASE_URL"] = postgres.url
            if "DB_EXPLAIN_URL_FILE" not in os.environ:
                env.setdefault("DB_EXPLAIN_URL", postgres.explain_url)
        env.setdefault("DATABASE_URL", settings.DATABASE_URL)
        if not {"REDIS_URL", "REDIS_URL_FILE"} & os.environ.keys():
            redis = Redis(settings.STATE_DIR)
            self.say("Starting Redis")
            self.supervisor.start(Database("redis", redis))
            env["REDIS_URL"] = redis.url
        env.setdefault("REDIS_URL", settings.REDIS_URL)
        # A NAME_FILE beside its NAME is refused.
        return {
            name: value for name, value in env.items() if name not in {"DATABASE_URL_FILE", "REDIS_URL_FILE"}
        }

    def _prepare(self, env: dict[str, str]) -> None:
        self.say("Preparing tables, static files and accounts")
        finished = subprocess.run(
            [sys.executable, "manage.py", "prepare"],
            cwd=settings.BASE_DIR,
            env={**env, "DB_STATEMENT_TIMEOUT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise EmbeddedError(f"the preparation failed:\n{finished.stdout}")
        for line in finished.stdout.splitlines():
            self.say(f"  {line}")

    def _start_programs(self, env: dict[str, str]) -> None:
        celery = ["-m", "celery", "--app", "chatbackend", "--quiet"]
        level = ["--loglevel", settings.LOG_LEVEL]
        self.say("Starting the web server, the worker and the clock")
        self._start(
            "web",
            ["-m", "daphne", "-v", "0", "-b", HOST, "-p", str(settings.PORT), "chatbackend.asgi:application"],
            {**env, "CHATBACKEND_PROCESS": "web"},
        )
        worker = ["worker", "--concurrency", "3", "--without-gossip", "--without-mingle"]
        # As root Celery warns at length about a queue that others could write to; ours has a password.
        quiet = ["-W", "ignore:You're running the worker"]
        self._start("worker", [*quiet, *celery, *worker, *level], {**env, "CHATBACKEND_PROCESS": "worker"})
        self._start("beat", [*celery, "beat", "--pidfile=", *level], {**env, "CHATBACKEND_PROCESS": "worker"})

    def _start(self, name: str, arguments: list[str], env: dict[str, str]) -> None:
        argv = [sys.executable, *arguments]
        self.supervisor.start(Program(name, argv, env, Path(settings.BASE_DIR), self.say))

    def _await_web(self) -> None:
        deadline = time.monotonic() + 60
        while not _answers(settings.PORT):
            self.supervisor.watch_once()
            if time.monotonic() > deadline:
                raise PartsFailedError("the web server does not answer after a minute")
            time.sleep(0.1)

    def _welcome(self) -> None:
        kept = settings.STATE_DIR / "demo_password"
        if settings.DEMO_PASSWORD:
            password = "the value of DEMO_PASSWORD when they were made"
        else:
            password = kept.read_text().strip() if kept.is_file() else "as you set it"
        self.say(f"Accounts: alice, bob, carol, admin (staff); password: {password}")
        self.say(f"Ready on http://{HOST}:{settings.PORT}/ (Ctrl-C stops everything)")


def _end_with_make() -> None:
    """A killed `make` would leave us holding the port: on Linux, take its death as a request to stop."""
    if "MAKELEVEL" in os.environ and sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _require_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EmbeddedError(
                f"port {port} of {HOST} cannot be used ({error.strerror}):"
                f" choose another one, `make run PORT={port + 1}`"
            ) from None


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health/live", timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
