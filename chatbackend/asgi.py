"""The door for ASGI servers: HTTP and, where `messaging` has one, WebSocket."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")
os.environ.setdefault("CHATBACKEND_PROCESS", "web")
django.setup(set_prefix=False)

from chatbackend.doors import BodyLimit, OneHopHandler  # noqa: E402 - reads the settings

application = ProtocolTypeRouter({"http": BodyLimit(OneHopHandler())})
