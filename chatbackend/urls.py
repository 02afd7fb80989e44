"""The addresses of the project."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularSwaggerSplitView

from chatbackend import health
from chatbackend.metrics.view import metrics
from chatbackend.openapi import SchemaView
from messaging.views.client import ClientView


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """404 in the shape of the path."""
    raise Http404


docs = SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=["get", "head"])

# Tried in this order, here and in each app: what is asked for most comes first.
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("messaging.urls")),
    path("api/v1/", include("conversations.urls")),
    path("api/v1/", include("webhooks.urls")),
    path("api/v1/", include("personal.urls")),
    path("health", health.health, name="health"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", docs, name="docs"),
    path("admin/database/", include("dbperf.urls")),
    re_path(r"^admin/database(?:/.*)?$", nothing_here),  # the admin would answer with its sign-in page
    path("admin/", admin.site.urls),
    path("", ClientView.as_view(), name="client"),
]

handler400 = "chatbackend.exceptions.handler400"
handler403 = "chatbackend.exceptions.handler403"
handler404 = "chatbackend.exceptions.handler404"
handler500 = "chatbackend.exceptions.handler500"
