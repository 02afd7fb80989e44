"""A receiver on this machine, and settings that allow it to be called."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from tests.dbperf import receivers
from tests.dbperf.receivers import Hook


@pytest.fixture
def hook(settings: Settings) -> Iterator[Hook]:
    with receivers.hook() as found:
        settings.WEBHOOK_HTTP = True
        settings.WEBHOOK_PORTS = [443, found.port]
        settings.WEBHOOK_NETWORKS = [ip_network("127.0.0.0/8")]
        yield found
