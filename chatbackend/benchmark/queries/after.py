"""The same through the code that the API calls."""

from itertools import count

from django.utils import timezone

from chatbackend.benchmark.queries.asking import BULK, CONTENT, MOST_ROOMS, PAGE, Ask
from conversations.queries import inbox as inboxes
from messaging import terms
from messaging.queries import changes, history
from messaging.services import bulk, messages
from messaging.services import search as searches

_NUMBERS = count()


def history_newest(ask: Ask) -> object:
    return _page(ask, history.Window(PAGE))


def history_deep(ask: Ask) -> object:
    return _page(ask, history.Window(PAGE, before=ask.seq))


def _page(ask: Ask, window: history.Window) -> object:
    found = history.message_history(viewer=ask.user, conversation_id=ask.conversation, window=window)
    if found is None:
        raise LookupError(ask)
    return found


def unread_totals(ask: Ask) -> object:
    return inboxes.unread_totals(viewer=ask.user)


def inbox(ask: Ask) -> object:
    return inboxes.inbox(viewer=ask.user, wanted=inboxes.InboxFilter(), limit=PAGE + 1)


def latest_per_conversation(ask: Ask) -> object:
    """A page of the inbox brings them, with all the rest."""
    return inboxes.inbox(viewer=ask.user, wanted=inboxes.InboxFilter(), limit=MOST_ROOMS)


def business_inbox(ask: Ask) -> object:
    return inboxes.business_inbox(
        viewer=ask.user, business_id=ask.business, wanted=inboxes.InboxFilter(), limit=PAGE + 1
    )


def changes_since(ask: Ask) -> object:
    if changes.head(viewer=ask.user, conversation_id=ask.conversation) is None:
        raise LookupError(ask)
    return changes.changes_since(conversation_id=ask.conversation, after=ask.seq, limit=PAGE)


def search(ask: Ask) -> object:
    wanted = searches.Wanted(viewer=ask.user, terms=terms.read(ask.text), limit=20)
    return searches.find_messages(wanted)


def send_message(ask: Ask) -> object:
    return messages.send_message(sender_id=ask.user, conversation_id=ask.conversation, content=CONTENT)


def bulk_insert(ask: Ask) -> object:
    now = timezone.now()
    lines = [bulk.Line(ask.user, CONTENT, now, f"bulk-{next(_NUMBERS)}") for _ in range(BULK)]
    return bulk.add_batch(conversation_id=ask.conversation, lines=lines)
