"""Is it alive, may it have traffic. Asks PostgreSQL over a connection of its own, so that a busy pool is not
mistaken for a database that is away, and at most once a second, so that asking cannot be an attack."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from time import monotonic
from typing import Any, Generic, TypeVar

import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatbackend import __version__
from chatbackend.problems import problem_http

ANSWER_WITHIN_S = 2
JOBS_LATE_AFTER_S = 150  # five pulses of the clock
# Uses index: dbperf_snapshot_newest.
LAST_PULSE = """
    SELECT extract(epoch FROM statement_timestamp() - taken_at)::float FROM dbperf_snapshot
    WHERE kind = 'pulse' ORDER BY taken_at DESC LIMIT 1"""

View = Callable[[HttpRequest], HttpResponse]
Answer = TypeVar("Answer")


def _own_connection() -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(
        settings.DATABASE_URL,
        connect_timeout=ANSWER_WITHIN_S,
        application_name="chatbackend-health",
        options=f"-c statement_timeout={ANSWER_WITHIN_S * 1000}",
        autocommit=True,
    )


def ask_postgresql() -> bool:
    """Whether PostgreSQL answers a statement within two seconds."""
    try:
        with _own_connection() as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def ask_jobs() -> str:
    """Whether what the clock asks for is done: it asks for a pulse twice a minute, and a worker keeps it. One that is
    missing means that beat, the queue or every worker is away."""
    try:
        with _own_connection() as connection:
            last = connection.execute(LAST_PULSE).fetchone()
    except psycopg.Error:
        return "unknown"
    if last is None:
        return "never"
    return "ok" if last[0] <= JOBS_LATE_AFTER_S else "late"


def ask_redis() -> bool:
    """Whether Redis answers a PING within two seconds."""
    client = Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=ANSWER_WITHIN_S,
        socket_timeout=ANSWER_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


@dataclass
class Remembered(Generic[Answer]):
    """An answer kept for a second; those who ask at the same time wait for the one who asks."""

    ask: Callable[[], Answer]
    keep_s: float = 1.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answer: list[Answer] = field(default_factory=list)  # the last one
    _until: float = float("-inf")

    def __call__(self) -> Answer:
        with self._lock:
            if monotonic() >= self._until:
                self._answer = [self.ask()]
                self._until = monotonic() + self.keep_s
            return self._answer[0]


postgresql = Remembered(ask_postgresql)
redis = Remembered(ask_redis)
jobs = Remembered(ask_jobs)


def state() -> dict[str, Any]:
    """Name, version, and how each dependency is."""
    database, accelerator = postgresql(), redis()
    overall = "unavailable" if not database else "ok" if accelerator else "degraded"
    return {
        "name": "chatbackend",
        "version": __version__,
        "status": overall,
        "dependencies": {
            "postgresql": "ok" if database else "unavailable",
            "redis": "ok" if accelerator else "unavailable",
        },
    }


def for_askers(view: View) -> View:
    """A view that is only asked: any other method is 405 in the shape of the API, whatever cookies come with it."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return problem_http(
                405,
                code="method_not_allowed",
                detail=f"This address is only asked, not told: {request.method} is not for it",
                headers={"Allow": "GET, HEAD"},
            )
        return view(request)

    return csrf_exempt(never_cache(answer))


@for_askers
def health(request: HttpRequest) -> JsonResponse:
    """The whole state, always 200: for people and dashboards."""
    return JsonResponse({**state(), "jobs": jobs()})


@for_askers
def live(request: HttpRequest) -> JsonResponse:
    """200 while the process can answer at all."""
    return JsonResponse({"status": "ok"})


@for_askers
def ready(request: HttpRequest) -> HttpResponse:
    """503 without PostgreSQL; without Redis still 200, `degraded`."""
    now = state()
    if now["status"] == "unavailable":
        return problem_http(
            503,
            code="database_unavailable",
            detail="PostgreSQL is out of reach",
            headers={"Retry-After": "2"},
        )
    return JsonResponse({"status": now["status"]})
