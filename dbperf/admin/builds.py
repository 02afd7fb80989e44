"""Indexes that somebody accepted: how their building goes, and what came of it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern

from dbperf import tasks
from dbperf.admin.pages import LookOnly
from dbperf.declaring import declared
from dbperf.models import BuiltIndex, StoredFinding
from dbperf.proposing import Proposal
from dbperf.services import building

PERMISSION = "dbperf.run_maintenance"


@admin.register(BuiltIndex)
class BuiltIndexAdmin(LookOnly):
    """The page looks again every two seconds while one is being built."""

    def get_urls(self) -> list[URLPattern]:
        accept = self.admin_site.admin_view(self.accept_view)
        ours = path("accept/<int:finding>/", accept, name="dbperf_builtindex_accept")
        return [ours, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            _must_be_allowed(request)
            if (build := request.POST.get("cancel", "")).isdecimal() and len(build) < 19:
                building.cancel(int(build))
            return HttpResponseRedirect(request.path)
        rows = building.recent()
        context = {
            **self.admin_site.each_context(request),
            "title": "Built indexes",
            "builds": [(row, *declared(_proposal(row))) for row in rows],
            "active": next((row for row in rows if row.active), None),
            "may_run": request.user.has_perm(PERMISSION),
        }
        return TemplateResponse(request, "dbperf/builds.html", context)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """There are no pages of single builds."""
        raise PermissionDenied

    def accept_view(self, request: HttpRequest, finding: int) -> HttpResponse:
        """Shows what would be built, and has it built if it is sent back."""
        _must_be_allowed(request)
        row = StoredFinding.objects.filter(pk=finding).first() if finding < 2**63 else None
        if row is None:
            raise Http404
        try:
            if request.method == "POST":
                return self._accepted(request, row)
            advice = building.advice(row)
        except (building.NotAccepted, tasks.NoBroker) as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:dbperf_storedfinding_change", args=[row.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Build an index",
            "finding": row,
            "advice": advice,
            "declared": declared(advice.proposal),
        }
        return TemplateResponse(request, "dbperf/build.html", context)

    def _accepted(self, request: HttpRequest, row: StoredFinding) -> HttpResponse:
        build = building.accept(row.pk, by=request.user.get_username())
        tasks.hand_over_build(build.pk)
        self.message_user(request, "A worker will build it.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:dbperf_builtindex_changelist"))


def _must_be_allowed(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _proposal(row: BuiltIndex) -> Proposal:
    return Proposal(row.schema, row.table, tuple(row.keys))
