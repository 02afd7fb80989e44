"""Alerts: what is wrong now, what is muted, what was; and what was sent of it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from dbperf.admin.pages import LookOnly
from dbperf.alerts.ways import ways
from dbperf.models import Alert
from dbperf.services import alerts

LASTING = {
    "hour": ("an hour", timedelta(hours=1)),
    "day": ("a day", timedelta(days=1)),
    "week": ("a week", timedelta(weeks=1)),
    "month": ("30 days", timedelta(days=30)),
}
MOST_ID = 2**63 - 1


class MuteForm(forms.Form):
    """Which alert to mute or to unmute."""

    alert = forms.IntegerField(min_value=1, max_value=MOST_ID)
    act = forms.ChoiceField(choices=[("mute", "mute"), ("unmute", "unmute")])
    lasting = forms.ChoiceField(choices=[(name, text) for name, (text, _) in LASTING.items()], required=False)
    reason = forms.CharField(max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("act") == "mute" and not (given.get("reason") and given.get("lasting")):
            raise forms.ValidationError("Say for how long, and why: the next one will ask.")
        return given


@admin.register(Alert)
class AlertAdmin(LookOnly):
    """The page of alerts."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("dbperf.view_metrics"))

    def has_mute_permission(self, request: HttpRequest) -> bool:
        """Who may mute."""
        return bool(request.user.has_perm("dbperf.mute_alert"))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = MuteForm(request.POST or None)
        if request.method == "POST" and self._done(request, form):
            return HttpResponseRedirect(request.path)
        given = ways()
        context = {
            **self.admin_site.each_context(request),
            "title": "Alerts",
            "form": form,
            "lasting": {name: text for name, (text, _) in LASTING.items()},
            "may_mute": self.has_mute_permission(request),
            "ways": list(given),
            "socket": given.socket,
            "shown": alerts.shown(),
        }
        return TemplateResponse(request, "dbperf/alerts.html", context)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """There are no pages of single alerts."""
        raise PermissionDenied

    def _done(self, request: HttpRequest, form: MuteForm) -> bool:
        """Does it. False where the page has to be shown again, with what was wrong."""
        if not self.has_mute_permission(request):
            raise PermissionDenied
        if not form.is_valid():
            return False
        if _carried_out(form.cleaned_data, by=request.user.get_username()):
            self.message_user(request, "Done.", messages.SUCCESS)
        else:
            self.message_user(request, "There was nothing to do any more.", messages.WARNING)
        return True


def _carried_out(given: dict[str, Any], *, by: str) -> bool:
    if given["act"] == "unmute":
        return alerts.unmute(given["alert"])
    lasting = LASTING[given["lasting"]][1]
    return alerts.mute(given["alert"], by=by, reason=given["reason"], lasting=lasting)
