"""The staff's pages. Written for tables of millions of rows: see `listing`."""

from django.contrib import admin
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from conversations.admin.audit import AuditEntryAdmin
from conversations.admin.business import BusinessAgentAdmin, BusinessCaseAdmin
from conversations.admin.conversations import ConversationAdmin
from conversations.admin.participants import ParticipantAdmin
from conversations.admin.users import UserAdmin

__all__ = [
    "AuditEntryAdmin",
    "BusinessAgentAdmin",
    "BusinessCaseAdmin",
    "ConversationAdmin",
    "ParticipantAdmin",
    "UserAdmin",
]

# The library's own pages count and sort whole tables, and tokens are nobody's reading.
admin.site.unregister([BlacklistedToken, OutstandingToken])
