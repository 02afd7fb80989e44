"""Rounds of maintenance: begun, watched and stopped."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from dbperf import tasks
from dbperf.admin.pages import LookOnly
from dbperf.maintenance.choosing import Operation
from dbperf.models import MaintenanceRun
from dbperf.services import maintaining

TITLES = {
    Operation.VACUUM_ANALYZE: "VACUUM ANALYZE",
    Operation.ANALYZE: "ANALYZE",
    Operation.REINDEX: "REINDEX of half empty indexes",
}


class RoundForm(forms.Form):
    """What to have done."""

    operation = forms.ChoiceField(choices=[(each.value, TITLES[each]) for each in Operation])
    tables = forms.CharField(
        required=False, max_length=2_000, label="Tables, by name; what is due if there are none"
    )


@admin.register(MaintenanceRun)
class MaintenanceRunAdmin(LookOnly):
    """One round at a time; the page looks again every two seconds while one is under way."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = RoundForm(request.POST if request.POST.get("begin") else None, label_suffix="")
        if request.method == "POST" and self._done(request, form):
            return HttpResponseRedirect(request.path)
        runs = maintaining.recent()
        context = {
            **self.admin_site.each_context(request),
            "title": "Maintenance",
            "form": form,
            "may_run": request.user.has_perm("dbperf.run_maintenance"),
            "runs": runs,
            "active": next((run for run in runs if run.active), None),
        }
        return TemplateResponse(request, "dbperf/maintenance.html", context)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """There are no pages of single rounds."""
        raise PermissionDenied

    def _done(self, request: HttpRequest, form: RoundForm) -> bool:
        """Begins or stops one. False where the form has to be shown again."""
        if not request.user.has_perm("dbperf.run_maintenance"):
            raise PermissionDenied
        if (job := request.POST.get("cancel", "")).isdecimal() and len(job) < 19:
            maintaining.cancel(int(job))
            return True
        return form.is_valid() and self._begun(request, form)

    def _begun(self, request: HttpRequest, form: RoundForm) -> bool:
        given = form.cleaned_data
        names = given["tables"].replace(",", " ").split()[: maintaining.MOST_TABLES]
        try:
            run = maintaining.begin(
                Operation(given["operation"]), asked=names, by=request.user.get_username()
            )
            tasks.hand_over(run.pk)
        except (maintaining.AlreadyRunning, maintaining.NoSuchTable, tasks.NoBroker) as error:
            form.add_error(None, str(error))
            return False
        self.message_user(request, "A worker will take it.", messages.SUCCESS)
        return True
