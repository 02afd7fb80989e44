"""Where the hub's sweep finds what no event told."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from conversations import events
from messaging.consumers import work
from messaging.queries import changes, notes, sweep
from messaging.records import Change, Recent, opened


class Database:
    """Asks PostgreSQL, in one of the threads for sockets."""

    async def recent(self, back: float, businesses: Sequence[str]) -> Recent:
        """What happened in the last `back` seconds."""
        return await work.run(_recent, back, businesses)

    async def changes(self, cursors: Mapping[str, int], limit: int) -> Mapping[str, Sequence[Change]]:
        """Up to `limit` changes of each conversation after its version, ascending."""
        return await work.run(_changes, cursors, limit)


def _recent(back: float, businesses: Sequence[str]) -> Recent:
    """Three statements; four where agents are here."""
    found = sweep.recent(back=back, businesses=businesses)
    moved = notes.recent(back=back, businesses=businesses) if businesses else []
    return found._replace(moved=[*found.moved, *moved])


def _changes(cursors: Mapping[str, int], limit: int) -> dict[str, Sequence[Change]]:
    """One statement for conversations, one for notes, where there are some."""
    noted = {UUID(events.conversation_of(line)): cursors[line] for line in filter(events.is_notes, cursors)}
    wanted = {UUID(line): cursors[line] for line in cursors if not events.is_notes(line)}
    found: dict[str, Sequence[Change]] = {}
    if wanted:
        each = changes.changes_since_each(cursors=wanted, limit=limit).changes
        found.update((str(conversation), opened(since)) for conversation, since in each.items())
    if noted:
        each = notes.changes(noted, limit=limit)
        found.update((events.notes_line(conversation), opened(since)) for conversation, since in each.items())
    return found
