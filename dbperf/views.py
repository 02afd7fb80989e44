"""REST for staff. What is told of the database comes out of what is kept: no such request looks at a catalog. A plan is
made when it is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from django.conf import settings
from django.utils.module_loading import import_string
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, UserRateThrottle
from rest_framework.viewsets import ViewSet

from dbperf import reading, serializers, tasks
from dbperf.explain.refusals import NeverSeen, NotHere, Refused
from dbperf.maintenance.choosing import Operation
from dbperf.models import MaintenanceRun
from dbperf.services import explaining, maintaining, telling

KIND = OpenApiParameter("kind", str, enum=list(telling.KINDS), description="Only these; without it all.")

EXAMPLES = [
    OpenApiExample(
        "A SELECT",
        {"sql": "SELECT id FROM messages WHERE seq > $1", "params": [40], "analyze": False},
        request_only=True,
    ),
    OpenApiExample("A statement that was seen", {"queryid": "-4203948572034"}, request_only=True),
]


ROUNDS = [
    OpenApiExample("What is due", {"operation": "vacuum_analyze"}, request_only=True),
    OpenApiExample(
        "Two tables", {"operation": "analyze", "tables": ["messages", "participants"]}, request_only=True
    ),
]


class ExplainThrottle(UserRateThrottle):
    """Ten plans a minute for each user; `DBPERF["EXPLAIN_THROTTLE"]` names another class."""

    rate = "10/min"
    scope = "explain"


class Refusal(APIException):
    """Why there is no plan, as a status."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.detail, refused.code)
        self.status_code = (
            404 if isinstance(refused, NeverSeen) else 409 if isinstance(refused, NotHere) else 400
        )


