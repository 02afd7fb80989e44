"""`manage.py prepare`: tables, static files and demo accounts, before the servers start."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections

from chatbackend.demo import accounts
from conversations.models import User
from dbperf.aliases import EXPLAIN
from dbperf.connections import Database
from dbperf.services import explaining


class Command(BaseCommand):
    """Part of `make run`; safe to run again."""

    help = "Migrates, collects static files, grants what monitoring uses, makes the demo accounts once."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["redoc"])
        if EXPLAIN in connections.settings:
            explaining.prepare_login(
                Database("default")
            )  # what is left for a superuser, `db_setup` says when asked
        if not User.objects.exists():
            accounts.make_demo_accounts(accounts.password())
            self.stdout.write(f"Made the accounts {', '.join(accounts.ACCOUNTS)}")
