"""Where Python looks for garbage that holds itself: not in what lives from the start to the end."""

import subprocess
import sys

import pytest

from chatbackend.garbage import HALF_OLD_LOOKS, YOUNG, YOUNGER_LOOKS
from tests.server import ROOT

PROBE = """
import gc, importlib, os
os.environ["DJANGO_SETTINGS_MODULE"] = "chatbackend.settings"
importlib.import_module("{door}")
print(gc.get_freeze_count(), len(gc.get_objects()), *gc.get_threshold())
"""


@pytest.mark.parametrize("door", ["chatbackend.asgi", "chatbackend.wsgi"])
def test_what_a_server_lives_on_is_left_alone(door: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", PROBE.format(door=door)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    frozen, others, *thresholds = map(int, said.stdout.split())
    assert frozen > 100_000
    assert others < frozen / 100
    assert thresholds == [YOUNG, YOUNGER_LOOKS, HALF_OLD_LOOKS]
