"""Somebody of the staff, and what they open."""

import os
import subprocess
import sys
from importlib import import_module
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from chatbackend.benchmark.run import access_token
from chatbackend.benchmark.targets import raw_request
from conversations.models import User

REST: Final = ("metrics", "size", "index-suggestions")
PAGES: Final = (
    "dashboard",
    "statement",
    "endpointhour",
    "relationday",
    "storedfinding",
    "builtindex",
    "alert",
    "report",
    "maintenancerun",
    "explaincall",
)


def requests() -> dict[str, str]:
    """Path → the request of an account that may see everything."""
    user = User.objects.create(username="bench-staff", is_staff=True, is_superuser=True)
    token, cookie = access_token(UUID(str(user.pk))), f"{settings.SESSION_COOKIE_NAME}={_signed_in(user)}"
    paths = [f"/admin/database/{name}" for name in REST]
    pages = [f"/admin/dbperf/{name}/" for name in PAGES]
    return {path: raw_request("GET", path, token=token) for path in paths} | {
        page: raw_request("GET", page, cookie=cookie) for page in pages
    }


def collect_static(directory: str) -> None:
    """What the pages of the admin name, as a server with DEBUG=off looks for it; into `directory`."""
    own = {
        "STATIC_ROOT": directory,
        "DEBUG": "off",
        "CHATBACKEND_EMBEDDED": "on",
        "SECRET_KEY": settings.SECRET_KEY,
    }
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
        cwd=settings.BASE_DIR,
        env={**os.environ, **own},
        check=True,
    )


def _signed_in(user: User) -> str:
    """The key of a session of the admin."""
    session: Any = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)
