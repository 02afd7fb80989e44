"""The door for WSGI servers (Granian): REST in production."""

import os

from django.core.wsgi import get_wsgi_application

from chatbackend import garbage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")
os.environ.setdefault("CHATBACKEND_PROCESS", "web")

application = get_wsgi_application()

garbage.settle()
