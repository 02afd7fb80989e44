"""Plans: of a statement that was seen running, or of one that is typed in. Asking is a POST, and is logged."""

from types import SimpleNamespace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.module_loading import import_string

from dbperf import reading
from dbperf.admin.pages import LookOnly
from dbperf.explain import gate, plan
from dbperf.explain.refusals import Refused
from dbperf.models import ExplainCall
from dbperf.services import explaining


class PlanForm(forms.Form):
    """What to explain."""

    queryid = forms.IntegerField(
        required=False,
        min_value=-(2**63),
        max_value=2**63 - 1,
        label="Id of a statement that was seen",
        widget=forms.TextInput(attrs={"size": 24, "inputmode": "numeric"}),
    )
    sql = forms.CharField(
        required=False,
        max_length=gate.LONGEST,
        strip=False,
        label="or one SELECT",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    analyze = forms.BooleanField(required=False, label="Run it, too, and measure")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and (given.get("queryid") is None) == (not (given.get("sql") or "").strip()):
            raise forms.ValidationError("Give the id of a statement, or a SELECT.")
        return given


@admin.register(ExplainCall)
class ExplainCallAdmin(LookOnly):
    """The plan viewer, with the last calls below it."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("dbperf.explain"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = {"queryid": request.GET.get("queryid", "")[:20]}
        form = PlanForm(request.POST or None, initial=asked, label_suffix="")
        shown = _answer(request, form) if request.method == "POST" and form.is_valid() else {}
        context = {
            **self.admin_site.each_context(request),
            "title": "Plans",
            "form": form,
            "free_text": explaining.free_text(),
            "may_analyze": request.user.has_perm("dbperf.explain_analyze"),
            "may_read": reading.may_read(request.user),
            "calls": explaining.recent(),
            **shown,
        }
        return TemplateResponse(request, "dbperf/plans.html", context)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """There are no pages of single calls."""
        raise PermissionDenied


def _answer(request: HttpRequest, form: PlanForm) -> dict[str, Any]:
    given = form.cleaned_data
    if given["analyze"] and not request.user.has_perm("dbperf.explain_analyze"):
        raise PermissionDenied
    question = explaining.Question(
        sql=given["sql"] if given["queryid"] is None else "",
        queryid=given["queryid"],
        analyze=given["analyze"],
    )
    if slowed := _slowed(request):
        form.add_error(None, slowed)
        return {}
    try:
        found = explaining.explain(question, asker=_asker(request))
    except Refused as refused:
        form.add_error(None, refused.detail)
        return {}
    return {"found": found, "tree": _tree(found.nodes)}


def _slowed(request: HttpRequest) -> str:
    """By the project's own throttle, which counts this page and REST together. Empty where there is none."""
    named = getattr(settings, "DBPERF", {}).get("EXPLAIN_THROTTLE")
    throttle = import_string(named)() if named else None
    if throttle is None or throttle.allow_request(request, SimpleNamespace(standings=[])):
        return ""
    return f"Too many plans for now; again in {throttle.wait() or 60:.0f} seconds."


def _asker(request: HttpRequest) -> explaining.Asker:
    return explaining.Asker(door="admin", id=str(request.user.pk), name=request.user.get_username())


def _tree(nodes: list[plan.Node]) -> list[dict[str, Any]]:
    """The steps with those below each; the template draws itself again for them."""
    root: list[dict[str, Any]] = []
    levels = [root]
    for node in nodes:
        step: dict[str, Any] = {"node": node, "title": plan.titled(node), "below": []}
        levels[node.depth].append(step)
        levels[node.depth + 1 :] = [step["below"]]
    return root
