"""Notes among the agents of a case. They are written as messages are, with `internal`."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from conversations.cursors import encode
from conversations.inputs import read_body, read_query
from conversations.pagination import cut
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging import access
from messaging.queries import notes as queries
from messaging.records import Place
from messaging.serializers import messages as inputs
from messaging.serializers import shapes
from messaging.services import notes

FIRST = Place(0, 0)


@extend_schema(tags=["Business"])
class NoteViewSet(ChatViewSet):
    """What the agents of a case write to each other: 403 for everybody else in it."""

    problems = {"list": [403], "retrieve": [403], "partial_update": [403, 409], "destroy": [403]}

    @extend_schema(
        operation_id="list_notes",
        parameters=[inputs.NotesSerializer],
        responses={200: shapes.NotesShape},
    )
    def list(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """The notes of a case, ascending: all, or those beside a page of its messages."""
        query = read_query(inputs.NotesSerializer, request)
        version = access.get_notes(viewer=caller_id(request), conversation_id=conversation_id)
        found = queries.page(
            conversation=conversation_id,
            first=query["from_seq"],
            last=query["to_seq"],
            past=query["cursor"] or FIRST,
            limit=query["limit"] + 1,
        )
        results, last = cut(found, query["limit"])
        more = f'"{encode(*last[1])}"' if last else "null"
        bodies = ",".join(body for body, _ in results)
        return json_reply(f'{{"results":[{bodies}],"next":{more},"version":{version}}}')

    @extend_schema(operation_id="get_note", responses={200: shapes.NoteShape})
    def retrieve(self, request: Request, conversation_id: UUID, number: int) -> HttpResponse:
        """One note."""
        access.get_notes(viewer=caller_id(request), conversation_id=conversation_id)
        found = queries.note(conversation=conversation_id, number=number)
        if found is None:
            raise access.no_such_note()
        return json_reply(found)

    @extend_schema(operation_id="edit_note", request=inputs.EditSerializer, responses={200: shapes.NoteShape})
    def partial_update(self, request: Request, conversation_id: UUID, number: int) -> HttpResponse:
        """Put other words in one's own note. 409 (`note_deleted`) once it was deleted."""
        given = read_body(inputs.EditSerializer, request)
        noted = notes.edit_note(
            agent_id=caller_id(request), conversation_id=conversation_id, number=number, **given
        )
        return json_reply(noted.body)

    @extend_schema(operation_id="delete_note", responses={200: shapes.NoteShape})
    def destroy(self, request: Request, conversation_id: UUID, number: int) -> HttpResponse:
        """Take a note back: who wrote it, or an owner of the business. It keeps its number, with empty content."""
        noted = notes.delete_note(agent_id=caller_id(request), conversation_id=conversation_id, number=number)
        return json_reply(noted.body)
