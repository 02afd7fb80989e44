"""The OpenAPI document over HTTP."""

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request


class SchemaView(SpectacularJSONAPIView):
    """Made once a process: it takes half a second, is the same for everybody, and anybody may ask."""

    http_method_names = ["get", "head"]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(_document(), content_type="application/vnd.oai.openapi+json")


@lru_cache(maxsize=1)
def _document() -> bytes:
    generator = spectacular_settings.DEFAULT_GENERATOR_CLASS()
    rendered: bytes = OpenApiJsonRenderer().render(generator.get_schema(request=None, public=True))
    return rendered
