"""Bodies of the endpoints that sign people in and out."""

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_serializer

from conversations.fields import NameField, TextField, UsernameField
from conversations.inputs import BodySerializer, example

MAX_TOKEN = 8_192
USERNAME = r"^[\w.@+-]+\Z"  # no colon: names with one belong to accounts of the platform


@extend_schema_serializer(
    examples=[
        example("An account", {"username": "ann", "password": "long and unusual 7", "display_name": "Ann"}),
    ]
)
class RegisterSerializer(BodySerializer):
    """A new account."""

    username = UsernameField(
        min_length=3, max_length=64, validators=[RegexValidator(USERNAME, code="invalid")]
    )
    password = TextField(max_length=128)
    display_name = NameField(max_length=80, default="", allow_blank=True)


@extend_schema_serializer(
    examples=[
        example("By password", {"username": "ann", "password": "long and unusual 7"}),
    ]
)
class SignInSerializer(BodySerializer):
    """Whoever this is."""

    username = UsernameField(max_length=64)
    password = TextField(max_length=128)


@extend_schema_serializer(
    examples=[
        example("A token", {"refresh": "eyJhbGciOiJIUzI1NiJ9…"}),
    ]
)
class RefreshSerializer(BodySerializer):
    """A refresh token."""

    refresh = TextField(max_length=MAX_TOKEN)


@extend_schema_serializer(
    examples=[
        example("A token", {"token": "eyJhbGciOiJIUzI1NiJ9…"}),
    ]
)
class VerifySerializer(BodySerializer):
    """An access or a refresh token."""

    token = TextField(max_length=MAX_TOKEN)
