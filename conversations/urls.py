"""Addresses below /api/v1: accounts, conversations, participants, the business inbox."""

from django.urls import path

from conversations.converters import register
from conversations.views.auth import AuthViewSet
from conversations.views.blocks import BlockViewSet
from conversations.views.business import BusinessViewSet
from conversations.views.canned import CannedReplyViewSet
from conversations.views.conversations import ConversationViewSet
from conversations.views.participants import ParticipantViewSet
from conversations.views.users import UserViewSet

register()

CONVERSATION = "conversations/<id:conversation_id>"
BUSINESS = "business/<business:business_id>"

auth = AuthViewSet.as_view
users = UserViewSet.as_view
conversations = ConversationViewSet.as_view
participants = ParticipantViewSet.as_view
business = BusinessViewSet.as_view
canned = CannedReplyViewSet.as_view

urlpatterns = [
    path("conversations", conversations({"get": "list", "post": "create"})),
    path("unread", users({"get": "unread"})),
    path("auth/register", auth({"post": "register"})),
    path("auth/token", auth({"post": "token"})),
    path("auth/token/refresh", auth({"post": "refresh"})),
    path("auth/token/verify", auth({"post": "verify"})),
    path("auth/token/revoke", auth({"post": "revoke"})),
    path("auth/ws-ticket", auth({"post": "ws_ticket"})),
    path("users", users({"get": "list"})),
    path("users/presence", users({"get": "presence"})),
    path("users/me", users({"get": "me", "patch": "update_me"})),
    path("users/me/blocks", BlockViewSet.as_view({"get": "list"})),
    path("users/me/blocks/<id:user_id>", BlockViewSet.as_view({"put": "block", "delete": "destroy"})),
    path("users/<id:user_id>", users({"get": "retrieve"})),
    path("users/by-kaha-id/<str:kaha_id>", users({"get": "by_kaha_id"})),
    path(CONVERSATION, conversations({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})),
    path(f"{CONVERSATION}/leave", conversations({"post": "leave"})),
    path(f"{CONVERSATION}/membership", conversations({"patch": "membership"})),
    path(f"{CONVERSATION}/read", conversations({"post": "read"})),
    path(f"{CONVERSATION}/participants", participants({"get": "list", "post": "create"})),
    path(
        f"{CONVERSATION}/participants/<id:user_id>",
        participants({"patch": "partial_update", "delete": "destroy"}),
    ),
    path(f"{CONVERSATION}/assign", business({"post": "assign"})),
    path(f"{CONVERSATION}/status", business({"post": "set_status"})),
    path(f"{CONVERSATION}/snooze", business({"post": "snooze"})),
    path(f"{BUSINESS}/agents", business({"get": "agents"})),
    path(f"{BUSINESS}/agents/<id:user_id>", business({"put": "put_agent", "delete": "remove_agent"})),
    path(f"{BUSINESS}/conversations", business({"get": "conversations"})),
    path(f"{BUSINESS}/canned-replies", canned({"get": "list", "post": "create"})),
    path(
        f"{BUSINESS}/canned-replies/<id:reply_id>",
        canned({"patch": "partial_update", "delete": "destroy"}),
    ),
    path(f"{BUSINESS}/stats", business({"get": "stats"})),
]
