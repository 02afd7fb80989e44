"""The door for ASGI servers: HTTP and WebSocket."""

import os
import sys

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")
os.environ.setdefault("CHATBACKEND_PROCESS", "web")
django.setup(set_prefix=False)

# What follows reads settings and models.
from chatbackend import garbage, telemetry  # noqa: E402
from chatbackend.doors import Application, BodyLimit, OneHopHandler, OriginCheck, nowhere  # noqa: E402
from chatbackend.staff_alerts import AlertsConsumer  # noqa: E402
from messaging.routing import websocket_urlpatterns  # noqa: E402

staff_urlpatterns = [path("ws/staff/alerts", AlertsConsumer.as_asgi())]
sockets = URLRouter([*websocket_urlpatterns, *staff_urlpatterns, re_path(r"", nowhere)])  # type: ignore[arg-type]

websocket: Application = OriginCheck(sockets)

if "daphne.server" in sys.modules:  # importing it elsewhere would install Twisted's event loop
    from chatbackend import daphne_listening, daphne_requests, daphne_sockets

    daphne_listening.install()
    daphne_requests.install()
    daphne_sockets.install()
    websocket = daphne_sockets.wired(websocket)

telemetry.start()  # before the handler reads the middleware

application = ProtocolTypeRouter({"http": BodyLimit(OneHopHandler()), "websocket": websocket})

garbage.settle()
