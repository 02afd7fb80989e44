"""Parts are killed with -9 while people talk: whatever was acked is there once, and everybody heard it once, in order.

`CHAOS_KILLS` and `CHAOS_SEED` set how often, and repeat a run; `make chaos` is the long form. Without them there are
twenty kills, of each part one at least.
"""

import asyncio
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

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
ALONE_S = (
    PROMISED_S + SLACK_S + 2.0
)  # without Redis, and then with it: long enough to hear without reconnecting


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
    """Seven people in one group: two write over REST, two over sockets, three listen, all of them somewhere else.

    In a quiet one all is said at the first server and heard at the second: only Redis or the sweep carries it there.
    """

    servers: list[str]
    far: Ledger = field(default_factory=Ledger)
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
        self._pair()

    def _pair(self) -> None:
        near, far = self.servers
        (_, teller), (ident, hearer) = (self._person(name, 0) for name in ("tess", "hans"))
        teller.servers, hearer.servers = [near], [far]
        made = self._post("conversations", teller, type="group", name="Quiet", participant_ids=[ident])
        self.teller, self.quiet = teller, made["id"]
        self.listeners.append(Listener(hearer, self.quiet, self.far))

    @property
    def ledgers(self) -> dict[str, Ledger]:
        """What was said, by conversation."""
        return {self.room: self.ledger, self.quiet: self.far}

    def story(self, client_ids: Set[str], began: float) -> str:
        """Of the first of these messages: when it was acked and heard, in seconds since `began`."""
        acked = {name: told for ledger in self.ledgers.values() for name, told in ledger.acked.items()}
        first = min(client_ids & acked.keys(), key=lambda name: acked[name].at, default=None)
        if first is None:
            return f"never acked: {sorted(client_ids)[:5]}"
        told = acked[first]
        heard = [
            f"{listener.person.name} heard it at {heard.at - began:.2f} s"
            for listener in self.listeners
            for heard in listener.heard
            if heard.client_id == first
        ]
        start = f"{first}: acked at {told.at - began:.2f} s as seq {told.seq}, version {told.version}"
        return "; ".join([start, *(heard or ["nobody heard it"])])

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
        talking.append(Sender(self.teller, self.quiet, self.far, stop).over_rest())
        said = asyncio.gather(*talking)
        await _until(ending.is_set, float("inf"))
        stop.set()
        await asyncio.wait_for(said, PATIENCE_S)
        await _until(
            lambda: all(listener.version >= listener.ledger.head for listener in self.listeners), PATIENCE_S
        )
        for task in listening:
            task.cancel()


async def _until(true: Callable[[], bool], patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while not true() and time.monotonic() < until:  # noqa: ASYNC110 - what it waits for is another thread's
        await asyncio.sleep(0.05)


def _targets(chance: random.Random) -> Iterator[str]:
    """Each part once, and then by chance."""
    yield from PARTS[:KILLS]
    for _ in range(KILLS - len(PARTS)):
        yield chance.choice(PARTS)


@pytest.fixture(scope="module")
def talk(deployment: Deployment) -> Talk:
    """What came of it: everything was killed, and is there again."""
    chance, ending = random.Random(SEED), threading.Event()
    talk = Talk([f"127.0.0.1:{server.port}" for server in deployment.webs.values()])
    thread = threading.Thread(target=lambda: asyncio.run(talk.run(ending)))
    thread.start()
    try:
        for place, part in enumerate(_targets(chance)):
            alone = (
                ALONE_S if place == PARTS.index("redis") else 0.0
            )  # nobody reconnects: it must come by itself
            time.sleep(chance.uniform(0.2, 0.8))  # talk goes on
            deployment.kill(part)
            time.sleep(alone or chance.uniform(0.0, 2.0 if part == "redis" else 0.5))  # and without it
            deployment.restore(part)
            time.sleep(alone)
    finally:
        ending.set()
        thread.join(3 * PATIENCE_S)
    resets = sum(listener.resets for listener in talk.listeners)
    said = sum(len(ledger.acked) for ledger in talk.ledgers.values())
    print(f"seed {SEED}, {said} messages, {resets} resets\n{deployment.story()}")  # noqa: T201
    return talk


@pytest.mark.slow
@pytest.mark.timeout(60 + 20 * KILLS)
def test_people_went_on_talking(deployment: Deployment, talk: Talk) -> None:
    killed = [outage.part for outage in deployment.outages]
    assert len(killed) == KILLS
    assert set(killed) >= set(PARTS[:KILLS])
    assert all(len(ledger.acked) > 2 * len(killed) for ledger in talk.ledgers.values())
    assert all(listener.resumes for listener in talk.listeners)
    assert [fault for ledger in talk.ledgers.values() for fault in ledger.faults] == []


@pytest.mark.slow
def test_every_acked_message_is_there_once_and_as_acked(deployment: Deployment, talk: Talk) -> None:
    for room, ledger in talk.ledgers.items():
        with psycopg.connect(deployment.postgres.url) as connection:
            rows = connection.execute(
                "SELECT client_id, seq, created_version FROM messages WHERE conversation_id = %s AND type = 'text'",
                [room],
            ).fetchall()
        assert (wrong := _wrong(rows, ledger)) == set(), talk.story(wrong, deployment.began)


def _wrong(rows: Sequence[tuple[Any, ...]], ledger: Ledger) -> set[str]:
    """What is there twice, or not as it was acked. Everybody asked until they were acked: nothing else is there."""
    twice = {client_id for client_id, times in Counter(row[0] for row in rows).items() if times > 1}
    there = {client_id: (seq, version) for client_id, seq, version in rows}
    acked = {client_id: (told.seq, told.version) for client_id, told in ledger.acked.items()}
    return twice | {name for name in acked.keys() | there.keys() if there.get(name) != acked.get(name)}


@pytest.mark.slow
def test_everybody_heard_each_message_once_and_in_order(deployment: Deployment, talk: Talk) -> None:
    for listener in talk.listeners:
        seqs = [heard.seq for heard in listener.heard]
        assert seqs == sorted(set(seqs)), listener.person.name
        missed = listener.ledger.acked.keys() - {heard.client_id for heard in listener.heard}
        assert missed == set(), f"{listener.person.name} missed {talk.story(missed, deployment.began)}"


@pytest.mark.slow
def test_who_was_connected_heard_within_seconds(deployment: Deployment, talk: Talk) -> None:
    """Also while Redis was dead. What was acked beside an outage of PostgreSQL may wait for its return."""
    late: set[str] = set()
    for listener in talk.listeners:
        at = {heard.client_id: heard.at for heard in listener.heard}
        for client_id, acked in listener.ledger.acked.items():
            latest = acked.at + PROMISED_S + SLACK_S + _excused(deployment, acked.at)
            connected = any(span.began < acked.at and latest < span.ended for span in listener.spans)
            if connected and at.get(client_id, latest + 1) > latest:
                late.add(client_id)
    assert late == set(), f"{talk.story(late, deployment.began)}\n{deployment.story()}"


def _excused(deployment: Deployment, at: float) -> float:
    """Seconds for which PostgreSQL was away around this moment, or before the message was due."""
    return sum(
        outage.ended - outage.began
        for outage in deployment.outages
        if outage.part in {"postgres", "backend"}
        and outage.began < at + PROMISED_S + SLACK_S
        and at < outage.ended + PROMISED_S
    )


@pytest.mark.slow
def test_the_data_is_whole(deployment: Deployment, talk: Talk) -> None:
    result = json.loads(deployment.manage("check_integrity", "--json"))
    assert result["conversations"] == len(talk.ledgers)
    assert result["faults"] == []
