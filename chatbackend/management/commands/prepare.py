"""`manage.py prepare`: tables, static files and demo accounts, before the servers start."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from chatbackend.demo import accounts
from conversations.models import User


class Command(BaseCommand):
    """Part of `make run`; safe to run again."""

    help = "Migrates, collects static files, and makes the demo accounts where there is no account yet."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["redoc"])
        if not User.objects.exists():
            accounts.make_demo_accounts(accounts.password())
            self.stdout.write(f"Made the accounts {', '.join(accounts.ACCOUNTS)}")
