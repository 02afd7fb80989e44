"""A pass for one socket, also where two come with it at once."""

import pytest
from django.db import transaction

from conversations.exceptions import Unauthenticated
from conversations.models import SocketTicket, User
from conversations.services import sessions
from tests import factories
from tests.races import Rival


@pytest.mark.django_db(transaction=True)
def test_of_two_who_redeem_a_ticket_at_once_one_gets_in() -> None:
    user = factories.person()
    ticket = sessions.issue_ticket(user=user).ticket
    with transaction.atomic():
        SocketTicket.objects.select_for_update().get()
        rivals = [Rival(sessions.redeem_ticket, ticket=ticket).await_blocked() for _ in range(2)]
    outcomes: list[User | None] = []
    for rival in rivals:
        try:
            outcomes.append(rival.result()[0])
        except Unauthenticated:
            outcomes.append(None)
    assert sorted(outcomes, key=bool) == [None, user]
