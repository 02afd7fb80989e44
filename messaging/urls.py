"""Addresses below /api/v1: messages and what changed."""

from django.urls import path

from conversations.urls import CONVERSATION
from messaging.views.attachments import AttachmentViewSet
from messaging.views.changes import ChangesViewSet
from messaging.views.messages import MessageViewSet
from messaging.views.notes import NoteViewSet
from messaging.views.pins import PinViewSet
from messaging.views.reactions import ReactionViewSet
from messaging.views.reports import ReportViewSet
from messaging.views.search import SearchViewSet
from messaging.views.stats import StatsViewSet
from messaging.views.threads import ThreadViewSet

attachments = AttachmentViewSet.as_view
changes = ChangesViewSet.as_view
messages = MessageViewSet.as_view
notes = NoteViewSet.as_view
search = SearchViewSet.as_view
threads = ThreadViewSet.as_view

urlpatterns = [
    path(f"{CONVERSATION}/messages", messages({"get": "list", "post": "create"})),
    path(f"{CONVERSATION}/changes", changes({"get": "list"})),
    path(f"{CONVERSATION}/stats", StatsViewSet.as_view({"get": "retrieve"})),
    path("users/me/messages", messages({"get": "own"})),
    path("search/messages", search({"get": "list"})),
    path("attachments", attachments({"post": "create"})),
    path("attachments/<uuid:attachment_id>", attachments({"get": "retrieve"})),
    path("attachments/<uuid:attachment_id>/thumbnail", attachments({"get": "thumbnail"})),
    path("sync", changes({"post": "sync"})),
    path(f"{CONVERSATION}/messages/batch", messages({"post": "batch"})),
    path(
        f"{CONVERSATION}/messages/<seq:seq>",
        messages({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path(f"{CONVERSATION}/messages/<seq:seq>/replies", threads({"get": "replies"})),
    path(f"{CONVERSATION}/messages/<seq:seq>/receipts", threads({"get": "receipts"})),
    path(f"{CONVERSATION}/messages/<seq:seq>/history", threads({"get": "history"})),
    path(f"{CONVERSATION}/messages/<seq:seq>/report", ReportViewSet.as_view({"post": "create"})),
    path(f"{CONVERSATION}/notes", notes({"get": "list"})),
    path(
        f"{CONVERSATION}/notes/<seq:number>",
        notes({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path(f"{CONVERSATION}/pins", PinViewSet.as_view({"get": "list"})),
    path(f"{CONVERSATION}/pins/<seq:seq>", PinViewSet.as_view({"put": "pin", "delete": "destroy"})),
    path(
        f"{CONVERSATION}/messages/<seq:seq>/reactions/<str:emoji>",
        ReactionViewSet.as_view({"put": "react", "delete": "destroy"}),
    ),
]
