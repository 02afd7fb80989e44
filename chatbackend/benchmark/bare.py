"""Django with nothing in the way: what any view costs on this machine, before and after its statement."""

from itertools import cycle

from django.http import HttpRequest, HttpResponse
from django.urls import path

from chatbackend.benchmark import recording
from conversations.queries.statement import rows

RECORDINGS = recording.load()
BODIES = {name: each.body.encode() for name, each in RECORDINGS.items()}
PARAMS = {name: cycle(each.params) for name, each in RECORDINGS.items()}


def constant(request: HttpRequest, name: str) -> HttpResponse:
    """The bytes of a reply of the API, known beforehand."""
    return _reply(BODIES[name])


def statement(request: HttpRequest, name: str) -> HttpResponse:
    """The statement of the API, its JSON handed through."""
    found = rows(RECORDINGS[name].sql, next(PARAMS[name]))
    return _reply(b"[" + ",".join(str(row[0]) for row in found).encode() + b"]")


def _reply(body: bytes) -> HttpResponse:
    headers = {"Content-Length": str(len(body))}  # CommonMiddleware would add it
    return HttpResponse(body, content_type="application/json", headers=headers)


urlpatterns = [path("constant/<str:name>", constant), path("statement/<str:name>", statement)]
