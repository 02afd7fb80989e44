"""How PostgreSQL writes a message. The one home of its shape."""

from conversations.queries.fragments import flag, maybe, obj, said, text, time, user, word

FILES = "/api/v1/attachments/"

_REACTION = obj(
    emoji="(e.value->'emoji')::text",
    count="(e.value->'count')::text",
    mine=flag("e.value->>'emoji' = ANY(o.emojis)"),
)


_URL = f"'{FILES}' || f.id"
# Over attachments f.
ATTACHMENT = obj(
    id=word("f.id"),
    name=text("f.name"),
    content_type=word("f.content_type"),
    size="f.size",
    width=maybe("f.width"),
    height=maybe("f.height"),
    thumbnail_url=maybe("CASE WHEN f.thumbnail THEN " + word(f"{_URL} || '/thumbnail'") + " END"),
    url=word(_URL),
)

# Few messages have files: the others cost a look at a null. The rows were there before the message, so that the
# statement that writes it can read them. Uses index: attachments_pkey.
_ATTACHMENTS = f"""CASE WHEN m.attachments IS NULL THEN '[]' ELSE (
    SELECT '[' || coalesce(string_agg({ATTACHMENT}, ',' ORDER BY named.place), '') || ']'
    FROM unnest(m.attachments) WITH ORDINALITY named (id, place) JOIN attachments f ON f.id = named.id) END"""


def _reactions(viewer: str | None) -> str:
    """`[{emoji, count, mine}]`. Few messages have any: the others cost a look at a null.

    Uses index: reactions_unique_user.
    """
    if viewer is None:
        return "coalesce(m.reactions::text, '[]')"
    return f"""CASE WHEN m.reactions IS NULL THEN '[]' WHEN {viewer} IS NULL THEN m.reactions::text ELSE (
        SELECT '[' || string_agg({_REACTION}, ',' ORDER BY e.ordinality) || ']'
        FROM jsonb_array_elements(m.reactions) WITH ORDINALITY e,
            (SELECT coalesce((SELECT r.emojis FROM reactions r
                WHERE r.message_id = m.id AND r.user_id = {viewer}), '{{}}') AS emojis) o) END"""


def message(viewer: str | None) -> str:
    """A message as this viewer sees it; as everybody is told, without `mine`, where the viewer is null or None.

    Over messages m and their senders u (left joined: notices may come from nobody).
    """
    return obj(
        conversation=word("m.conversation_id"),
        seq="m.seq",
        version="m.version",
        type=word("m.type"),
        sender=maybe(user("u")),
        content=said("m.content", "m"),
        metadata="m.metadata",
        reply_to=maybe("m.reply_to_seq"),
        reply_count="m.reply_count",
        client_id=maybe(text("m.client_id")),
        mentions="array_to_json(m.mentions)",
        attachments=_ATTACHMENTS,
        reactions=_reactions(viewer),
        sent_at=time("m.sent_at"),
        edited_at=maybe(time("m.edited_at")),
        deleted_at=maybe(time("m.deleted_at")),
    )


MESSAGE = message("%(viewer)s::uuid")
TOLD = message(None)

# Over conversations c: whether the viewer may read it. The same rule as ConversationQuerySet.visible_to.
# Uses index: participants_unique_user or participants_user_live (one seat among a person's, or all of them hashed: for
# one conversation their costs are so close that the planner takes now this, now that), business_agents_unique_user.
READABLE = """c.deleted_at IS NULL AND EXISTS (
        SELECT FROM users v WHERE v.id = %(viewer)s AND v.is_active)
    AND (EXISTS (SELECT FROM participants p WHERE p.conversation_id = c.id AND p.user_id = %(viewer)s
                 AND p.left_at IS NULL)
         OR (c.type = 'business' AND EXISTS (
             SELECT FROM business_agents g WHERE g.business_id = c.business_id AND g.user_id = %(viewer)s)))"""

# Over reactions r: what somebody has put under a message by now.
REACTED = obj(user=word("r.user_id"), emojis="array_to_json(r.emojis)")
