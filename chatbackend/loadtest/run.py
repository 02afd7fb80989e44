"""A load test from beginning to end: servers or a running deployment, people, the client, figures."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from chatbackend.benchmark.database import own_database
from chatbackend.benchmark.servers import HOST, Server
from chatbackend.loadtest import gauge
from chatbackend.loadtest.accounts import crowd
from chatbackend.loadtest.gauge import Reading
from chatbackend.loadtest.limits import raise_open_files
from chatbackend.loadtest.load import Load
from chatbackend.loadtest.process import LoadTestError, Say, client_process, require, socket_url
from chatbackend.loadtest.report import figures

CLIENT = "chatbackend.loadtest.client"
OURS = "chatbackend.asgi:application"
STOCK = "chatbackend.loadtest.stock:application"
IN_FLIGHT = 8


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much. `url` names a running deployment; without it a server of kind `server` is started."""

    sockets: int = 500
    sends_per_s: float = 20.0
    senders: int = 0
    seconds: float = 10.0
    url: str = ""
    pid: int | None = None
    server: str = "daphne"
    fanout: bool = False
    stock: bool = False
    storm_s: float = 0.0


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Returns the report, see `report.figures`. Raises LoadTestError, TooFewFilesError, ServerFailedError."""
    require("picows", "pip install -r requirements.txt")
    if not plan.url:
        require(plan.server, f"install {plan.server}, or choose another --server")
    raise_open_files(plan.sockets)
    if plan.url:
        return _at(plan, socket_url(plan.url), plan.pid or gauge.listener(plan.url), say)
    with own_database("loadtest") as database:
        result = _with_server(plan, {"DATABASE_URL": database}, say)
        if plan.stock:
            result["stock"] = _stock(plan, {"DATABASE_URL": database}, say)
            result["ratio"] = _ratio(result)
        return result


def _ratio(result: dict[str, Any]) -> float | None:
    stock = result["stock"]["deliveries_per_s"]
    return round(result["deliveries_per_s"] / stock, 2) if stock else None


def _with_server(plan: Plan, variables: dict[str, str], say: Say) -> dict[str, Any]:
    with _started(plan.server, variables, say) as server:
        return _at(plan, socket_url(f"http://{HOST}:{server.port}"), _pid(server), say)


def _stock(plan: Plan, variables: dict[str, str], say: Say) -> dict[str, Any]:
    say("Beside it: the stock pattern of Channels")
    with _started(plan.server, variables, say, application=STOCK) as server:
        load = _load(plan, socket_url(f"http://{HOST}:{server.port}"), [""] * plan.sockets, str(uuid4()))
        return _measured(plan, load, _pid(server), say)


@contextmanager
def _started(kind: str, variables: dict[str, str], say: Say, application: str = OURS) -> Iterator[Server]:
    say(f"Starting {kind}")
    server = Server(kind, variables, application)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _pid(server: Server) -> int | None:
    return server.process.pid if server.process else None


def _at(plan: Plan, url: str, pid: int | None, say: Say) -> dict[str, Any]:
    say(f"Making {plan.sockets:,} people and their group")
    with crowd(plan.sockets) as people:
        return _measured(plan, _load(plan, url, people.tokens, str(people.conversation)), pid, say)


def _load(plan: Plan, url: str, tokens: Any, conversation: str) -> Load:
    return Load(
        url=url,
        tokens=tokens,
        conversation=conversation,
        seconds=plan.seconds,
        senders=min(plan.sockets, plan.senders or 50),
        sends_per_s=plan.sends_per_s,
        in_flight=IN_FLIGHT if plan.fanout else 0,
        storm_s=plan.storm_s,
    )


def _measured(plan: Plan, load: Load, pid: int | None, say: Say) -> dict[str, Any]:
    """Runs the client, and looks at the server where the client says what it has come to."""
    readings: dict[str, Reading | None] = {}
    result: dict[str, Any] | None = None
    with client_process(CLIENT, load) as lines:
        for line in lines:
            told = json.loads(line)
            if phase := told.get("phase"):
                readings[phase] = gauge.read(pid)
                if phase == "ready":
                    say(f"{plan.sockets:,} sockets are connected")
            elif text := told.get("progress"):
                say(text)
            else:
                result = told["result"]
    if result is None:
        raise LoadTestError("the client ended without a result")
    return figures(load, result, readings)
