"""What may stand for an id in an address. Anything else is an address that does not exist: 404."""

from uuid import UUID

from django.urls import register_converter

BIGINT_MAX = 2**63 - 1


class IdConverter:
    """A UUID in its usual writing, in either case: some platforms write capitals."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> UUID:
        return UUID(value)

    def to_url(self, value: UUID | str) -> str:
        return str(value)


class SeqConverter:
    """The place of a message in its conversation."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        seq = int(value)
        if seq > BIGINT_MAX:
            raise ValueError(value)
        return seq

    def to_url(self, value: int | str) -> str:
        return str(value)


class BusinessConverter:
    """The id of a business on the platform."""

    regex = "[A-Za-z0-9._-]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def register() -> None:
    """Makes `<id:…>`, `<seq:…>` and `<business:…>` known to `path()`."""
    register_converter(IdConverter, "id")
    register_converter(SeqConverter, "seq")
    register_converter(BusinessConverter, "business")
