"""`manage.py prepare`: tables, static files and demo accounts, before the servers start."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from chatbackend.env import kept_secret
from conversations.models import User

PEOPLE = ("alice", "bob", "carol")


class Command(BaseCommand):
    """Part of `make run`; safe to run again."""

    help = "Migrates, collects static files, and makes the demo accounts where there is no account yet."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["redoc"])
        if not User.objects.exists():
            make_demo_accounts(
                settings.DEMO_PASSWORD or kept_secret(settings.STATE_DIR / "demo_password", size=9)
            )
            self.stdout.write(f"Made the accounts {', '.join(PEOPLE)} and admin")


def make_demo_accounts(password: str) -> None:
    """alice, bob and carol, and `admin` who may do everything."""
    for name in PEOPLE:
        User.objects.create_user(name, password, display_name=name.capitalize())
    User.objects.create_superuser("admin", password, display_name="Admin")
