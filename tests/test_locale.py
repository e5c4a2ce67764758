"""People are served in Brazilian Portuguese and in English."""

import ast
import gettext
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from recibo.api import tokens
from recibo.gateways.errors import Refused
from recibo.inbox.refusals import Refusals
from recibo.server.cli import app, language

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "recibo" / "locale" / "pt_BR" / "LC_MESSAGES"
MARKS = {"_", "gettext", "gettext_lazy"}
#: ``%s``, ``%(name)s``, ``%(amount).2f``, ``%%``.
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[\d.]*[a-z%]")


def compiled() -> gettext.GNUTranslations:
    """What people get."""
    with (FOLDER / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def written() -> dict[str, str]:
    """What was translated, by the English text: the entries of the ``.po`` file."""
    entries: dict[str, str] = {}
    blocks = (FOLDER / "django.po").read_text().split("\n\n")[1:]  # the first one is the header
    for block in blocks:
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        english, portuguese = "\n".join(lines).removeprefix("msgid ").split("\nmsgstr ")
        entries[joined(english)] = joined(portuguese)
    return entries


def joined(quoted: str) -> str:
    """The text of one or more quoted lines."""
    return "".join(ast.literal_eval(line) for line in quoted.splitlines())


def marked() -> Iterator[tuple[str, ast.expr]]:
    """What the code marks for translation, and where."""
    for path in (ROOT / "recibo").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and is_mark(node.func):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0]


def is_mark(function: ast.expr) -> bool:
    """Whether a call of this marks a text; ``catalogue().gettext`` only looks one up."""
    return isinstance(function, ast.Name) and function.id in MARKS


def texts() -> set[str]:
    """The English texts that the code marks."""
    return {node.value for _, node in marked() if isinstance(node, ast.Constant)}


def recibo(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process as a user starts it, in Portuguese without being told so."""
    inherited = {name: value for name, value in os.environ.items() if name != "RECIBO_LANGUAGE"}
    return subprocess.run(
        [sys.executable, "-m", "recibo", *words],
        cwd=ROOT,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def invoke(*words: str) -> str:
    """What a command prints."""
    return CliRunner().invoke(app, list(words)).stdout


def test_only_whole_texts_are_marked():
    """A text that is put together while the program runs is in no catalogue."""
    assert [place for place, node in marked() if not isinstance(node, ast.Constant)] == []


def test_what_the_code_says_is_what_is_translated():
    assert texts() == set(written())


def test_every_text_has_a_translation_with_the_same_placeholders():
    for english, portuguese in written().items():
        assert portuguese.strip(), english
        wanted = sorted(PLACEHOLDER.findall(english))
        assert sorted(PLACEHOLDER.findall(portuguese)) == wanted, english


def test_placeholders_without_a_name_keep_their_order():
    for english in texts():
        assert len(re.findall(r"%[sr]", english)) <= 1, english


def test_what_people_get_is_what_was_translated():
    """Otherwise run msgfmt, as the ``.po`` file says."""
    translations = compiled()
    entries = written()
    for english, portuguese in entries.items():
        assert translations.gettext(english) == portuguese
    count = int.from_bytes((FOLDER / "django.mo").read_bytes()[8:12], sys.byteorder)
    assert count == len(entries) + 1  # the header


def test_a_text_is_not_translated_into_itself_by_neglect():
    same = {english for english, portuguese in written().items() if english == portuguese}
    assert same == {"Console", "Gateway", "Id", "Status", "Webhooks", "ok"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("chosen", "message"),
    [("pt-BR", "Não encontrado."), ("en", "There is no such thing here.")],
)
def test_an_error_of_the_api_is_in_the_language_of_its_reader(chosen, message):
    answer = Client(headers={"accept-language": chosen}).get("/api/nothing").json()
    assert answer == {"error": "not_found", "message": message}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("chosen", "beginning"),
    [("pt-BR", "O token é de outra conta"), ("en", "The token belongs to another account")],
)
def test_the_reason_of_a_refusal_is_in_the_language_of_its_reader(chosen, beginning):
    refusals = Refusals()
    refusals.record("hotmart", "default", Refused.OTHER_ACCOUNT, "192.0.2.1")
    refusals.flush()
    token = tokens.create("tests")
    headers = {"authorization": f"Bearer {token}", "accept-language": chosen}

    [item] = Client(headers=headers).get("/api/refusals").json()["items"]
    assert item["reason"] == "other_account"
    assert item["explanation"].startswith(beginning)


AWAY = "postgresql://recibo@127.0.0.1:1/none"


def test_check_speaks_portuguese():
    told = recibo("check", RECIBO_LANGUAGE="pt-br", DATABASE_URL=AWAY).stdout
    assert "O banco de dados não responde" in told
    assert re.search(r"banco de dados +com problema", told)
    assert re.search(r"endereço público +atenção", told)


def test_what_scripts_read_of_check_is_the_same_in_every_language():
    told = recibo("check", "--json", RECIBO_LANGUAGE="pt-br", DATABASE_URL=AWAY).stdout
    assert '"name": "database"' in told
    assert '"state": "broken"' in told


def test_portuguese_is_the_language_unless_another_is_chosen():
    assert recibo("events", "stats", "--gateway", "hotmort").stderr.startswith("Não existe")
    english = recibo("events", "stats", "--gateway", "hotmort", RECIBO_LANGUAGE="en")
    assert english.stderr.startswith("There is no gateway 'hotmort'")


def test_what_is_said_before_anything_starts_is_translated_too(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = recibo("up", "--port", port, RECIBO_HOME=str(tmp_path), DATABASE_URL="")

    assert result.stderr.startswith(f"A porta {port} de 127.0.0.1 já está em uso")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_scripts_find_the_count_of_failed_events_in_every_language(monkeypatch):
    monkeypatch.setattr(language, "catalogue", compiled)

    assert invoke("events", "process") == "Eventos processados: 0\n"
    assert invoke("events", "retry-failed") == "Found 0 failed events\n"
