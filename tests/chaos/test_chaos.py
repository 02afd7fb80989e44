"""Parts are killed with -9 while people talk: whatever was acked is there once, and everybody heard it once, in order.

`CHAOS_KILLS` and `CHAOS_SEED` set how often, and repeat a run; `make chaos` is the long form.
"""

import asyncio
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import psycopg
import pytest

from tests.chaos.deployment import PARTS, PATIENCE_S, Deployment
from tests.chaos.people import Frame, Ledger, Listener, Person, Sender

KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
PASSWORD = "a long one for chaos"
PROMISED_S = 3.0  # until everybody hears an acked message, whatever Redis does
SLACK_S = 3.0  # of a machine that starts servers meanwhile


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """The whole thing, on servers of its own."""
    there = Deployment()
    try:
        there.start()
        yield there
    finally:
        there.stop()


@dataclass
class Talk:
    """Six people in one group: two write over REST, two over sockets, three listen, all of them somewhere else."""

    servers: list[str]
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        names = ("rita", "rolf", "saul", "sina", "lena", "luis", "lara")
        people = {name: self._person(name, place) for place, name in enumerate(names)}
        ids = [ident for ident, _ in people.values()]
        owner = people["rita"][1]
        made = self._post("conversations", owner, type="group", name="Chaos", participant_ids=ids[1:])
        self.room = made["id"]
        self.persons = {name: person for name, (_, person) in people.items()}
        self.listeners = [Listener(self.persons[name], self.room, self.ledger) for name in names[4:]]

    def _person(self, name: str, place: int) -> tuple[str, Person]:
        self._post("auth/register", None, username=name, password=PASSWORD)
        signed_in = self._post("auth/token", None, username=name, password=PASSWORD)
        return signed_in["user"]["id"], Person(name, signed_in["access"], self.servers, place)

    def _post(self, path: str, person: Person | None, **body: object) -> Frame:
        headers = person.headers if person else {}
        reply = httpx.post(f"http://{self.servers[0]}/api/v1/{path}", json=body, headers=headers, timeout=30)
        assert reply.is_success, reply.text
        found: Frame = reply.json()
        return found

    async def run(self, ending: threading.Event) -> None:
        """Until `ending`, and then until everything that was said is acked and was heard."""
        stop = asyncio.Event()
        listening = [asyncio.create_task(listener.listen()) for listener in self.listeners]
        await _until(lambda: all(listener.version for listener in self.listeners), PATIENCE_S)
        senders = {name: Sender(self.persons[name], self.room, self.ledger, stop) for name in self.persons}
        talking = [senders[name].over_rest() for name in ("rita", "rolf")]
        talking += [senders[name].over_socket() for name in ("saul", "sina")]
        said = asyncio.gather(*talking)
        await _until(ending.is_set, float("inf"))
        stop.set()
        await asyncio.wait_for(said, PATIENCE_S)
        head = max(told.version for told in self.ledger.acked.values())
        await _until(lambda: all(listener.version >= head for listener in self.listeners), PATIENCE_S)
        for task in listening:
            task.cancel()


async def _until(true: Callable[[], bool], patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while not true() and time.monotonic() < until:  # noqa: ASYNC110 - what it waits for is another thread's
        await asyncio.sleep(0.05)


def _targets(chance: random.Random) -> Iterator[str]:
    yield from PARTS
    while True:
        yield chance.choice(PARTS)


@pytest.fixture(scope="module")
def talk(deployment: Deployment) -> Talk:
    """What came of it: everything was killed, and is there again."""
    chance, ending = random.Random(SEED), threading.Event()
    talk = Talk([f"127.0.0.1:{server.port}" for server in deployment.webs.values()])
    thread = threading.Thread(target=lambda: asyncio.run(talk.run(ending)))
    thread.start()
    try:
        for part, place in zip(_targets(chance), range(KILLS), strict=False):
            time.sleep(chance.uniform(0.2, 0.8))  # talk goes on
            deployment.kill(part)
            time.sleep(chance.uniform(0.0, 2.0 if part == "redis" else 0.5))  # and without it
            deployment.restore(part)
            if place == PARTS.index("redis"):
                time.sleep(PROMISED_S + SLACK_S + 1)  # nobody reconnects: what Redis lost must come by itself
    finally:
        ending.set()
        thread.join(3 * PATIENCE_S)
    resets = sum(listener.resets for listener in talk.listeners)
    print(f"seed {SEED}, {len(talk.ledger.acked)} messages, {resets} resets\n{deployment.story()}")  # noqa: T201
    return talk


@pytest.mark.slow
@pytest.mark.timeout(60 + 20 * KILLS)
def test_people_went_on_talking(deployment: Deployment, talk: Talk) -> None:
    assert len(deployment.outages) == KILLS
    assert {outage.part for outage in deployment.outages} >= set(PARTS[:KILLS])
    assert len(talk.ledger.acked) > 5 * KILLS
    assert all(listener.resumes for listener in talk.listeners)
    assert talk.ledger.faults == []


@pytest.mark.slow
def test_every_acked_message_is_there_once_and_as_acked(deployment: Deployment, talk: Talk) -> None:
    with psycopg.connect(deployment.postgres.url) as connection:
        rows = connection.execute(
            "SELECT client_id, seq, created_version FROM messages WHERE conversation_id = %s AND type = 'text'",
            [talk.room],
        ).fetchall()
    assert [client_id for client_id, times in Counter(row[0] for row in rows).items() if times > 1] == []
    there = {client_id: (seq, version) for client_id, seq, version in rows}
    acked = {client_id: (told.seq, told.version) for client_id, told in talk.ledger.acked.items()}
    assert {name: (told, there.get(name)) for name, told in acked.items() if there.get(name) != told} == {}
    assert there.keys() == acked.keys()  # everybody asked until they were acked


@pytest.mark.slow
def test_everybody_heard_each_message_once_and_in_order(talk: Talk) -> None:
    for listener in talk.listeners:
        seqs = [heard.seq for heard in listener.heard]
        assert seqs == sorted(set(seqs)), listener.person.name
        missed = talk.ledger.acked.keys() - {heard.client_id for heard in listener.heard}
        assert missed == set(), listener.person.name


@pytest.mark.slow
def test_who_was_connected_heard_within_seconds(deployment: Deployment, talk: Talk) -> None:
    """Also while Redis was dead. What was acked beside an outage of PostgreSQL may wait for its return."""
    late = []
    for listener in talk.listeners:
        at = {heard.client_id: heard.at for heard in listener.heard}
        for client_id, acked in talk.ledger.acked.items():
            latest = acked.at + PROMISED_S + SLACK_S + _excused(deployment, acked.at)
            connected = any(span.began < acked.at and latest < span.ended for span in listener.spans)
            if connected and at.get(client_id, latest + 1) > latest:
                late.append((listener.person.name, client_id))
    assert late == []


def _excused(deployment: Deployment, at: float) -> float:
    """Seconds for which PostgreSQL was away around this moment."""
    return sum(
        outage.ended - outage.began
        for outage in deployment.outages
        if outage.part in {"postgres", "backend"} and outage.began - 1 < at < outage.ended + PROMISED_S
    )


@pytest.mark.slow
def test_the_data_is_whole(deployment: Deployment, talk: Talk) -> None:
    result = json.loads(deployment.manage("check_integrity", "--json"))
    assert result["conversations"] == 1
    assert result["faults"] == []
