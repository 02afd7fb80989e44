"""`manage.py demo`: something to look at."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbackend import console
from chatbackend.demo import accounts, staging


class Command(BaseCommand):
    """A second run changes nothing."""

    help = "Fills in direct, group and business conversations among the demo accounts, once."

    def handle(self, *args: Any, **options: Any) -> None:
        password = accounts.password()
        if not password and (missing := accounts.missing()):
            raise CommandError(f"DEMO_PASSWORD is needed for the accounts to make: {', '.join(missing)}")
        made = staging.fill(password=password)
        if not made:
            self.stdout.write("The demo data is there already")
            return
        rows = ((str(room), room.type, room.last_seq, room.participant_count) for room in made)
        console.table(self.stdout, "Made", ("conversation", "type", "messages", "people"), rows)
