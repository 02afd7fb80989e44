"""What is packed or being packed when somebody is erased does not keep them."""

from pathlib import Path
from typing import Any

import pytest

from conversations.services import business, participants
from messaging import files
from messaging.services import notes
from personal.exceptions import Lost
from personal.jobs import turns
from personal.jobs.erasing import erase
from personal.jobs.exporting import export
from personal.models import Job
from tests import factories
from tests.api import Api, read
from tests.personal.conftest import asked, done, receipt, result
from tests.personal.scene import SECRET, Scene

pytestmark = pytest.mark.django_db


def test_exports_go_with_whom_they_are_of(scene: Scene, stored: Path) -> None:
    own = done(scene.mary, asked(scene.mary, "/users/me/export"))
    room = scene.rooms["direct"]
    copy = done(scene.ann, asked(scene.ann, f"/conversations/{room}/export"))
    apart = done(scene.ann, asked(scene.ann, "/users/me/export"))
    assert receipt(scene)["exports"] == 2
    assert not Job.objects.filter(pk=own["job"]).exists()
    told = read(Api(scene.ann).get(f"/jobs/{copy['job']}"))
    assert (told["state"], told["result_url"]) == ("expired", None)
    result(scene.ann, apart)
    anew = done(scene.ann, asked(scene.ann, f"/conversations/{room}/export"))
    assert SECRET.encode() not in result(scene.ann, anew)
    receipt(scene)
    result(scene.ann, anew)


def test_an_export_asked_for_while_it_goes_on_goes_too(scene: Scene, stored: Path) -> None:
    """It reads what is not yet taken away: of those that were made of it, none is kept, and the others begin anew."""
    group, mary, ann = scene.rooms["group"], scene.mary.pk, scene.ann.pk
    participants.set_role(actor_id=mary, conversation_id=group, user_id=ann, role="admin")
    asked(scene.staff, f"/users/{mary}/erase")
    erasure = turns.claim()
    assert erasure is not None
    jobs = {
        name: asked(scene.ann, f"/conversations/{scene.rooms[name]}/export") for name in ("direct", "group")
    }
    made = turns.claim()
    assert made is not None
    export(made)
    Job.objects.filter(state="queued").update(state="running", turn=factories.unsaved(1))
    erase(erasure)
    told = {name: read(Api(scene.ann).get(f"/jobs/{job['job']}"))["state"] for name, job in jobs.items()}
    assert told == {"direct": "expired", "group": "queued"}


def test_exports_of_cases_go_where_they_only_wrote_notes_or_moved_them(scene: Scene, stored: Path) -> None:
    other = factories.agent()
    noted, moved, given, apart = (factories.case(scene.ann, content="help") for _ in range(4))
    notes.write_note(agent_id=scene.mary.pk, conversation_id=noted, content=SECRET)
    business.set_case_status(actor_id=scene.mary.pk, conversation_id=moved, status="pending")
    business.assign_case(actor_id=other.pk, conversation_id=given, assignee_id=scene.mary.pk)
    rooms = (noted, moved, given)
    jobs = [done(other, asked(other, f"/conversations/{room}/export")) for room in rooms]
    kept = done(scene.agent, asked(scene.agent, f"/conversations/{apart}/export"))
    assert receipt(scene)["exports"] == len(rooms)
    assert {read(Api(other).get(f"/jobs/{job['job']}"))["state"] for job in jobs} == {"expired"}
    result(scene.agent, kept)


def test_an_export_that_is_being_written_meanwhile_is_gone_too(
    scene: Scene, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(scene.mary, "/users/me/export")
    turn, write = turns.claim(), files.write
    assert turn is not None

    def late(*args: Any, **more: Any) -> None:
        receipt(scene)
        write(*args, **more)

    monkeypatch.setattr(files, "write", late)
    with pytest.raises(Lost):
        export(turn)
    assert not [path for path in stored.rglob("*") if path.is_file()]
