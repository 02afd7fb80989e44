"""Having a person erased."""

from uuid import UUID

from django.db import transaction

from conversations.exceptions import NotFound
from conversations.models import User
from conversations.services import audit
from conversations.services.audit import Action
from conversations.services.erasing import close_account
from personal import policies, tasks
from personal.models import ACTIVE, Job


@transaction.atomic
def erase(*, actor: User, user_id: UUID) -> Job:
    """Closes the account at once, and has everything else of theirs taken away. Raises NotFound, or Conflict for staff.

    Again while that goes on, it is the same job.

    The caller has made sure that the actor is staff.
    """
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound("No such user.")
    policies.require_erasable(user)
    going_on = Job.objects.filter(subject=user, state__in=ACTIVE).first()
    if going_on is not None:
        return going_on
    result = close_account(user)
    job = Job.objects.create(kind=Job.Kind.ERASURE, asked_by=actor, subject=user, result=result)
    audit.keep(Action.ERASURE_ASKED, actor=actor.pk, subject=user.pk, job=str(job.pk))
    transaction.on_commit(tasks.ask, robust=True)
    return job
