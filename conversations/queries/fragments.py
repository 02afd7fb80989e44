"""How PostgreSQL writes our JSON. Each fragment is an expression over table aliases and yields json.

One home for each shape: a REST reply, a socket event and a replay of it are the same bytes.
"""


def time(expression: str) -> str:
    """A timestamptz as `2026-11-23T22:28:00.123456Z`."""
    return f"""to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def user(alias: str) -> str:
    """`{id, kaha_id, username, display_name, avatar_url}`, or null where the alias has no row."""
    return f"""(SELECT row_to_json(person) FROM (SELECT {alias}.id, {alias}.kaha_id, {alias}.username,
        coalesce(nullif({alias}.display_name, ''), {alias}.username) AS display_name,
        nullif({alias}.avatar_url, '') AS avatar_url) person WHERE {alias}.id IS NOT NULL)"""


# Messages by others after the read position that are neither deleted nor notices: the distance less its exceptions.
# Uses index: messages_uncounted; messages_unique_seq only where own messages lie beyond the read position.
UNREAD = """(CASE WHEN c.last_seq <= coalesce(p.last_read_seq, 0) THEN 0 ELSE
    c.last_seq - coalesce(p.last_read_seq, 0)
    - (SELECT count(*) FROM messages x WHERE x.conversation_id = c.id AND x.seq > coalesce(p.last_read_seq, 0)
       AND (x.deleted_at IS NOT NULL OR x.type = 'system'))
    - (CASE WHEN p.last_sent_seq > p.last_read_seq THEN
       (SELECT count(*) FROM messages x WHERE x.conversation_id = c.id AND x.seq > p.last_read_seq
        AND x.seq <= p.last_sent_seq AND x.sender_id = p.user_id AND x.deleted_at IS NULL AND x.type <> 'system')
       ELSE 0 END)
    END)"""

# Uses index: mentions_unique.
MENTIONED = """(SELECT count(*) FROM mentions n WHERE n.user_id = p.user_id AND n.conversation_id = c.id
    AND n.seq > p.last_read_seq)"""

# Over business_cases b: status, whose it is, how urgent. Null for other conversations.
CASE = f"""(SELECT row_to_json(matter) FROM (SELECT b.status,
    (SELECT {user("a")} FROM users a WHERE a.id = b.assignee_id) AS assignee, b.priority, b.labels,
    {time("b.first_response_at")} AS first_response_at, {time("b.resolved_at")} AS resolved_at
    FROM business_cases b WHERE b.conversation_id = c.id) matter)"""

# Over conversations c: what is the same for everybody who may see it. The data of conversation events.
FACTS = f"""(SELECT row_to_json(facts) FROM (SELECT c.id, c.type, c.name, nullif(c.avatar_url, '') AS avatar_url,
    c.business_id, {time("c.created_at")} AS created_at, {time("c.last_activity_at")} AS last_activity_at, c.version,
    c.last_seq, c.participant_count, CASE WHEN c.type = 'business' THEN {CASE} END AS business) facts)"""

# Over conversations c: its newest message, read by its id.
LAST_MESSAGE = f"""(SELECT row_to_json(newest) FROM (SELECT m.seq, m.type,
    (SELECT {user("w")} FROM users w WHERE w.id = m.sender_id) AS sender, m.content, {time("m.sent_at")} AS sent_at,
    m.deleted_at IS NOT NULL AS deleted FROM messages m WHERE m.id = c.last_message_id) newest)"""

# Over conversations c and participants p: the other of a direct conversation.
PEER = f"""(CASE WHEN c.type = 'direct' THEN (SELECT {user("o")} FROM participants q JOIN users o ON o.id = q.user_id
    WHERE q.conversation_id = c.id AND q.user_id <> p.user_id) END)"""

# Over participants p (nulls for an agent who has not joined the case).
MEMBERSHIP = f"""(SELECT row_to_json(seat) FROM (SELECT coalesce(p.role, 'agent') AS role,
    {time("p.joined_at")} AS joined_at, coalesce(p.last_read_seq, 0) AS last_read_seq,
    {time("p.muted_until")} AS muted_until, p.pinned_at IS NOT NULL AS pinned, p.archived_at IS NOT NULL AS archived,
    coalesce(p.notify, 'all') AS notify) seat)"""

# Over conversations c and participants p: a conversation as its viewer sees it.
CONVERSATION = f"""(SELECT row_to_json(view) FROM (SELECT c.id, c.type, c.name,
    nullif(c.avatar_url, '') AS avatar_url, c.business_id, {time("c.created_at")} AS created_at,
    {time("c.last_activity_at")} AS last_activity_at, c.version, c.last_seq, {LAST_MESSAGE} AS last_message,
    c.participant_count, {UNREAD} AS unread_count, {MENTIONED} AS mention_count, {MEMBERSHIP} AS membership,
    {PEER} AS peer, CASE WHEN c.type = 'business' THEN {CASE} END AS business) view)"""

# Over participants p and their users u.
PARTICIPANT = f"""(SELECT row_to_json(taker) FROM (SELECT {user("u")} AS "user", p.role,
    {time("p.joined_at")} AS joined_at, p.last_read_seq, p.version) taker)"""
