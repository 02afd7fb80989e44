"""What PostgreSQL will not keep."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DataError

from conversations.exceptions import Invalid


@contextmanager
def storable() -> Iterator[None]:
    """The doors refuse what PostgreSQL cannot store; whoever comes another way is told as well."""
    try:
        yield
    except DataError as error:
        raise Invalid("This holds something that cannot be stored.", code="not_storable") from error
