"""Finding messages."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from conversations import access, replica
from conversations.cursors import encode
from conversations.exceptions import NotFound
from conversations.inputs import read_query
from conversations.pagination import page
from conversations.queries import stamps
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging.highlights import highlight
from messaging.queries.search import Hit
from messaging.serializers import shapes
from messaging.serializers.search import SearchSerializer
from messaging.services.search import Wanted, find_messages
from messaging.terms import Terms


@extend_schema(tags=["Messages"])
class SearchViewSet(ChatViewSet):
    """What was said anywhere. Hot: its own statement checks the account and the seats."""

    hot_actions = frozenset({"list"})
    limits = {"list": [Limit("searches", 240, 60, by_user)]}
    problems = {"list": [404, 409]}

    @extend_schema(
        operation_id="search_messages",
        parameters=[SearchSerializer],
        responses={200: shapes.SearchPageShape},
    )
    def list(self, request: Request) -> HttpResponse:
        """Find messages among all that the caller may read, the newest first or the most fitting.

        By relevance, the order is made of the newest 200 matches. 409 (`search_off`) where messages are encrypted.
        """
        query = read_query(SearchSerializer, request)
        terms, after, sort = query.pop("q"), query.pop("cursor"), query.pop("sort")
        viewer = caller_id(request)
        wanted = Wanted(viewer=viewer, terms=terms, after=after, by_rank=sort == "relevance", **query)
        found = replica.read(lambda: stamps.person(viewer=viewer), lambda: find_messages(wanted))
        if not found.readable:
            access.require_active(viewer)
            if wanted.conversation:
                raise NotFound("No such conversation.")
        bodies = [_told(hit, terms) for hit in found.hits]
        return json_reply(page(bodies, next_cursor=encode(*found.next) if found.next else None))


def _told(hit: Hit, terms: Terms) -> str:
    """A message with its highlight, as one more field of the object that PostgreSQL wrote. What lies sealed is never
    among them: every search has a word that must be there."""
    shown = highlight(hit.content, hit.marked, terms.runs).decode()
    return f'{hit.body[:-1]},"highlight":{shown}}}'
