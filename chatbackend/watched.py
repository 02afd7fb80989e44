"""Which request, op or task runs which statement: announced here, counted by `dbperf.tracing`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from celery.signals import task_postrun, task_prerun
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dbperf import tracing
from dbperf.services import watching
from messaging.consumers import work

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}  # a client may send any word

_tasks: dict[str, AbstractContextManager[tracing.Work]] = {}


def install() -> None:
    """Where DB_TRACE is on."""
    if settings.DB_TRACE:
        watching.install()
        work.watched_by(op)
        task_prerun.connect(_task_begins, dispatch_uid="chatbackend.watched")
        task_postrun.connect(_task_ended, dispatch_uid="chatbackend.watched")


class WorkMiddleware:
    """A request is known by its method and the pattern of its address, never by what stands in it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with tracing.work("http") as done:
            try:
                return self.get_response(request)
            finally:
                done.name = endpoint(request)


def endpoint(request: HttpRequest) -> str:
    """What a request is called once its address was looked up."""
    method = request.method if request.method in METHODS else "another method"
    match = request.resolver_match
    return f"{method} /{match.route}" if match else f"{method} outside of all addresses"


def op(name: str) -> AbstractContextManager[tracing.Work]:
    """An op of a socket."""
    return tracing.work("socket", name)


def _task_begins(task_id: str, task: Any, **kwargs: Any) -> None:
    _tasks[task_id] = tracing.work("task", task.name)
    _tasks[task_id].__enter__()


def _task_ended(task_id: str, **kwargs: Any) -> None:
    if entered := _tasks.pop(task_id, None):
        entered.__exit__(None, None, None)
