"""The whole API held against its OpenAPI document, by schemathesis, with input that nobody thought of.

`FUZZ_SEED` and `FUZZ_EXAMPLES` make other inputs, and more.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import factories
from tests.realtime.client import token_of
from tests.server import Server

SEED = os.environ.get("FUZZ_SEED", "20261127")
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "4")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_input_breaks_the_server_or_its_word(daphne: Server, tmp_path: Path) -> None:
    """Nothing is left out but what the document cannot say: which of the values of the right kind are refused (400)."""
    caller = factories.person("fuzz", is_staff=True, is_superuser=True)
    mine = factories.group(caller, factories.person())
    for number in range(3):
        factories.say(caller, mine, f"line {number}")
    told = fuzz(daphne, token_of(caller), tmp_path)
    assert told.returncode == 0, told.stdout[-6000:] + told.stderr[-2000:]
    assert "Tested: " in told.stdout
    assert daphne.tracebacks() == ""


def fuzz(server: Server, token: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs schemathesis over every operation; what it keeps for itself goes to `home`."""
    argv = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.base_url}/api/schema"]
    argv += ["--url", server.base_url, "--header", f"Authorization: Bearer {token}", "--no-color"]
    argv += ["--checks", ",".join(CHECKS), "--max-examples", EXAMPLES, "--seed", SEED, "--warnings", "off"]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=home)
