"""Making an export: packed on this machine's disk, then put into the storage, and told of only when it is there."""

from collections.abc import Callable
from contextlib import closing
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from messaging import files, sealing
from messaging.exceptions import StorageAway
from personal.archives.conversation import export_conversation
from personal.archives.own import export_own
from personal.archives.parcel import Parcel
from personal.archives.script import Counts
from personal.exceptions import Lost
from personal.jobs import turns
from personal.jobs.turns import Turn
from personal.models import Job

Make = Callable[[Turn, Parcel], Counts]
MAKES: Final[dict[str, Make]] = {
    Job.Kind.OWN_EXPORT: export_own,
    Job.Kind.CONVERSATION_EXPORT: export_conversation,
}


def export(turn: Turn) -> None:
    """From the beginning, whatever became of an attempt before.

    The file has no name here, so that it is gone however the worker ends. In the storage it is called by this turn: who
    lost it meanwhile writes over nobody else's, and takes its own away.
    """
    turns.clear(turn)
    with TemporaryFile() as packed:
        with closing(Parcel(packed)) as parcel:
            told = MAKES[turn.job.kind](turn, parcel)
        try:
            _store(turn, packed, told)
        except (Lost, StorageAway):
            files.drop_export(turn.job.stored_as)
            raise


def _store(turn: Turn, packed: BinaryIO, told: Counts) -> None:
    size, name = packed.seek(0, 2), turn.job.stored_as
    turn.hold(size=size)
    kept, key = sealing.new_key(name) or (None, None)
    files.write(name, packed, key=key, part="export")
    turn.keep(size=size, key=kept, result=told)
