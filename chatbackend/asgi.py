"""The door for ASGI servers: HTTP and WebSocket."""

import os
from importlib import import_module
from importlib.util import find_spec

import django
from channels.routing import ProtocolTypeRouter, URLRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")
os.environ.setdefault("CHATBACKEND_PROCESS", "web")
django.setup(set_prefix=False)

from chatbackend.doors import BodyLimit, OneHopHandler, OriginCheck  # noqa: E402 - reads the settings

sockets = import_module("messaging.routing").websocket_urlpatterns if find_spec("messaging.routing") else []

application = ProtocolTypeRouter(
    {"http": BodyLimit(OneHopHandler()), "websocket": OriginCheck(URLRouter(sockets))}
)
