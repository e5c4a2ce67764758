"""A real PostgreSQL for every test: ``DATABASE_URL`` if it is set, else the embedded one.

Loaded with ``-p tests.database``, before Django reads its settings. All test processes share one
server and one data directory, made by the first of them.
"""

import os
import shutil
import tempfile
from pathlib import Path

from recibo.server import embedded

OWNS_HOME = "RECIBO_TEST_HOME" not in os.environ
if OWNS_HOME:
    os.environ["RECIBO_TEST_HOME"] = tempfile.mkdtemp(prefix="recibo-tests-")
HOME = Path(os.environ["RECIBO_TEST_HOME"])

os.environ["RECIBO_HOME"] = str(HOME)
os.environ.setdefault("RECIBO_LANGUAGE", "en")
os.environ["HOTMART_WEBHOOK_TOKEN"] = "hottok-of-the-tests"

SERVER = None if os.environ.get("DATABASE_URL") else embedded.attach(HOME / "postgres")
if SERVER:
    os.environ["DATABASE_URL"] = embedded.url(HOME / "postgres")


def pytest_unconfigure() -> None:
    """Leave the server, and nothing behind."""
    if SERVER:
        SERVER.release()
    if OWNS_HOME:
        shutil.rmtree(HOME, ignore_errors=True)
