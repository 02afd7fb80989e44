"""Who is here. PostgreSQL knows it of all processes; each writes what changed about its own people, in batches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conversations.queries.statement import one, rows

DEAD_AFTER_S = 30.0  # without a word, a process is taken for dead


class Standing(NamedTuple):
    """`status` is `online`, `away` or `offline`; `seen_at` is now for who is online, None for who was never here."""

    user: UUID
    status: str
    seen_at: datetime | None


def beat(process: UUID) -> bool:
    """Says that a process lives; whether that was news, so that its people have to be written anew. One statement."""
    (fresh,) = one(
        """INSERT INTO socket_processes (id, seen_at) VALUES (%(process)s::uuid, clock_timestamp())
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at RETURNING xmax = 0""",
        {"process": process},
    )
    return bool(fresh)


def write(process: UUID, *, active: Mapping[str, bool], gone: Collection[str]) -> None:
    """What changed about the people of a living process. One statement.

    Rows are written in one order, so that two processes do not wait for each other crosswise.
    Uses index: presences_unique_user, last_seen_pkey.
    """
    here = sorted(active)
    rows(
        """WITH alive AS (
            SELECT id FROM socket_processes WHERE id = %(process)s::uuid FOR KEY SHARE
        ), came AS (
            INSERT INTO presences (user_id, process_id, active, changed_at)
            SELECT u.id, alive.id, here.active, clock_timestamp()
            FROM unnest(%(here)s::uuid[], %(active)s::bool[]) AS here (id, active) JOIN users u USING (id), alive
            ORDER BY u.id
            ON CONFLICT (user_id, process_id) DO UPDATE SET active = excluded.active, changed_at = excluded.changed_at
        ), gone AS (
            DELETE FROM presences WHERE process_id = %(process)s::uuid AND user_id = ANY (%(gone)s::uuid[])
            RETURNING user_id
        ), seen AS (
            INSERT INTO last_seen (user_id, seen_at, changed_at)
            SELECT user_id, clock_timestamp(), clock_timestamp() FROM gone ORDER BY user_id
            ON CONFLICT (user_id) DO UPDATE SET seen_at = excluded.seen_at, changed_at = excluded.changed_at
        )
        SELECT 1""",
        {"process": process, "here": here, "active": [active[user] for user in here], "gone": list(gone)},
    )


def bury(*, after_s: float = DEAD_AFTER_S) -> None:
    """Takes the people of dead processes for gone since those last said that they live. One statement.

    Uses index: presences_process, last_seen_pkey.
    """
    rows(
        """WITH dead AS (
            SELECT id, seen_at FROM socket_processes
            WHERE seen_at < clock_timestamp() - make_interval(secs => %(after)s::float8) FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM presences p USING dead WHERE p.process_id = dead.id RETURNING p.user_id, dead.seen_at
        ), seen AS (
            INSERT INTO last_seen (user_id, seen_at, changed_at)
            SELECT user_id, max(seen_at), clock_timestamp() FROM gone GROUP BY user_id ORDER BY user_id
            ON CONFLICT (user_id) DO UPDATE
            SET seen_at = greatest(last_seen.seen_at, excluded.seen_at), changed_at = excluded.changed_at
        ), forgotten AS (
            DELETE FROM socket_processes p USING dead WHERE p.id = dead.id
        )
        SELECT 1""",
        {"after": after_s},
    )


def leave(process: UUID) -> None:
    """The process ends: everybody there is gone now."""
    rows(
        """WITH gone AS (
            DELETE FROM presences WHERE process_id = %(process)s::uuid RETURNING user_id
        ), seen AS (
            INSERT INTO last_seen (user_id, seen_at, changed_at)
            SELECT user_id, clock_timestamp(), clock_timestamp() FROM gone ORDER BY user_id
            ON CONFLICT (user_id) DO UPDATE SET seen_at = excluded.seen_at, changed_at = excluded.changed_at
        ), forgotten AS (
            DELETE FROM socket_processes WHERE id = %(process)s::uuid
        )
        SELECT 1""",
        {"process": process},
    )


def changed(back_s: float) -> list[UUID]:
    """Whose presence changed in the last seconds. One statement. Uses index: presences_changed, last_seen_changed."""
    found = rows(
        """SELECT user_id FROM presences WHERE changed_at > clock_timestamp() - make_interval(secs => %(back)s::float8)
        UNION
        SELECT user_id FROM last_seen WHERE changed_at > clock_timestamp() - make_interval(secs => %(back)s::float8)""",
        {"back": back_s},
    )
    return [user for (user,) in found]


def standings(users: Sequence[UUID]) -> list[Standing]:
    """How these people stand, whoever asks; without closed accounts. One statement.

    Who was at a process that is silent was last seen when it last spoke, also before `bury`.

    Uses index: users_pkey, presences_unique_user, last_seen_pkey.
    """
    found = rows(
        """SELECT u.id, coalesce(here.status, 'offline'),
            CASE WHEN here.status = 'online' THEN clock_timestamp() ELSE greatest(here.since, s.seen_at) END
        FROM users u LEFT JOIN last_seen s ON s.user_id = u.id, LATERAL (
            SELECT
                CASE WHEN bool_or(p.active AND q.alive) THEN 'online' WHEN bool_or(q.alive) THEN 'away' END AS status,
                max(CASE WHEN q.alive THEN p.changed_at ELSE q.seen_at END) AS since
            FROM presences p JOIN (
                SELECT id, seen_at, seen_at > clock_timestamp() - make_interval(secs => %(dead)s::float8) AS alive
                FROM socket_processes) q ON q.id = p.process_id
            WHERE p.user_id = u.id) here
        WHERE u.id = ANY (%(users)s::uuid[]) AND u.is_active""",
        {"users": list(users), "dead": DEAD_AFTER_S},
    )
    return [Standing(*line) for line in found]


def acquainted(pairs: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Those (viewer, user) of whom the first may know whether the second is here. One statement.

    They share a live conversation, or the first answers for a business whose customer the second is. Everybody knows
    themselves.

    Uses index: participants_user_live, participants_unique_user, conversations_pkey, business_agents_unique_user.
    """
    viewers, users = zip(*pairs, strict=True) if (pairs := list(pairs)) else ((), ())
    found = rows(
        """SELECT pair.viewer, pair.person
        FROM unnest(%(viewers)s::uuid[], %(users)s::uuid[]) AS pair (viewer, person)
        JOIN users v ON v.id = pair.viewer AND v.is_active
        WHERE pair.viewer = pair.person OR EXISTS (
            SELECT FROM participants theirs JOIN conversations c ON c.id = theirs.conversation_id
            WHERE theirs.user_id = pair.person AND theirs.left_at IS NULL AND c.deleted_at IS NULL AND (
                EXISTS (SELECT FROM participants mine WHERE mine.conversation_id = c.id
                    AND mine.user_id = pair.viewer AND mine.left_at IS NULL)
                OR EXISTS (SELECT FROM business_agents g
                    WHERE g.business_id = c.business_id AND g.user_id = pair.viewer)))""",
        {"viewers": list(viewers), "users": list(users)},
    )
    return {(viewer, user) for viewer, user in found}
