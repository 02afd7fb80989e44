"""Which indexes over the last days there are. dbperf rotates them, knowing nothing of chat."""

from dataclasses import asdict

from conversations.models import Conversation
from dbperf.rotation import Statement, Window, register
from messaging.queries import recent, search
from messaging.queries.search import Search

SAMPLE = 50  # conversations, as many as somebody has


def register_all() -> None:
    """From now on `manage.py db_rotate_indexes` and the clock know them."""
    register(
        Window(
            name=recent.NAME,
            table="messages",
            index="gin (conversation_id uuid_ops, words) WITH (gin_pending_list_limit = 256)",
            condition="deleted_at IS NULL",
            time="sent_at",
            days=30,
            query=_search,
        )
    )


def _search(literal: str) -> Statement:
    """A search in the liveliest groups. Uses index: conversations_type_activity."""
    lively = Conversation.objects.filter(type=Conversation.Type.GROUP).order_by("-last_activity_at")
    rooms = list(lively.values_list("pk", flat=True)[:SAMPLE])
    anybody = Search(viewer=rooms[0] if rooms else Conversation().pk, query="'meeting'", depth=51, limit=51)
    return search.newer(literal), {**asdict(anybody), "conversations": rooms}
