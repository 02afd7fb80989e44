"""The browser client."""

from django.views.generic import TemplateView


class ClientView(TemplateView):
    """The page at `/`. It speaks to the API with tokens alone, so it needs no session and no CSRF cookie."""

    template_name = "messaging/client.html"
    http_method_names = ["get", "head"]