@extend_schema(tags=["database"])
class DatabaseViewSet(ViewSet):
    """How the database is. Besides the project's own credentials the admin's session cookie is taken.

    `staff_actions` and the rest of the class attributes are for a project whose OpenAPI schema class asks for them, and
    so are the `standings` that its throttles may note down, with `headers` for the reply.
    """

    http_method_names = ["get", "post", "delete", "head"]
    permission_classes = [IsAdminUser]
    staff_actions: ClassVar[frozenset[str]] = frozenset(
        {"metrics", "size", "index_suggestions", "analyze_query", "optimize", "optimize_job", "cancel_job"}
    )
    session_actions: ClassVar[frozenset[str]] = frozenset()
    limits: ClassVar[Mapping[str, Any]] = {"analyze_query": ["explain"]}
    problems: ClassVar[Mapping[str, Sequence[int]]] = {"analyze_query": [404, 409], "optimize": [409]}

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Those of the project first: the first one decides that a missing credential is 401."""
        classes: list[Any] = [*api_settings.DEFAULT_AUTHENTICATION_CLASSES, SessionAuthentication]
        return [each() for each in classes]

    def get_throttles(self) -> list[BaseThrottle]:
        self.standings: list[Any] = []
        self.throttles: list[BaseThrottle] = []
        if self.action in self.limits:
            named = getattr(settings, "DBPERF", {}).get("EXPLAIN_THROTTLE")
            self.throttles.append(import_string(named)() if named else ExplainThrottle())
        return self.throttles

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        for throttle in getattr(self, "throttles", ()):
            for name, value in getattr(throttle, "headers", dict)().items():
                final[name] = value
        final.headers.setdefault("Cache-Control", "no-store")
        return final

    @extend_schema(operation_id="database_metrics", responses=serializers.Metrics)
    def metrics(self, request: Request) -> Response:
        """Pool, sessions, locks, slow statements, cache, index use, bloat, vacuum, wraparound, replication, and what
        the checks found. Answers from the last pulse and the last hourly look."""
        return Response(telling.metrics(texts=reading.may_read(request.user)))

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
        found = telling.suggestions(kind=kind, texts=reading.may_read(request.user))
        return Response(found)

    @extend_schema(
        operation_id="database_analyze_query",
        request=serializers.Asked,
        responses={200: serializers.Plan},
        examples=EXAMPLES,
    )
    def analyze_query(self, request: Request) -> Response:
        """The plan of one SELECT over the tables on the list, or of a statement that was seen running. Needs the
        permission `explain`; `analyze` also `explain_analyze`. One at a time, five seconds at most, every call is
        logged. 400 with a code for what is refused, 404 for a statement nobody saw, 409 where this server, its setup
        or another plan being made stands in the way."""
        _must(request, "dbperf.explain")
        asked = serializers.Asked(data=request.data)
        asked.is_valid(raise_exception=True)
        if asked.validated_data.get("analyze"):
            _must(request, "dbperf.explain_analyze")
        try:
            found = explaining.explain(_question(asked.validated_data), asker=_asker(request))
        except Refused as refused:
            raise Refusal(refused) from None
        return Response(_shown(found, text=reading.may_read(request.user)))

    @extend_schema(
        operation_id="database_optimize",
        request=serializers.Optimize,
        responses={202: serializers.Job},
        examples=ROUNDS,
    )
    def optimize(self, request: Request) -> Response:
        """Has VACUUM ANALYZE, ANALYZE or REINDEX done to these tables, or to those that are due: a worker does it, one
        table after the other, and gives way to whoever waits for a table. `Location` is where to ask how far it is.
        Needs the permission `run_maintenance`. 409 while a round is under way."""
        _must(request, "dbperf.run_maintenance")
        asked = serializers.Optimize(data=request.data)
        asked.is_valid(raise_exception=True)
        operation, names = (
            Operation(asked.validated_data["operation"]),
            asked.validated_data.get("tables", []),
        )
        try:
            run = maintaining.begin(operation, asked=names, by=request.user.get_username())
        except maintaining.NoSuchTable as error:
            raise ValidationError({"tables": str(error)}) from None
        except maintaining.AlreadyRunning as running:
            raise Conflict(str(running), "maintenance_running") from None
        try:
            tasks.hand_over(run.pk)
        except tasks.NoBroker as error:
            raise Away(str(error)) from None
        return Response(_job(run), status=202, headers={"Location": f"{request.path}/{run.pk}"})

    @extend_schema(operation_id="database_optimize_job", responses=serializers.Job)
    def optimize_job(self, request: Request, job: int) -> Response:
        """How far a round of maintenance is, and what came of each table."""
        return Response(_job(_run(job)))

    @extend_schema(operation_id="database_optimize_cancel", responses={202: serializers.Job})
    def cancel_job(self, request: Request, job: int) -> Response:
        """Has a round stop: the table it is at is given back at once. One that ended stays as it is. Needs the
        permission `run_maintenance`."""
        _must(request, "dbperf.run_maintenance")
        maintaining.cancel(_run(job).pk)
        return Response(_job(_run(job)), status=202)


class Conflict(APIException):
    """What is under way stands against it."""

    status_code = 409


class Away(APIException):
    """What is needed for it cannot be reached; nothing was begun."""

    status_code = 503
    default_code = "queue_unavailable"
    wait = 5


def _run(job: int) -> MaintenanceRun:
    try:
        return MaintenanceRun.objects.get(pk=job)
    except MaintenanceRun.DoesNotExist:
        raise NotFound("There is no such job.") from None


def _job(run: MaintenanceRun) -> dict[str, Any]:
    return {
        "job": run.pk,
        "operation": run.operation,
        "tables": run.tables,
        "state": run.state,
        "asked_by": run.asked_by,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "progress": run.progress or None,
        "results": run.results,
        "note": run.note,
    }


def _must(request: Request, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied(f"This needs the permission {permission}.")


def _asker(request: Request) -> explaining.Asker:
    return explaining.Asker(door="rest", id=str(request.user.pk), name=request.user.get_username())


def _question(given: dict[str, Any]) -> explaining.Question:
    queryid = given.get("queryid")
    return explaining.Question(
        sql=given.get("sql", ""),
        queryid=None if queryid is None else int(queryid),
        params=given.get("params"),
        analyze=given.get("analyze", False),
    )


def _shown(found: explaining.Explained, *, text: bool) -> dict[str, Any]:
    return {
        "mode": "analyze" if found.analyzed else "explain",
        "origin": "sql" if found.queryid is None else "captured",
        "statement": found.statement if text else None,
        "queryid": None if found.queryid is None else str(found.queryid),
        "generic": found.generic,
        "total_cost": found.total_cost,
        "plan": found.tree,
        "nodes": [asdict(node) for node in found.nodes],
        "warnings": found.warnings,
    }
