"""What may be read for plans of statements that staff type in. What stands in no line here cannot be read by them."""

from typing import Final

OPEN: Final[dict[str, list[str] | None]] = {
    "participants": None,
    "business_agents": None,
    "mentions": None,
    "presences": None,
    "last_seen": None,
    "socket_processes": None,
    "business_cases": [
        "conversation_id",
        "status",
        "assignee_id",
        "priority",
        "first_response_at",
        "resolved_at",
    ],
    "users": ["id", "kaha_id", "username", "is_active", "is_staff", "date_joined"],
    "conversations": [
        "id",
        "type",
        "business_id",
        "last_seq",
        "version",
        "facts_version",
        "last_message_id",
        "participant_count",
        "created_at",
        "last_activity_at",
        "changed_at",
        "deleted_at",
    ],
    "messages": [
        "id",
        "conversation_id",
        "seq",
        "version",
        "created_version",
        "sender_id",
        "type",
        "reply_to_seq",
        "reply_count",
        "sent_at",
        "edited_at",
        "deleted_at",
    ],
    "reactions": ["id", "message_id", "user_id", "version"],
    "message_revisions": ["id", "message_id", "version", "written_at", "replaced_at"],
    "attachments": [
        "id",
        "owner_id",
        "message_id",
        "content_type",
        "size",
        "width",
        "height",
        "thumbnail",
        "uploaded_at",
        "removed_at",
    ],
}
CONTENT: Final = {
    "messages": ["content", "metadata", "mentions", "reactions", "attachments", "client_id", "words"],
    "conversations": ["name"],
    "users": ["display_name"],
    "reactions": ["emojis"],
    "message_revisions": ["content"],
    "attachments": ["name"],
}


def tables(*, content: bool) -> dict[str, list[str] | None]:
    """Table → columns, None for all; with what people wrote only where that is wanted."""
    if not content:
        return OPEN
    more = {name: [*(OPEN[name] or ()), *columns] for name, columns in CONTENT.items()}
    return {**OPEN, **more}
