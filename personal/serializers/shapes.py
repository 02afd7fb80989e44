"""What replies say of jobs."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from conversations.serializers.shapes import Shape
from personal.jobs.erasing import KINDS
from personal.models import Job

RESULT = "/api/v1/jobs/{}/result"


@extend_schema_serializer(component_name="PersonalJob")
class JobShape(Shape):
    """An export or an erasure."""

    job = serializers.UUIDField(source="id", help_text="Its id.")
    kind = serializers.ChoiceField(Job.Kind.choices)
    conversation = serializers.UUIDField(
        source="conversation_id", allow_null=True, help_text="What is exported; null for one's own data."
    )
    user = serializers.UUIDField(source="subject_id", allow_null=True, help_text="Who is erased.")
    state = serializers.ChoiceField(
        Job.State.choices, help_text="Expired: it was done, and its result is not kept any more."
    )
    progress = serializers.IntegerField(min_value=0, max_value=100, help_text="In per cent.")
    why = serializers.SerializerMethodField(help_text="Why it failed.")
    result_url = serializers.SerializerMethodField(
        help_text="Where the ZIP or the receipt is; null until there is one, and once it is not kept any more."
    )
    size = serializers.IntegerField(allow_null=True, help_text="Of the ZIP, in bytes.")
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    kept_until = serializers.DateTimeField(allow_null=True, help_text="Until when the ZIP is there.")

    def get_why(self, job: Job) -> str | None:
        return job.why if job.state == Job.State.FAILED else None

    def get_result_url(self, job: Job) -> str | None:
        return RESULT.format(job.pk) if job.fetchable else None


@extend_schema_serializer(component_name="ErasureReceipt")
class ReceiptShape(Shape):
    """What an erasure did, in numbers."""

    def get_fields(self) -> dict[str, Any]:
        """One for each kind."""
        return {kind: serializers.IntegerField(min_value=0) for kind in KINDS}
