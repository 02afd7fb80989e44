"""A whole run: data, servers, rounds, and what came of them."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

from rest_framework_simplejwt.tokens import AccessToken

from chatbackend.benchmark import cases, recording
from chatbackend.benchmark.cases import Call, Case
from chatbackend.benchmark.data import Dataset, fill
from chatbackend.benchmark.database import own_database
from chatbackend.benchmark.recording import Recording
from chatbackend.benchmark.report import report
from chatbackend.benchmark.servers import ARGUMENTS, HOST, Server
from chatbackend.benchmark.targets import (
    HTTPTarget,
    Round,
    StatementTarget,
    Target,
    raw_request,
)

Say = Callable[[str], None]
STATEMENT = "statement"
BARE_SETTINGS = {"DJANGO_SETTINGS_MODULE": "chatbackend.benchmark.bare_settings"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much: rows, rounds, seconds of each measurement, connections of the load."""

    messages: int = 200_000
    rounds: int = 3
    seconds: float = 2.0
    connections: int = 16
    cases: Sequence[Case] = cases.CASES


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Measures everything, in a database of its own, and returns the report."""
    load_before = os.getloadavg()[0]
    with own_database() as url, tempfile.TemporaryDirectory(prefix="bench-") as directory:
        say(f"Writing {plan.messages:,} messages")
        data = fill(messages=plan.messages)
        with _targets(plan, data, url, Path(directory) / "recording.json", say) as targets:
            rounds = _measure(plan, targets, say)
        return report(data, rounds, load_before=load_before)


@contextmanager
def _targets(plan: Plan, data: Dataset, url: str, file: Path, say: Say) -> Iterator[Mapping[str, Target]]:
    sent = {case.name: requests(case, data) for case in plan.cases}
    with ExitStack() as started:

        def server(kind: str, variables: Mapping[str, str]) -> Server:
            say(f"Starting {kind}{' with bare views' if variables else ''}")
            one = Server(kind, {"DATABASE_URL": url, **variables})
            started.callback(one.stop)
            one.start()
            return one

        real = {kind: HTTPTarget(server(kind, {}), sent, plan.connections) for kind in ARGUMENTS}
        recordings = {case.name: _record(case, data, real["wsgi"].server.port) for case in plan.cases}
        recording.save(file, recordings)
        bare: dict[str, Target] = {}
        for kind in ARGUMENTS:
            beside = server(kind, {**BARE_SETTINGS, recording.VARIABLE: str(file)})
            for view in ("constant", "statement"):
                paths = {case.name: [raw_request("GET", f"/{view}/{case.name}")] for case in plan.cases}
                bare[f"bare_{view}_{kind}"] = HTTPTarget(beside, paths, plan.connections)
        yield {**real, **bare, STATEMENT: StatementTarget(url, recordings)}


def requests(case: Case, data: Dataset) -> list[str]:
    """Those of a case, each of its user, as they go over the wire."""
    return [
        raw_request(call.method, call.path, token=access_token(call.user), body=call.body)
        for call in case.calls(data)
    ]


def access_token(user: UUID) -> str:
    """Good for as long as a run may take."""
    token = AccessToken()
    token["user_id"] = str(user)
    token.set_exp(lifetime=timedelta(hours=6))
    return str(token)


def _record(case: Case, data: Dataset, port: int) -> Recording:
    """A reply of the size in the middle, and the statements."""
    replies = sorted((_reply(port, call) for call in case.calls(data)), key=len)
    seen = cases.statements(case, data)
    return Recording(replies[len(replies) // 2], seen[0].sql, [statement.params for statement in seen])


def _reply(port: int, call: Call) -> str:
    """What the API answers. Raises ConnectionError where it refuses."""
    connection = HTTPConnection(HOST, port, timeout=30)
    headers = {"Authorization": f"Bearer {access_token(call.user)}", "Content-Type": "application/json"}
    connection.request(call.method, call.path, call.body or None, headers)
    reply = connection.getresponse()
    body = reply.read().decode()
    connection.close()
    if reply.status not in {200, 201}:
        raise ConnectionError(f"{call.method} {call.path}: {reply.status} {body[:500]}")
    return body


def _measure(plan: Plan, targets: Mapping[str, Target], say: Say) -> dict[tuple[str, str], list[Round]]:
    """Round by round through everything, so that a machine that changes its pace changes it for all."""
    rounds: dict[tuple[str, str], list[Round]] = defaultdict(list)
    for case in plan.cases:
        for target in targets.values():
            target.load(case.name, min(0.5, plan.seconds))  # connections, caches, function plans
    for number in range(1, plan.rounds + 1):
        for case in plan.cases:
            say(f"Round {number} of {plan.rounds}: {case.title}")
            for name, target in targets.items():
                rounds[case.name, name].append(target.load(case.name, plan.seconds))
    return rounds
