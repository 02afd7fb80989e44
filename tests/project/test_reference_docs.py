"""The reference pages say what the code does, no more and no less."""

import inspect
import re
from itertools import pairwise
from typing import get_args

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from chatbackend import doors, explaining
from conversations.events import DurableEvent, NoteEvent
from conversations.exceptions import ChatError
from conversations.queries import blocks, inbox, stamps
from conversations.views.base import ChatViewSet
from messaging import frames
from messaging.consumers import chat
from messaging.hub import hub, people, socket
from messaging.queries import (
    changes,
    history,
    pins,
    receipts,
    replies,
    revisions,
    search,
    sockets,
    stats,
    sweep,
    writing,
)
from tests.server import ROOT

OURS = ("chatbackend", "conversations", "messaging", "webhooks", "personal", "dbperf")
METHODS = {"get", "post", "put", "patch", "delete"}


def _page(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text()


def _sections(text: str, level: int = 2) -> dict[str, str]:
    """Heading → what stands below it, up to the next one of its level or above."""
    mark = re.compile(rf"^#{{1,{level}}} (.+)$", re.MULTILINE)
    found = [*mark.finditer(text)]
    ends = [*(later.start() for _, later in pairwise(found)), len(text)]
    return {here[1]: text[here.end() : end] for here, end in zip(found, ends, strict=True)}


def _rows(text: str) -> list[list[str]]:
    """The cells of the tables of a text, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = {place for place, cells in enumerate(table) if set(cells[0]) == {"-"}}
    return [cells for place, cells in enumerate(table) if not {place, place + 1} & rules]


def _first(text: str) -> set[str]:
    """The names in backquotes that begin the rows."""
    return {found[1] for row in _rows(text) if (found := re.fullmatch(r"`(.+)`", row[0]))}


def _names(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


# --- rest.md


def _anonymous(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _calls_documented() -> set[str]:
    return {_anonymous(call) for call in _first(_page("rest")) if " " in call}


def test_every_endpoint_is_listed() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]
    calls = {
        f"{method.upper()} {_anonymous(path).removeprefix('/api/v1')}"
        for path, methods in paths.items()
        for method in METHODS & methods.keys()
    }
    assert _calls_documented() == calls


def _routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for entry in patterns:
        where = prefix + str(entry.pattern)
        found |= _routes(entry.url_patterns, where) if isinstance(entry, URLResolver) else {where}
    return found


def test_every_address_is_listed() -> None:
    """Also those that the OpenAPI document leaves out."""
    routes = {re.sub(r"<[^>]+>", "{}", route) for route in _routes(get_resolver().url_patterns)}
    ours = {f"/{route}" for route in routes if route.startswith(("api/", "health", "admin/database/"))}
    called = {call.split()[1] for call in _calls_documented()}
    documented = {call if call.startswith("/admin/") else f"/api/v1{call}" for call in called}
    outside = {address for address in _first(_page("rest")) if address.startswith(("/api/", "/health"))}
    assert ours == documented | outside


def test_limits_are_right() -> None:
    limits = {
        limit.name: (str(limit.quota), str(limit.window), limit.key.__name__)
        for viewset in _below(ChatViewSet)
        for each in viewset.limits.values()
        for limit in each
    }
    plans = explaining.LIMIT  # of dbperf, which knows no limits of ours
    limits[plans.name] = (str(plans.quota), str(plans.window), plans.key.__name__)
    table = _rows(_sections(_page("rest"))["Rate limits"])
    assert {name.strip("`"): (quota, window, f"by_{key}") for name, quota, window, key in table} == limits


def test_reasons_for_no_plan_are_right() -> None:
    sources = [path.read_text() for path in (ROOT / "dbperf").glob("explain/*.py")]
    sources.append((ROOT / "dbperf/services/explaining.py").read_text())
    raised = re.findall(r'(Refused|NotHere|NeverSeen)\(\s*"(\w+)"', "\n".join(sources))
    statuses = {"Refused": "400", "NotHere": "409", "NeverSeen": "404"}
    table = _rows(_sections(_page("rest"), level=4)["`analyze-query`"])
    assert {code.strip("`"): status for code, status, _ in table} == {
        code: statuses[kind] for kind, code in raised
    }


def _below(viewset: type[ChatViewSet]) -> list[type[ChatViewSet]]:
    children = viewset.__subclasses__()
    return [*children, *(deeper for child in children for deeper in _below(child))]


# --- realtime.md


def test_ops_and_their_fields_are_right() -> None:
    table = _rows(_sections(_page("realtime"))["Ops"])
    documented = {op.strip("`"): (_names(required), _names(optional)) for op, required, optional, _ in table}
    shapes = {
        name: (shape.fields.keys() - shape.optional.keys(), set(shape.optional))
        for name, shape in frames._SHAPES.items()
    }
    assert documented == shapes


def _told() -> set[str]:
    """Every event that some source file writes by its name."""
    sources = [path.read_text() for app in OURS for path in (ROOT / app).rglob("*.py")]
    found = (re.findall(r'"event":"([\w.]+)"|answer\("(\w+)"', source) for source in sources)
    return {name for hits in found for pair in hits for name in pair if name}


def test_events_are_right() -> None:
    events = _first(_sections(_page("realtime"))["Events"])
    assert events == {*get_args(DurableEvent), *get_args(NoteEvent)} | _told()


def test_codes_of_socket_errors_are_right() -> None:
    own = {
        thing.code
        for module in (frames, chat)
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, ChatError) and thing.__module__ == module.__name__
    }
    assert _first(_sections(_page("realtime"))["Error codes"]) == own


def test_close_codes_are_right() -> None:
    constants = {
        value for module in (chat, hub, socket) for value in vars(module).values() if type(value) is int
    }
    refused = set(re.findall(r'"code": (\d{4})', inspect.getsource(doors)))
    used = {str(value) for value in constants if 1010 < value < 1016 or 4400 <= value < 4500} | refused
    assert {row[0] for row in _rows(_sections(_page("realtime"))["Close codes"])} == used


def test_limits_of_sockets_are_right() -> None:
    limits = dict(_rows(_sections(_page("realtime"))["Limits"]))
    assert limits["frame from a client"] == f"{frames.MAX_BYTES:,} bytes"
    assert limits["`send`, `edit`, `delete` and `react` of one user"].startswith(
        f"{people.SENDS_PER_S} a second, {people.BURST} at once"
    )
    assert limits["frames of one socket"].startswith(
        f"{chat.FRAMES_PER_S} a second, {chat.FRAMES_BURST} at once"
    )
    assert limits["ops of one socket that wait for their turn"] == str(chat.MAX_PENDING)
    assert limits["sockets of one user in one process"] == str(people.MAX_SOCKETS)
    assert limits["what waits for a slow reader"].startswith(f"{socket.MAX_FRAMES:,} frames")


# --- commands.md


def test_every_command_has_a_section() -> None:
    ours = {name for name, app in get_commands().items() if app in OURS}
    titles = _sections(_page("commands"))
    assert {found[1] for title in titles if (found := re.fullmatch(r"`manage\.py (\w+)`", title))} == ours


def test_every_make_target_is_listed() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {name.removeprefix("make ") for name in _first(_sections(_page("commands"))["make"])} == targets


# --- data.md


def _tables() -> dict[str, set[str]]:
    """Table → the names of its declared constraints and indexes."""
    return {
        model._meta.db_table: {each.name or "" for each in (*model._meta.constraints, *model._meta.indexes)}
        for app in ("conversations", "messaging", "webhooks", "personal")
        for model in apps.get_app_config(app).get_models()
    }


def test_every_table_is_described() -> None:
    documented = {title.strip("`") for title in _sections(_page("data")) if title.startswith("`")}
    assert documented == _tables().keys()


@pytest.mark.parametrize("table", sorted(_tables()))
def test_every_constraint_and_index_says_what_it_serves(table: str) -> None:
    assert _first(_sections(_page("data"))[f"`{table}`"]) == _tables()[table]


def test_every_routine_is_listed() -> None:
    modules = (
        inbox,
        stamps,
        blocks,
        history,
        replies,
        pins,
        receipts,
        revisions,
        writing,
        changes,
        sockets,
        sweep,
        search,
        stats,
    )
    routines = {routine.name for module in modules for routine in module.ROUTINES}
    assert _first(_sections(_page("data"))["Routines"]) == routines
