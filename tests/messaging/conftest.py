"""A talk to look for things in."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from conversations.models import User
from messaging.services import bulk
from messaging.services.bulk import Line
from tests import factories


@pytest.fixture
def talk() -> tuple[User, User, UUID]:
    """Eighty messages of two people, every tenth with the word, one a minute."""
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    lines = [
        Line(
            sender=(ann, bob)[number // 10 % 2].pk,
            content=f"{'apple ' * (number % 10 == 0)}number {number}",
            sent_at=datetime(2026, 1, 1, 10, tzinfo=UTC) + timedelta(minutes=number),
            client_id=str(number),
        )
        for number in range(1, 81)
    ]
    bulk.add_batch(conversation_id=room, lines=lines)
    return ann, bob, room
