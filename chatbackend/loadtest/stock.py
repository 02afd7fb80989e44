"""What the pattern of Channels' own tutorial does beside it: every socket is a consumer and a member of the group.

The frame is encoded once, which the tutorial does for each socket, and nothing is written to PostgreSQL, so that all
that differs is the delivery.
"""

import json
import os
from itertools import count
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")
os.environ.setdefault("CHATBACKEND_PROCESS", "web")
django.setup(set_prefix=False)

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 - after the settings
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

GROUP = "stock"
_versions = count(1)


class StockConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Hands everything said to the group."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept("chat.v1")
        await self.send(text_data='{"event":"hello","heads":{}}')

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        said = json.loads(text_data or "{}")
        if said["op"] == "ping":
            return
        version = next(_versions)
        message = _message(said, version)
        frame = (
            f'{{"event":"message.created","conversation":"{UUID(said["conversation"])}","version":{version},'
            f'"prev":{version - 1},"data":{message}}}'
        )
        await self.channel_layer.group_send(GROUP, {"type": "chat.message", "frame": frame})
        await self.send(text_data=f'{{"event":"ack","ref":{said["ref"]},"result":{message}}}')

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Something was said."""
        await self.send(text_data=event["frame"])


def _message(said: dict[str, Any], version: int) -> str:
    """As large as a message of ours."""
    person = {"id": "019bc60c-84ad-7c5e-b05b-6b1d1f1b1f1b", "username": "loadtest-stock-1"}
    sender = {**person, "display_name": "Load test 1", "avatar_url": ""}
    message = {
        "id": f"{said['conversation']}:{version}",
        "conversation": said["conversation"],
        "seq": version,
        "version": version,
        "sender": sender,
        "type": "text",
        "content": said["content"],
        "metadata": {},
        "mentions": [],
        "client_id": said["client_id"],
        "sent_at": "2026-01-01T00:00:00.000000Z",
    }
    return json.dumps(message, separators=(",", ":"))


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


application = ProtocolTypeRouter(
    {
        "http": _nothing,
        "websocket": URLRouter([path("ws/chat", StockConsumer.as_asgi())]),
    }
)
