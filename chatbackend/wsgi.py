"""The door for WSGI servers (Granian): REST in production."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler

from chatbackend import garbage, telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")
os.environ.setdefault("CHATBACKEND_PROCESS", "web")

django.setup(set_prefix=False)
telemetry.start()  # before the handler reads the middleware

application = WSGIHandler()

garbage.settle()
