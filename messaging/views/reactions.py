"""Reactions to messages."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging.serializers import shapes
from messaging.services import reactions

REACTS = Limit("reactions", 40, 2, by_user)


@extend_schema(tags=["Messages"], request=None, responses={200: shapes.MessageShape})
class ReactionViewSet(ChatViewSet):
    """One's own emojis under a message. Both calls may be repeated: only what changes is told."""

    limits = {"react": [REACTS], "destroy": [REACTS]}
    problems = {"react": [400, 403, 409], "destroy": [400]}

    @extend_schema(operation_id="react")
    def react(self, request: Request, conversation_id: UUID, seq: int, emoji: str) -> HttpResponse:
        """Put an emoji under a message. 409: it was deleted (`message_deleted`), or has too many reactions."""
        return _react(request, conversation_id, seq, emoji, on=True)

    @extend_schema(operation_id="unreact")
    def destroy(self, request: Request, conversation_id: UUID, seq: int, emoji: str) -> HttpResponse:
        """Take one's own emoji back."""
        return _react(request, conversation_id, seq, emoji, on=False)


def _react(request: Request, conversation_id: UUID, seq: int, emoji: str, *, on: bool) -> HttpResponse:
    written = reactions.react(
        actor_id=caller_id(request), conversation_id=conversation_id, seq=seq, emoji=emoji, on=on
    )
    return json_reply(written.reply)
