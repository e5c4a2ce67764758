"""A client that a public generator makes of `/openapi.json` runs the quick start of docs/api.md.

The generator, openapi-python-client, wants another version of typer than Recibo, so it lives in an
environment of its own: ``RECIBO_CLIENT_GENERATOR`` says where its program is. CI sets it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recibo.billing.models import Tag
from tests.api.served import shop

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
GENERATOR = os.environ.get("RECIBO_CLIENT_GENERATOR") or shutil.which("openapi-python-client")
SECONDS = 60


def quick_start() -> str:
    """The Python of the guide."""
    [code] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return code


def generate(schema: str, folder: Path) -> None:
    """A client, in a package of this folder. Nothing may be left out of it."""
    (folder / "openapi.json").write_text(schema)
    words = ["generate", "--path", "openapi.json", "--meta", "none"]
    made = subprocess.run(
        [str(GENERATOR), *words, "--output-path", "recibo_client"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert "Unable" not in made.stdout, made.stdout
    assert "unsupported" not in made.stdout.lower(), made.stdout


@pytest.mark.skipif(GENERATOR is None, reason="openapi-python-client is not here")
def test_a_generated_client_runs_the_quick_start(
    transactional_db: None, settings: Any, tmp_path: Path
):
    with shop() as client:
        generate(client.get("/openapi.json").text, tmp_path)
        environment = {
            **os.environ,
            "RECIBO_URL": str(client.base_url),
            "TOKEN": client.headers["authorization"].removeprefix("Bearer "),
            "PYTHONPATH": str(tmp_path),
        }
        ran = subprocess.run(
            [sys.executable, "-c", quick_start()],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "Events processed: 3",
        "HP2000000001 97.90 BRL",
        "comprador.2@example.com ['quick-start']",
        "comprador.1@example.com ['quick-start']",
    ]
    assert Tag.objects.filter(tag="quick-start").count() == 2
