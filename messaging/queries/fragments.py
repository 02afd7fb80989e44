"""How PostgreSQL writes a message. The one home of its shape."""

from conversations.queries.fragments import time, user

# Over messages m and their senders u (left joined: notices may come from nobody).
MESSAGE = f"""(SELECT row_to_json(said) FROM (SELECT m.conversation_id AS conversation, m.seq, m.version, m.type,
    {user("u")} AS sender, m.content, m.metadata, m.reply_to_seq AS reply_to, m.reply_count, m.client_id, m.mentions,
    '[]'::json AS attachments, '[]'::json AS reactions, {time("m.sent_at")} AS sent_at,
    {time("m.edited_at")} AS edited_at, {time("m.deleted_at")} AS deleted_at) said)"""

# Over conversations c: whether the viewer may read it. The same rule as ConversationQuerySet.visible_to.
# Uses index: participants_unique_user, business_agents_unique_user.
READABLE = """c.deleted_at IS NULL AND EXISTS (
        SELECT FROM users v WHERE v.id = %(viewer)s AND v.is_active)
    AND (EXISTS (SELECT FROM participants p WHERE p.conversation_id = c.id AND p.user_id = %(viewer)s
                 AND p.left_at IS NULL)
         OR (c.type = 'business' AND EXISTS (
             SELECT FROM business_agents g WHERE g.business_id = c.business_id AND g.user_id = %(viewer)s)))"""
