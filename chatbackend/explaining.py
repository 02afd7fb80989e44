"""How often somebody may ask for a plan: counted like every other limit."""

from typing import Final

from conversations.throttling import Limit, WindowThrottle, by_user, headers

LIMIT: Final = Limit("explain", 10, 60, by_user)


class ExplainThrottle(WindowThrottle):
    """What `DBPERF["EXPLAIN_THROTTLE"]` names."""

    def __init__(self) -> None:
        super().__init__(LIMIT)

    def headers(self) -> dict[str, str]:
        """For the reply."""
        return headers([self.standing] if self.standing else [])
