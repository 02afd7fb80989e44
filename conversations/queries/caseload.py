"""What a business's agents had to do, in numbers."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conversations.queries.statement import rows


class Times(NamedTuple):
    """Seconds from the opening of a case; None where there was none in that time."""

    p50: float | None
    p95: float | None


class Caseload(NamedTuple):
    """Cases of an agent, of nobody, or of everybody. `open` and `pending` are now, the others within a time."""

    agent: UUID | None
    open: int
    pending: int
    opened: int
    resolved: int
    first_response: Times
    resolution: Times


def _within(moment: str) -> str:
    return f"FILTER (WHERE {moment} >= %(since)s::timestamptz AND {moment} < %(until)s::timestamptz)"


def _times(moment: str) -> str:
    spent = f"extract(epoch FROM {moment} - created_at)::float8"
    return f"percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY {spent}) {_within(moment)}"


# Whatever happens to a case is told by a message in it, so its last activity is no earlier.
CASELOAD = f"""
    WITH cases AS (
        SELECT c.created_at, k.status, k.assignee_id, k.first_response_at, k.resolved_at
        FROM conversations c JOIN business_cases k ON k.conversation_id = c.id
        WHERE c.type = 'business' AND c.business_id = %(business)s::text AND c.deleted_at IS NULL
            AND (k.status <> 'resolved' OR c.last_activity_at >= %(since)s::timestamptz)
    )
    SELECT grouping(assignee_id) = 1 AS everybody, assignee_id,
        count(*) FILTER (WHERE status = 'open'), count(*) FILTER (WHERE status = 'pending'),
        count(*) {_within("created_at")}, count(*) {_within("resolved_at")},
        {_times("first_response_at")}, {_times("resolved_at")}
    FROM cases GROUP BY GROUPING SETS ((), (assignee_id))
    ORDER BY everybody DESC, count(*) FILTER (WHERE status <> 'resolved') DESC, assignee_id"""


def caseload(*, business_id: str, since: datetime, until: datetime) -> tuple[Caseload, list[Caseload]]:
    """Everybody's, then each agent's, nobody's among them. One statement, which reads the business's cases.

    Who resolved a case is taken to be whose it is now. The caller has checked access.
    """
    found = rows(CASELOAD, {"business": business_id, "since": since, "until": until})
    all_of_them, *each = [
        Caseload(agent, now, parked, opened, resolved, _seconds(answers), _seconds(solutions))
        for _, agent, now, parked, opened, resolved, answers, solutions in found
    ]
    return all_of_them, each


def _seconds(percentiles: list[float] | None) -> Times:
    p50, p95 = percentiles or (None, None)
    return Times(*(None if each is None else round(each, 3) for each in (p50, p95)))
