"""What the staff's pages have in common: only dbperf writes, and what is shown is of a span of time."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from dbperf import reading
from dbperf.services import pages

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = admin.ModelAdmin  # takes no parameters at run time


Shown = Callable[[str, bool], dict[str, Any]]  # of a span, with the texts of statements or without


class LookOnly(AnyAdmin):
    """Rows that only dbperf writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Page(LookOnly):
    """A page of its own in the place of the list of rows."""

    page: ClassVar[str]
    title: ClassVar[str]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.drawn(request, self.page, self.title, self.shown)

    def drawn(self, request: HttpRequest, page: str, title: str, shown: Shown) -> HttpResponse:
        """A page with what is shown of the span that was asked for."""
        asked = request.GET.get("span", "day")
        span = asked if asked in pages.SPANS else "day"
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "span": span,
            "spans": list(pages.SPANS),
            **shown(span, reading.may_read(request.user)),
        }
        return TemplateResponse(request, f"dbperf/{page}.html", context)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """There are no pages of single rows."""
        raise PermissionDenied

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Nor of their past: it would have a row's text for its title."""
        raise PermissionDenied

    def shown(self, span: str, texts: bool) -> dict[str, Any]:
        """What is on the page; the texts of statements only for those who may read them."""
        raise NotImplementedError
