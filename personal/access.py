"""Who may see which job, and have what came of it."""

from uuid import UUID

from conversations import access
from conversations.access import Access
from conversations.exceptions import ChatError, NotFound
from conversations.models import User
from personal import policies
from personal.models import Job


def get_job(*, user: User, job_id: UUID) -> Job:
    """An export for who asked for it, nobody else; an erasure for staff. Raises NotFound.

    Uses index: personal_jobs_pkey.
    """
    job = Job.objects.filter(pk=job_id).first()
    if job is None or not _may_see(user, job):
        raise NotFound("No such job.")
    return job


def _may_see(user: User, job: Job) -> bool:
    return user.is_staff if job.kind == Job.Kind.ERASURE else job.asked_by_id == user.pk


def get_result(*, user: User, job_id: UUID) -> Job:
    """The same where something came of it that they may still have: a conversation they could export now.

    Raises NotFound.
    """
    job = get_job(user=user, job_id=job_id)
    if not job.fetchable or not may_have(job):
        raise NotFound("There is no result, or none any more.")
    return job


def may_have(job: Job) -> bool:
    """Whether who asked may have this exported at this moment."""
    if job.conversation_id is None:
        return User.objects.active().filter(pk=job.asked_by_id).exists()
    try:
        get_exportable(user_id=job.asked_by_id, conversation_id=job.conversation_id)
    except ChatError:
        return False
    return True


def get_exportable(*, user_id: UUID, conversation_id: UUID) -> Access:
    """A conversation for who may have it exported. Raises NotFound, Forbidden."""
    found = access.get_conversation(user_id=user_id, conversation_id=conversation_id)
    policies.require_exporter(found.conversation, found.role)
    return found
