"""REST for staff. Every reply comes out of what is kept: no request looks at a catalog."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.viewsets import ViewSet

from dbperf import serializers
from dbperf.services import telling

KIND = OpenApiParameter("kind", str, enum=list(telling.KINDS), description="Only these; without it all.")


@extend_schema(tags=["database"])
class DatabaseViewSet(ViewSet):
    """How the database is. Besides the project's own credentials the admin's session cookie is taken.

    `staff_actions` and the rest of the class attributes are for a project whose OpenAPI schema class asks for them.
    """

    http_method_names = ["get", "head"]
    permission_classes = [IsAdminUser]
    staff_actions: ClassVar[frozenset[str]] = frozenset({"metrics", "size", "index_suggestions"})
    session_actions: ClassVar[frozenset[str]] = frozenset()
    limits: ClassVar[Mapping[str, Any]] = {}
    problems: ClassVar[Mapping[str, Sequence[int]]] = {}

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Those of the project first: the first one decides that a missing credential is 401."""
        classes: list[Any] = [*api_settings.DEFAULT_AUTHENTICATION_CLASSES, SessionAuthentication]
        return [each() for each in classes]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final

    @extend_schema(operation_id="database_metrics", responses=serializers.Metrics)
    def metrics(self, request: Request) -> Response:
        """Pool, sessions, locks, slow statements, cache, index use, bloat, vacuum, wraparound, replication, and what
        the checks found. Answers from the last pulse and the last hourly look."""
        return Response(telling.metrics())

    @extend_schema(operation_id="database_size", responses=serializers.Size)
    def size(self, request: Request) -> Response:
        """The database, its 50 largest tables and indexes, and how they grew within up to 30 days."""
        return Response(telling.size())

    @extend_schema(
        operation_id="database_index_suggestions", parameters=[KIND], responses=serializers.Suggestions
    )
    def index_suggestions(self, request: Request) -> Response:
        """Indexes that are unused, duplicate, overlapping, invalid, missing, bloated or not in a model, each with its
        evidence, the SQL, and the line of the model. At most 500."""
        kind = request.query_params.get("kind", "")
        if kind and kind not in telling.KINDS:
            raise ValidationError({"kind": f"One of {', '.join(telling.KINDS)}."})
        return Response(telling.suggestions(kind=kind))
