"""dbperf in somebody else's project: Django, PostgreSQL, and nothing of chat."""

import json
import os
import subprocess
import sys

from pytest_django import DjangoDbBlocker

from dbperf.connections import Database
from tests import scratch
from tests.server import ROOT

PROJECT = """
import json, os, sys
import django
from django.conf import settings
from django.contrib import admin
from django.urls import path

settings.configure(
    SECRET_KEY="not of interest here", DEBUG=False, ALLOWED_HOSTS=["testserver"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": json.loads(os.environ["ALONE"])}, STATIC_URL="/static/",
    INSTALLED_APPS=["django.contrib." + name for name in
                    ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")] + ["dbperf"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
        "context_processors": ["django.template.context_processors.request",
                               "django.contrib.auth.context_processors.auth",
                               "django.contrib.messages.context_processors.messages"]}}],
)
django.setup()
urlpatterns = [path("staff/", admin.site.urls)]

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from dbperf.services import looking

call_command("check")
call_command("migrate", verbosity=0)
browser = Client()
browser.force_login(User.objects.create_superuser("admin"))
empty = browser.get("/staff/dbperf/dashboard/")
looking.keep_pulse()
outcome = looking.keep_hour()
pages = [browser.get("/staff/dbperf/" + name + "/") for name in
         ("dashboard", "statement", "relationday", "storedfinding", "endpointhour", "explaincall", "alert", "report")]
print(json.dumps({
    "empty": "Nobody looked thoroughly yet" in empty.content.decode(),
    "statuses": [page.status_code for page in pages],
    "seen": "PostgreSQL" in pages[0].content.decode(),
    "unasked": "cannot be explained here" in pages[5].content.decode(),
    "skipped": [each.check for each in outcome.skipped],
    "drift": [each.subject for each in outcome.findings if each.check == "model_drift"],
    "others": sorted({name.split(".")[0] for name in sys.modules}
                     & {"chatbackend", "conversations", "messaging", "webhooks", "personal"}),
}))
"""


def test_it(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), scratch.database_on(scratch.OWN, "alone") as alias:
        known = Database(alias).connection.settings_dict
        place = {name: known[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
        env = {**os.environ, "ALONE": json.dumps({"ENGINE": "django.db.backends.postgresql", **place})}
        env.pop("DJANGO_SETTINGS_MODULE", None)
        done = subprocess.run(
            [sys.executable, "-c", PROJECT], cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "empty": True,
        "statuses": [200] * 8,
        "seen": True,
        "unasked": True,
        "skipped": [],
        "drift": [],
        "others": [],
    }
