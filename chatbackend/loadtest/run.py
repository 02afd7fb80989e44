"""A load test from beginning to end: servers or a running deployment, people, the client, figures."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings

from chatbackend.benchmark.database import own_database
from chatbackend.benchmark.servers import HOST, Server
from chatbackend.loadtest import gauge
from chatbackend.loadtest.accounts import crowd
from chatbackend.loadtest.gauge import Reading
from chatbackend.loadtest.limits import raise_open_files
from chatbackend.loadtest.load import Load
from chatbackend.loadtest.report import figures

Say = Callable[[str], None]
OURS = "chatbackend.asgi:application"
STOCK = "chatbackend.loadtest.stock:application"
IN_FLIGHT = 8


class LoadTestError(Exception):
    """It could not be run; the text says why."""


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
    _require("picows", "pip install -r requirements.txt")
    if not plan.url:
        _require(plan.server, f"install {plan.server}, or choose another --server")
    raise_open_files(plan.sockets)
    if plan.url:
        return _at(plan, _socket_url(plan.url), plan.pid or gauge.listener(plan.url), say)
    with own_database("loadtest") as database:
        result = _with_server(plan, {"DATABASE_URL": database}, say)
        if plan.stock:
            result["stock"] = _stock(plan, {"DATABASE_URL": database}, say)
            result["ratio"] = _ratio(result)
        return result


def _require(module: str, remedy: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise LoadTestError(f"{module} is not installed: {remedy}")


def _ratio(result: dict[str, Any]) -> float | None:
    stock = result["stock"]["deliveries_per_s"]
    return round(result["deliveries_per_s"] / stock, 2) if stock else None


def _with_server(plan: Plan, variables: dict[str, str], say: Say) -> dict[str, Any]:
    with _started(plan.server, variables, say) as server:
        return _at(plan, _socket_url(f"http://{HOST}:{server.port}"), _pid(server), say)


def _stock(plan: Plan, variables: dict[str, str], say: Say) -> dict[str, Any]:
    say("Beside it: the stock pattern of Channels")
    with _started(plan.server, variables, say, application=STOCK) as server:
        load = _load(plan, _socket_url(f"http://{HOST}:{server.port}"), [""] * plan.sockets, str(uuid4()))
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


def _socket_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise LoadTestError(f"{url} is not an address like http://127.0.0.1:8000")
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/ws/chat"


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
    with _client(load) as lines:
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


@contextmanager
def _client(load: Load) -> Iterator[Iterator[str]]:
    """The lines that the client process writes. Raises LoadTestError with the last line of its complaint."""
    argv = [sys.executable, "-m", "chatbackend.loadtest.client"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=Path(settings.BASE_DIR), env=_environment()
    ) as process:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise LoadTestError("the client has no pipes")
        try:
            json.dump(asdict(load), process.stdin)
            process.stdin.close()
            yield iter(process.stdout)
        except BaseException:
            process.terminate()
            raise
        complaint = process.stderr.read().strip().splitlines()
        if process.wait() != 0:
            raise LoadTestError(f"the client failed: {complaint[-1] if complaint else process.returncode}")


def _environment() -> dict[str, str]:
    """No secrets of ours: the client needs none."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
