"""What a client that was away has missed."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from conversations.cursors import encode
from conversations.inputs import read_body, read_query
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging.serializers import shapes
from messaging.serializers.messages import ChangesSerializer, SyncSerializer
from messaging.services import changes
from messaging.services.changes import Behind


@extend_schema(tags=["Changes"])
class ChangesViewSet(ChatViewSet):
    """Durable events, read back from what is there now: something changed five times comes once."""

    @extend_schema(
        operation_id="list_changes", parameters=[ChangesSerializer], responses={200: shapes.ChangesShape}
    )
    def list(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """What changed in a conversation after a version, ascending."""
        query = read_query(ChangesSerializer, request)
        after, known = query["cursor"] or query["after"] or (0, 0)
        found = changes.changes_since(
            viewer=caller_id(request),
            conversation_id=conversation_id,
            after=after,
            known=known,
            limit=query["limit"],
        )
        following = f'"{encode(found.reached, known)}"' if found.more else "null"
        results = ",".join(found.frames)
        return json_reply(f'{{"results":[{results}],"next":{following},"version":{found.version}}}')

    @extend_schema(operation_id="sync", request=SyncSerializer, responses={200: shapes.SyncShape})
    def sync(self, request: Request) -> HttpResponse:
        """For each of the caller's conversations that moved: its changes, or `reset: true`."""
        given = read_body(SyncSerializer, request)
        behind = changes.sync(viewer=caller_id(request), cursors=given["cursors"])
        return json_reply(f'{{"conversations":[{",".join(map(_line, behind))}]}}')


def _line(behind: Behind) -> str:
    return (
        f'{{"conversation":"{behind.conversation}","version":{behind.version},'
        f'"changes":[{",".join(behind.frames)}],"reset":{"true" if behind.reset else "false"}}}'
    )
