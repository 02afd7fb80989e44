"""Messages of a conversation."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import access, replica
from conversations.cursors import encode
from conversations.exceptions import NotFound
from conversations.inputs import read_body, read_query
from conversations.pagination import cut, page
from conversations.queries import stamps
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, caller_id, json_reply
from messaging.queries import history
from messaging.queries.history import Window
from messaging.serializers import messages as inputs
from messaging.serializers import shapes
from messaging.services import bulk, messages, notes
from messaging.services.bulk import Line

SENDS = Limit("sends", 40, 2, by_user)  # 20 a second with bursts of 40, as on the socket


@extend_schema(tags=["Messages"])
class MessageViewSet(ChatViewSet):
    """What is said. Reading a history and sending are hot: their own statement checks the account and the seat."""

    hot_actions = frozenset({"list", "create", "own"})
    staff_actions = frozenset({"batch"})
    limits = {"create": [SENDS]}
    problems = {"create": [403], "partial_update": [403, 409], "destroy": [403]}

    @extend_schema(
        operation_id="list_messages",
        parameters=[inputs.WindowSerializer],
        responses={200: shapes.HistoryShape},
    )
    def list(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """A page of the history, ascending: the newest, or what lies before, after or around a seq."""
        window = Window(**read_query(inputs.WindowSerializer, request))
        viewer = caller_id(request)
        found = replica.read(
            lambda: stamps.conversation(viewer=viewer, conversation_id=conversation_id),
            lambda: history.message_history(viewer=viewer, conversation_id=conversation_id, window=window),
        )
        if found is None:
            access.require_active(viewer)
            raise NotFound("No such conversation.")
        before, after = _json(found.has_before), _json(found.has_after)
        return json_reply(f'{{"results":{found.results},"has_before":{before},"has_after":{after}}}')

    @extend_schema(
        operation_id="list_own_messages",
        parameters=[inputs.OwnMessagesSerializer],
        responses={200: shapes.OwnMessagesShape},
    )
    def own(self, request: Request) -> HttpResponse:
        """Everything that the caller wrote and did not take back, the newest first, also where they have left."""
        query, viewer = read_query(inputs.OwnMessagesSerializer, request), caller_id(request)
        written = history.own_messages(viewer=viewer, limit=query["limit"] + 1, after=query["cursor"])
        if not written:
            access.require_active(viewer)
        results, last = cut(written, query["limit"])
        bodies = [message.body for message in results]
        return json_reply(page(bodies, next_cursor=encode(*last.place) if last else None))

    @extend_schema(
        operation_id="send_message",
        request=inputs.NewMessageSerializer,
        responses={201: shapes.SAID, 200: shapes.SAID},
    )
    def create(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """Say something. A `client_id` that the caller used here before answers 200 with the first message.

        With `internal` it is a note among the agents of a case; 403 for anybody else.
        """
        given = read_body(inputs.NewMessageSerializer, request)
        if given.pop("internal"):
            return self._note(caller_id(request), conversation_id, given)
        written = messages.send_message(
            sender_id=caller_id(request), conversation_id=conversation_id, **given
        )
        return json_reply(written.body, status=200 if written.duplicate else 201)

    def _note(self, agent: UUID, conversation_id: UUID, given: Mapping[str, Any]) -> HttpResponse:
        access.require_active(agent)
        noted = notes.write_note(
            agent_id=agent,
            conversation_id=conversation_id,
            content=given["content"],
            client_id=given.get("client_id"),
        )
        return json_reply(noted.body, status=200 if noted.duplicate else 201)

    @extend_schema(operation_id="get_message", responses={200: shapes.MessageShape})
    def retrieve(self, request: Request, conversation_id: UUID, seq: int) -> HttpResponse:
        """One message."""
        found = history.message(viewer=caller_id(request), conversation_id=conversation_id, seq=seq)
        if found is None:
            raise NotFound("No such message.")
        return json_reply(found)

    @extend_schema(
        operation_id="edit_message", request=inputs.EditSerializer, responses={200: shapes.MessageShape}
    )
    def partial_update(self, request: Request, conversation_id: UUID, seq: int) -> HttpResponse:
        """Put other words in one's own message. 409 once it was deleted (`message_deleted`) or edited
        a hundred times (`too_many_edits`)."""
        given = read_body(inputs.EditSerializer, request)
        written = messages.edit_message(
            actor_id=caller_id(request), conversation_id=conversation_id, seq=seq, **given
        )
        return json_reply(written.reply)

    @extend_schema(operation_id="delete_message", responses={200: shapes.MessageShape})
    def destroy(self, request: Request, conversation_id: UUID, seq: int) -> HttpResponse:
        """Take a message back: its sender, an admin, the owner. It keeps its place, with empty content."""
        written = messages.delete_message(
            actor_id=caller_id(request), conversation_id=conversation_id, seq=seq
        )
        return json_reply(written.body)

    @extend_schema(
        operation_id="add_messages", request=inputs.BatchSerializer, responses={201: shapes.BatchShape}
    )
    def batch(self, request: Request, conversation_id: UUID) -> Response:
        """Staff: add what participants said elsewhere, in the order given, all or nothing. A bare array will do."""
        lines = [Line(**_line(item)) for item in read_body(inputs.BatchSerializer, request)["messages"]]
        added = bulk.add_batch(conversation_id=conversation_id, lines=lines, actor_id=caller_id(request))
        results = [
            {"client_id": line.client_id, "seq": added.seqs[line.sender, line.client_id]} for line in lines
        ]
        return Response(
            {"results": results, "inserted": added.inserted, "duplicates": added.duplicates}, status=201
        )


def _line(item: dict[str, Any]) -> dict[str, Any]:
    return {"sender": item["sender_id"], **{name: item[name] for name in item if name != "sender_id"}}


def _json(flag: bool) -> str:
    return "true" if flag else "false"
