"""Traces to a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`) and errors to Sentry (`SENTRY_DSN`), for processes that serve:
web, sockets, worker, clock. Nothing of either is imported where its setting is empty."""

import os
from importlib import import_module, metadata
from typing import Final, NamedTuple

from django.conf import settings


class Part(NamedTuple):
    """What a setting turns on."""

    setting: str
    module: str
    packages: tuple[str, ...]
    before_forks: bool = False  # whether it may begin in a process that forks afterwards


PARTS: Final = (
    Part(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "chatbackend.telemetry.traces",
        (
            "opentelemetry-sdk",
            "opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-instrumentation-redis",
            "opentelemetry-instrumentation-celery",
        ),
    ),
    # A fork of Celery's worker puts its tasks together before it asks us: then Sentry cannot get between any more.
    Part("SENTRY_DSN", "chatbackend.telemetry.errors", ("sentry-sdk",), before_forks=True),
)
INSTALL: Final = "pip install -r requirements-observability.txt"

_begun: set[tuple[str, int]] = set()


def start() -> None:
    """Once a process, in the one that does the work: threads do not come along into a fork."""
    load()
    for part in _on():
        _begin(part)


def load() -> None:
    """Imports what `start` will need, so that forks share it, and begins what may begin before them. A process that
    lacks it ends here, with a line that says what to do: web servers and Celery do not ask the system checks."""
    if lacking := missing():
        raise SystemExit(f"{lacking[0]} {INSTALL}")
    for part in _on():
        import_module(part.module)
        if part.before_forks:
            _begin(part)


def by_machines(path: str) -> bool:
    """Health and metrics: asked all day long, and told to nobody."""
    return path in {"/health", "/metrics"} or path.startswith("/health/")


def _begin(part: Part) -> None:
    """Once; what began before a fork, once more in it: the connection to who is told came along, and is not its own."""
    mark = part.module, os.getpid() if part.before_forks else 0
    if mark not in _begun:
        _begun.add(mark)
        import_module(part.module).start()


def missing() -> list[str]:
    """A sentence for each setting that is on and whose packages are not installed."""
    absent = {part: [name for name in part.packages if not _installed(name)] for part in _on()}
    return [
        f"{part.setting} is set, but not installed: {', '.join(names)}."
        for part, names in absent.items()
        if names
    ]


def _on() -> list[Part]:
    return [part for part in PARTS if getattr(settings, part.setting)]


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
