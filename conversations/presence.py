"""Who is connected, as the processes with sockets tell it in Redis.

Each process has one hash there, of its people and their status, which ends by itself unless the process says every so
often that it lives. So a process costs a few commands a minute, however many people are connected to it, and
whoever was connected to one that was killed is offline soon after.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.utils import timezone
from django_redis import get_redis_connection

Status = Literal["online", "away", "offline"]

MAX_ASKED = 100  # people of one question, and that one socket may watch
SAVED_EVERY_S = 60.0  # how old `last_seen_at` may be of somebody who is here and does something
_PROCESSES = "chat:presence"
_ALIVE = "alive"  # a field beside the ids of people
_RANK: Mapping[str, int] = {"offline": 0, "away": 1, "online": 2}


def announce(process: str, changes: Mapping[str, Status], *, whole: bool = False) -> None:
    """What changed at this process; `whole`: instead of all it told before. One round trip.

    Raises redis.RedisError, as all that follows.
    """
    here = {user: status for user, status in changes.items() if status != "offline"}
    gone = [user for user, status in changes.items() if status == "offline"]
    pipe = get_redis_connection("default").pipeline()
    if whole:
        pipe.delete(_hash(process))
    pipe.hset(_hash(process), mapping={**here, _ALIVE: "1"})
    if gone:
        pipe.hdel(_hash(process), *gone)
    pipe.expire(_hash(process), _ttl())
    pipe.sadd(_PROCESSES, process)
    pipe.execute()


def beat(process: str) -> bool:
    """This process lives. False where Redis has forgotten its people: they are to be announced anew."""
    pipe = get_redis_connection("default").pipeline(transaction=False)
    pipe.expire(_hash(process), _ttl())
    pipe.sadd(_PROCESSES, process)
    known, _ = pipe.execute()
    return bool(known)


def leave(process: str, within_s: float) -> None:
    """This process ends: its people have so long to come back to another one."""
    get_redis_connection("default").expire(_hash(process), max(1, round(within_s)))


def statuses(users: Iterable[str]) -> dict[str, Status]:
    """Those of these users who are connected anywhere. Two round trips, one command for each process."""
    asked = list(users)
    redis = get_redis_connection("default")
    processes = sorted(redis.smembers(_PROCESSES))
    if not asked or not processes:
        return {}
    pipe = redis.pipeline(transaction=False)
    for process in processes:
        pipe.hmget(_hash(process.decode()), _ALIVE, *asked)
    found: dict[str, Status] = {}
    for process, (alive, *told) in zip(processes, pipe.execute(), strict=True):
        if alive is None:
            redis.srem(_PROCESSES, process)
        for user, status in zip(asked, told, strict=True):
            if status is not None:
                found[user] = best(found.get(user, "offline"), status.decode())
    return found


def best(*given: Any) -> Status:
    """What somebody is who is all of this at once, at several devices."""
    found: Status = max(given, key=_RANK.__getitem__, default="offline")
    return found


def guess(seen_at: datetime | None) -> Status:
    """What somebody probably is while Redis is away: who did something lately counts as online."""
    lately = timedelta(seconds=settings.PRESENCE_AWAY_AFTER + SAVED_EVERY_S)
    return "online" if seen_at is not None and timezone.now() - seen_at < lately else "offline"


def _hash(process: str) -> str:
    return f"{_PROCESSES}:{process}"


def _ttl() -> int:
    return max(1, round(2.5 * settings.PRESENCE_BEAT))
