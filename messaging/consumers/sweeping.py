"""Where the hub's sweep finds what no event told."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from messaging.consumers import work
from messaging.queries import changes, sweep
from messaging.records import Change, Recent


class Database:
    """Asks PostgreSQL, in one of the threads for sockets."""

    async def recent(self, back: float, businesses: Sequence[str]) -> Recent:
        """What happened in the last `back` seconds."""
        return await work.run(sweep.recent, back=back, businesses=businesses)

    async def changes(self, cursors: Mapping[str, int], limit: int) -> Mapping[str, Sequence[Change]]:
        """Up to `limit` changes of each conversation after its version, ascending."""
        wanted = {UUID(conversation): version for conversation, version in cursors.items()}
        found = await work.run(changes.changes_since_each, cursors=wanted, limit=limit)
        return {str(conversation): since for conversation, since in found.changes.items()}
