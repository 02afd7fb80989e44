"""How PostgreSQL writes a message. The one home of its shape."""

from conversations.queries.fragments import maybe, obj, text, time, user, word

# Over messages m and their senders u (left joined: notices may come from nobody).
MESSAGE = obj(
    conversation=word("m.conversation_id"),
    seq="m.seq",
    version="m.version",
    type=word("m.type"),
    sender=maybe(user("u")),
    content=text("m.content"),
    metadata="m.metadata",
    reply_to=maybe("m.reply_to_seq"),
    reply_count="m.reply_count",
    client_id=maybe(text("m.client_id")),
    mentions="array_to_json(m.mentions)",
    attachments="'[]'",
    reactions="'[]'",
    sent_at=time("m.sent_at"),
    edited_at=maybe(time("m.edited_at")),
    deleted_at=maybe(time("m.deleted_at")),
)

# Over conversations c: whether the viewer may read it. The same rule as ConversationQuerySet.visible_to.
# Uses index: participants_unique_user or participants_user_live (one seat among a person's, or all of them hashed: for
# one conversation their costs are so close that the planner takes now this, now that), business_agents_unique_user.
READABLE = """c.deleted_at IS NULL AND EXISTS (
        SELECT FROM users v WHERE v.id = %(viewer)s AND v.is_active)
    AND (EXISTS (SELECT FROM participants p WHERE p.conversation_id = c.id AND p.user_id = %(viewer)s
                 AND p.left_at IS NULL)
         OR (c.type = 'business' AND EXISTS (
             SELECT FROM business_agents g WHERE g.business_id = c.business_id AND g.user_id = %(viewer)s)))"""
