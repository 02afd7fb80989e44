"""What takes a while: exports, and erasing somebody."""

import logging
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.exceptions import NotFound
from conversations.services import audit
from conversations.services.audit import Action
from conversations.throttling import Limit, by_user
from conversations.views.base import ChatViewSet, account, caller_id
from messaging import files
from messaging.exceptions import StorageAway
from messaging.sealing import Damaged, KeyMissing
from messaging.views.serving import served
from personal import access
from personal.models import Job
from personal.serializers.shapes import JobShape, ReceiptShape
from personal.services import erasures, exports

logger = logging.getLogger(__name__)

ZIP = "application/zip"
EXPORTS = Limit("exports", 30, 3_600, by_user)
RESULTS = Limit("results", 60, 3_600, by_user)


@extend_schema(tags=["Personal data"])
class JobViewSet(ChatViewSet):
    """Exports are for who asked, and nobody else; erasures for staff."""

    session_actions = frozenset({"retrieve", "result"})
    staff_actions = frozenset({"erase"})
    limits = {"export_own": [EXPORTS], "export_conversation": [EXPORTS], "result": [RESULTS]}
    problems = {"export_conversation": [403], "erase": [409]}

    @extend_schema(operation_id="export_own", request=None, responses={202: JobShape})
    def export_own(self, request: Request) -> Response:
        """Have everything packed that is kept here of oneself: a ZIP. Again while it is being made: the same job.

        429 (`too_many_exports`) past 3 at once or 20 in a day, of oneself and of conversations together.
        """
        return _taken(exports.export_own(user_id=caller_id(request)))

    @extend_schema(operation_id="export_conversation", request=None, responses={202: JobShape})
    def export_conversation(self, request: Request, conversation_id: UUID) -> Response:
        """Have a conversation packed, as the caller may read it: a ZIP. An admin or the owner of a group, an agent of
        the business, each of the two of a direct conversation. Otherwise as an export of oneself."""
        return _taken(
            exports.export_conversation(user_id=caller_id(request), conversation_id=conversation_id)
        )

    @extend_schema(operation_id="erase_user", request=None, responses={202: JobShape})
    def erase(self, request: Request, user_id: UUID) -> Response:
        """Erase a person. The account is closed at once; what they said and did is taken away by a job, which cannot be
        undone. Again: what is left. 409 (`staff_account`) for staff."""
        return _taken(erasures.erase(actor=account(request), user_id=user_id))

    @extend_schema(operation_id="get_job", responses={200: JobShape})
    def retrieve(self, request: Request, job_id: UUID) -> Response:
        """How far it is, and where its result is."""
        return Response(JobShape(access.get_job(user=account(request), job_id=job_id)).data)

    @extend_schema(
        operation_id="get_result",
        responses={(200, ZIP): OpenApiTypes.BINARY, (200, "application/json"): ReceiptShape},
    )
    def result(self, request: Request, job_id: UUID) -> HttpResponse | StreamingHttpResponse:
        """The ZIP of an export, or the receipt of an erasure. 404 until there is one, and once it is not kept any more;
        of a conversation also for who could not have it exported any more."""
        job = access.get_result(user=account(request), job_id=job_id)
        return Response(job.result) if job.kind == Job.Kind.ERASURE else _zip(request, job)


def _taken(job: Job) -> Response:
    return Response(JobShape(job).data, status=202)


def _zip(request: Request, job: Job) -> StreamingHttpResponse:
    """What cannot be read is told to operators; to everybody else it is not there, or not now."""
    try:
        pieces = files.fetch(job.stored_as, job.kept_key, part="export")
    except KeyMissing as error:
        logger.error("export %s is under key %s, which ENCRYPTION_KEYS does not have", job.pk, error)
        raise StorageAway from error
    except (FileNotFoundError, Damaged) as error:
        logger.error("export %s: %s", job.pk, type(error).__name__)
        raise NotFound("There is no result, or none any more.") from error
    audit.keep(
        Action.EXPORT_FETCHED,
        actor=job.asked_by_id,
        subject=job.conversation_id or job.asked_by_id,
        job=str(job.pk),
    )
    made = timezone.localtime(job.ended_at).strftime("%Y-%m-%d")
    response = served(request, pieces, kind=ZIP, name=f"{job.kind.replace('_', '-')}-{made}.zip")
    response["Content-Type"], response["Content-Length"] = ZIP, str(job.size)
    return response
