"""The staff's socket `/ws/staff/alerts`: says that alerts of the database changed, never what. The page then asks for
itself, so a message that is lost or heard by mistake tells nobody anything."""

import asyncio
import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from channels.exceptions import DenyConnection
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth import get_user
from django.db import Error
from django.http import HttpRequest

from chatbackend.doors import Scope, same_origin
from messaging.consumers import work

log = logging.getLogger(__name__)

GROUP = "staff.alerts"
PERMISSION = "dbperf.view_metrics"
RECHECK_S = 30.0
SEND_TIMEOUT_S = 2.0
NOT_ALLOWED = 4403
UNASKED = 4400


def push(changed: Collection[int]) -> None:
    """Tells every process, from a thread of its own: nobody waits for Redis. What the layer loses, a page finds when it
    next looks."""
    _teller().submit(_tell, {"type": "alerts.changed", "alerts": sorted(changed)})


@cache
def _teller() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="staff-alerts")


def _tell(message: dict[str, Any]) -> None:
    try:
        asyncio.run(_send(message))
    except Exception as error:  # whatever the layer raises
        log.warning("pages of alerts could not be told of a change (%s)", type(error).__name__)


async def _send(message: dict[str, Any]) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await get_channel_layer().group_send(GROUP, message)


def may_see(session_key: str) -> bool:
    """Whether this session of the admin belongs to somebody who may see alerts at this moment."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return user.is_active and bool(getattr(user, "is_staff", False)) and user.has_perm(PERMISSION)


class AlertsConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Sends `{"event": "alerts", "alerts": [id, …]}`. Who may hear it is asked at the beginning, before each message,
    and twice a minute; then it says that it is still there, or a proxy would take it for dead."""

    async def connect(self) -> None:
        """Joins before it accepts: what changes from then on is heard."""
        self._watch: asyncio.Task[None] | None = None
        self._key = session_key(self.scope)
        if not from_our_pages(self.scope) or not await self._allowed():
            raise DenyConnection
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        self._watch = asyncio.create_task(self._look_again(), name="staff-alerts")

    async def disconnect(self, code: int) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive(self, *args: Any, **kwargs: Any) -> None:
        """Nobody has anything to say here."""
        await self.close(UNASKED)

    async def alerts_changed(self, message: dict[str, Any]) -> None:
        """From the channel layer."""
        if await self._allowed():
            await self.send_json({"event": "alerts", "alerts": message["alerts"]})
        else:
            await self.close(NOT_ALLOWED)

    async def _allowed(self) -> bool:
        """A database that does not answer allows nothing."""
        with suppress(Error):
            return bool(self._key) and await work.run(may_see, self._key)
        return False

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_S)
            if not await self._allowed():
                await self.close(NOT_ALLOWED)
                return
            await self.send_json({"event": "still"})


def from_our_pages(scope: Scope) -> bool:
    """A cookie says who it is, so it has to be one of our own pages that shows it: no other front end, no program."""
    headers = dict(scope["headers"])
    origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
    return same_origin(origin, host)


def session_key(scope: Scope) -> str:
    """Out of the admin's cookie; empty where there is none."""
    cookies = SimpleCookie()
    with suppress(CookieError):
        cookies.load(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    found = cookies.get(settings.SESSION_COOKIE_NAME)
    return found.value if found else ""
