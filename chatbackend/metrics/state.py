"""How this process stands at the moment it is asked: read then, kept nowhere."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import Error
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatbackend import health
from chatbackend.connections import redis_database
from dbperf.aliases import MONITOR
from dbperf.services import looking, telling
from messaging import hub

POOL = {
    "pool_size": "Connections open.",
    "pool_max": "Connections there may be.",
    "pool_available": "Connections that nobody uses.",
    "requests_waiting": "Requests that wait for a connection.",
}
REDIS_WITHIN_S = 0.5


class StateCollector(Collector):
    """Sockets, pool, dependencies, the queue of tasks, and what dbperf saw last. What cannot be read is left out."""

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not ask everybody."""
        return ()

    def collect(self) -> Iterable[Metric]:
        yield from _sockets()
        yield from _pool()
        yield from _dependencies()
        yield from _tasks()
        yield from _database()


def _sockets() -> Iterable[Metric]:
    counts = hub.counts()
    yield GaugeMetricFamily("chat_sockets", "Open sockets.", counts.sockets)
    yield GaugeMetricFamily("chat_socket_people", "People with open sockets.", counts.people)
    yield GaugeMetricFamily("chat_socket_conversations", "Conversations heard here.", counts.conversations)
    yield CounterMetricFamily("chat_events_heard", "Events handed to sockets here.", counts.heard)
    yield CounterMetricFamily("chat_deliveries", "Times a socket was handed an event.", counts.deliveries)


def _pool() -> Iterable[Metric]:
    stats = looking.pool() or {}
    for name, text in POOL.items():
        if name in stats:
            yield GaugeMetricFamily(f"chat_db_{name}", text, stats[name])
    if "requests_errors" in stats:
        refused = stats["requests_errors"]
        yield CounterMetricFamily("chat_db_pool_refusals", "Requests that got no connection.", refused)


def _dependencies() -> Iterable[Metric]:
    up = GaugeMetricFamily("chat_dependency_up", "Whether it answers.", labels=["dependency"])
    up.add_metric(["postgresql"], float(health.postgresql()))
    up.add_metric(["redis"], float(health.redis()))
    yield up


def _tasks() -> Iterable[Metric]:
    client = Redis.from_url(
        redis_database(settings.REDIS_URL, settings.REDIS_BROKER_DB),
        socket_connect_timeout=REDIS_WITHIN_S,
        socket_timeout=REDIS_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        waiting: Any = client.llen("celery")
    except RedisError:
        return
    finally:
        client.close()
    yield GaugeMetricFamily("chat_tasks_waiting", "Tasks that no worker has taken.", waiting)


def _database() -> Iterable[Metric]:
    try:
        told = telling.metrics(store=MONITOR)
    except Error:
        return
    if told["as_of"]:
        age = (timezone.now() - datetime.fromisoformat(told["as_of"])).total_seconds()
        yield GaugeMetricFamily("chat_jobs_pulse_age_seconds", "Since a worker kept the clock's pulse.", age)
    yield from _sessions(told["sessions"] or {})
    if told["cache"] and told["cache"]["hit_pct"] is not None:
        text = "Blocks found in PostgreSQL's memory, in percent."
        yield GaugeMetricFamily("chat_db_cache_hit_percent", text, told["cache"]["hit_pct"])
    yield GaugeMetricFamily(
        "chat_db_findings", "What the checks found an hour ago or less.", len(told["findings"])
    )


def _sessions(sessions: Mapping[str, float]) -> Iterable[Metric]:
    family = GaugeMetricFamily("chat_db_sessions", "Sessions at the last pulse.", labels=["state"])
    for state in ("active", "idle", "idle_in_transaction"):
        if state in sessions:
            family.add_metric([state], sessions[state])
    yield family
