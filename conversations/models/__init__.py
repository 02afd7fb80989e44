"""Accounts, conversations, participants and the business inbox."""

from conversations.models.audit import AuditEntry
from conversations.models.blocks import Block
from conversations.models.business import BusinessAgent, BusinessCase
from conversations.models.canned import CannedReply
from conversations.models.conversations import Conversation
from conversations.models.keys import ContentKey
from conversations.models.notices import SocketNotice
from conversations.models.participants import Participant
from conversations.models.presence import LastSeen, Presence, SocketProcess
from conversations.models.tickets import SocketTicket
from conversations.models.users import User

__all__ = [
    "AuditEntry",
    "Block",
    "BusinessAgent",
    "BusinessCase",
    "CannedReply",
    "ContentKey",
    "Conversation",
    "LastSeen",
    "Participant",
    "Presence",
    "SocketNotice",
    "SocketProcess",
    "SocketTicket",
    "User",
]
