"""`manage.py reindex_search`: the words of all messages, by the rules of SEARCH_LANGUAGE."""

import math
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chatbackend import console
from messaging.queries import words


class Command(BaseCommand):
    """Safe on a server at work, and safe to run again: only messages whose words change are written."""

    help = "Has search take endings off by the rules of SEARCH_LANGUAGE, in new messages and in all others."

    def handle(self, *args: Any, **options: Any) -> None:
        words.use_language(settings.SEARCH_LANGUAGE)
        last, changed = words.last_id(), 0
        with console.progress(self.stderr, "Words", total=math.ceil(last / words.BATCH)) as advance:
            for written in words.rewrite(last):
                changed += written
                advance(f"{changed:,} messages changed")
        self.stdout.write(f"{settings.SEARCH_LANGUAGE}: {changed:,} messages changed")
