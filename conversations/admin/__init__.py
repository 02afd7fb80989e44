"""The staff's pages. Written for tables of millions of rows: see `listing`."""

from conversations.admin.business import BusinessAgentAdmin, BusinessCaseAdmin
from conversations.admin.conversations import ConversationAdmin
from conversations.admin.participants import ParticipantAdmin
from conversations.admin.users import UserAdmin

__all__ = ["BusinessAgentAdmin", "BusinessCaseAdmin", "ConversationAdmin", "ParticipantAdmin", "UserAdmin"]
