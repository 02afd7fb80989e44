"""A mixed load from beginning to end: servers or a running deployment, people and rooms, the client, figures."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from chatbackend.benchmark.database import own_database
from chatbackend.benchmark.servers import HOST, Server
from chatbackend.loadtest import gauge
from chatbackend.loadtest.accounts import crowds, talk
from chatbackend.loadtest.limits import raise_open_files
from chatbackend.loadtest.mixed.load import MixedLoad, Room
from chatbackend.loadtest.mixed.report import Readings, figures
from chatbackend.loadtest.process import LoadTestError, Say, client_process, require, socket_url

CLIENT = "chatbackend.loadtest.mixed.client"
ROOM = 20  # people, at most
BEFORE = 50  # messages that each room begins with
EVERY_S = 10.0  # somebody does something, on average

Watch = Callable[[Mapping[str, Any], Readings], None]


@dataclass(frozen=True, kw_only=True)
class MixedPlan:
    """How much. `rate`: actions of all together a second. `url` names a running deployment; without it one server for
    sockets, of kind `server`, and one for REST are started."""

    users: int = 500
    rate: float = 0.0
    seconds: float = 30.0
    url: str = ""
    pid: int | None = None
    server: str = "daphne"
    window_s: float = 5.0

    @property
    def rooms(self) -> list[int]:
        """How many people each holds: two at least, and nobody is left out."""
        count = max(1, -(-self.users // ROOM))
        return [len(range(number, self.users, count)) for number in range(count)]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the servers are, and their processes on this machine where they are known."""

    sockets: str
    rest: str
    pids: Mapping[str, int | None]


def run(plan: MixedPlan, say: Say, watch: Watch = lambda *_: None) -> dict[str, Any]:
    """Returns the report, see `report.figures`. `watch` is told what each window came to.

    Raises LoadTestError, TooFewFilesError, ServerFailedError.
    """
    if plan.users < 2:
        raise LoadTestError("--users: two at least, or nobody hears anybody")
    require("picows", "pip install -r requirements.txt")
    raise_open_files(plan.users)
    with _place(plan, say) as place, crowds(plan.rooms) as groups:
        say(f"Made {plan.users:,} people in {len(groups):,} rooms")
        for group in groups:
            talk(group, BEFORE)
        rooms = [Room(conversation=str(group.conversation), tokens=group.tokens) for group in groups]
        return _measured(plan, place, rooms, say, watch)


@contextmanager
def _place(plan: MixedPlan, say: Say) -> Iterator[_Place]:
    if plan.url:
        yield _Place(socket_url(plan.url), plan.url, {"server": plan.pid or gauge.listener(plan.url)})
        return
    require(plan.server, f"install {plan.server}, or choose another --server")
    with own_database("loadtest") as database, ExitStack() as stack:
        started = {}
        for part, kind in (("sockets", plan.server), ("rest", "wsgi")):
            say(f"Starting {kind}")
            server = Server(kind, {"DATABASE_URL": database})
            stack.callback(server.stop)
            server.start()
            started[part] = server
        urls = {part: f"http://{HOST}:{server.port}" for part, server in started.items()}
        pids = {part: server.process.pid for part, server in started.items() if server.process}
        yield _Place(socket_url(urls["sockets"]), urls["rest"], pids)


def _measured(plan: MixedPlan, place: _Place, rooms: list[Room], say: Say, watch: Watch) -> dict[str, Any]:
    load = MixedLoad(
        socket_url=place.sockets,
        rest_url=place.rest,
        rooms=rooms,
        seconds=plan.seconds,
        actions_per_s=plan.rate or plan.users / EVERY_S,
        window_s=plan.window_s,
    )
    readings: dict[str, Readings] = {}
    result: dict[str, Any] | None = None
    with client_process(CLIENT, load) as lines:
        for line in lines:
            told = json.loads(line)
            if phase := told.get("phase"):
                readings[phase] = _read(place)
                say({"ready": f"{plan.users:,} sockets are connected", "sent": "Waiting for the last"}[phase])
            elif window := told.get("window"):
                watch(window, _read(place))
            elif text := told.get("progress"):
                say(text)
            else:
                result = told["result"]
    if result is None:
        raise LoadTestError("the client ended without a result")
    return figures(load, result, readings)


def _read(place: _Place) -> Readings:
    return {part: gauge.read(pid) for part, pid in place.pids.items()}
