"""Permissions that the endpoint alone decides. What a role in a conversation allows is decided in services."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class IsStaff(BasePermission):
    """Staff accounts only."""

    message = "Only staff may do this."
    code = "staff_only"

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.is_authenticated and request.user.is_staff
