"""What open sockets must obey at once."""

from uuid import UUID

from conversations import events
from conversations.events import PersonChange
from conversations.models import SocketNotice


def tell(
    *, user_id: UUID, change: PersonChange, business_id: str | None = None, session: str | None = None
) -> None:
    """Tells every process's sockets of a person, once the present transaction has committed.

    The row is for the processes that Redis does not reach: they find it within seconds.
    """
    SocketNotice.objects.create(user_id=user_id, change=change, business_id=business_id, session=session)
    events.publish_person(user=user_id, change=change, business_id=business_id, session=session)
