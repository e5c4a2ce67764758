"""The seller's own application: what it is sent, and what its answers mean."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from recibo.access.errors import AccessError, DeniedError, RefusedError, UnavailableError
from recibo.access.providers.contract import Target, User
from recibo.access.providers.http import HTTP, signature
from tests.access.providers.steps import ANA, CLUB, COURSE, PASSWORD, reaching, step
from tests.access.seller_application import SECRET, SellerApplication
from tests.access.troubled_server import Way, running, serving

RECORDINGS = Path(__file__).parent / "recordings" / "own-app"


@pytest.fixture
def application() -> Iterator[SellerApplication]:
    with serving(SellerApplication()) as server:
        yield server


@pytest.fixture
def target(application: SellerApplication) -> Iterator[Target]:
    with reaching(f"{application.url}/hooks/recibo", SECRET) as target:
        yield target


def answering(application: SellerApplication, told: Any, status: int = 200) -> None:
    body = told if isinstance(told, str) else json.dumps(told)
    application.trouble(status=status, body=body)


def test_a_user_is_made(application: SellerApplication, target: Target) -> None:
    user = HTTP.create(target, step(password=PASSWORD))
    assert user == User(user_id="u1")
    assert application.may_log_in(ANA.email, PASSWORD)
    assert application.calls[0]["type"] == "user.create"
    assert application.calls[0]["data"] == {
        "email": "ana.souza@example.com",
        "name": "Ana Souza",
        "phone": "+5531987654321",
        "order": "PED-1",
        "product": "Clube",
        "product_id": "P-1",
        "access_id": "acc_1",
        "plan": "mensal",
        "valid_until": "2026-04-10T12:00:00Z",
        "has_other_access": False,
        "password": PASSWORD,
    }


def test_a_call_tells_when_it_was_made(application: SellerApplication, target: Target) -> None:
    HTTP.create(target, step())
    told = datetime.fromisoformat(application.calls[0]["timestamp"])
    assert datetime.now(UTC) - told < timedelta(seconds=10)
    assert application.asked[0].headers["webhook-timestamp"] == str(int(told.timestamp()))


def test_no_password_is_named_where_none_is_set(
    application: SellerApplication, target: Target
) -> None:
    HTTP.create(target, step())
    assert not {"password", "user_id"} & set(application.calls[0]["data"])


@pytest.mark.parametrize("name", ["access-granted-200", "access-revoked-204"])
def test_a_signature_is_that_of_the_standard(name: str) -> None:
    told = json.loads((RECORDINGS / f"{name}.json").read_text())
    headers = told["request"]["headers"]
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    given = signature(told["secret"], headers["webhook-id"], at, told["request"]["body_text"])
    assert given == headers["webhook-signature"]


@pytest.mark.parametrize("secret", ["any text: açaí", "some-secret", "c2VjcmV0MDE=", "x"])
def test_any_text_is_a_secret_whose_bytes_are_the_key(secret: str) -> None:
    with (
        serving(SellerApplication(secret.encode())) as application,
        reaching(application.url, secret) as target,
    ):
        assert HTTP.create(target, step()).user_id == "u1"


def test_a_text_that_is_base64_is_also_read_as_base64() -> None:
    secret = base64.b64encode(b"thirty-two bytes of a secret key").decode()
    with (
        serving(SellerApplication(secret)) as application,
        reaching(application.url, secret) as target,
    ):
        assert HTTP.create(target, step()).user_id == "u1"


def test_a_whsec_secret_signs_once(application: SellerApplication, target: Target) -> None:
    HTTP.create(target, step())
    assert " " not in application.asked[0].headers["webhook-signature"]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a"])
def test_a_secret_that_is_none_is_for_a_person(application: SellerApplication, secret: str) -> None:
    with reaching(application.url, secret) as target, pytest.raises(DeniedError):
        HTTP.create(target, step())
    assert not application.asked


def test_another_secret_is_for_a_person(application: SellerApplication) -> None:
    with (
        reaching(application.url, "another") as target,
        pytest.raises(DeniedError, match="same secret") as failed,
    ):
        HTTP.create(target, step(password=PASSWORD))
    assert PASSWORD not in str(failed.value)
    assert not application.accounts


def test_a_changed_body_is_not_believed(application: SellerApplication, target: Target) -> None:
    HTTP.create(target, step())
    asked = application.asked[0]
    again = target.client.post(
        target.url, content=asked.body.replace(b"Clube", b"Curso"), headers=dict(asked.headers)
    )
    assert again.status_code == 401


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("is_after", [False, True])
def test_whatever_goes_wrong_one_user_results_and_is_ours(
    application: SellerApplication, target: Target, way: Way, is_after: bool
) -> None:
    application.looks_up = False
    application.trouble(way=way, is_after=is_after, seconds=1.0)
    with pytest.raises(UnavailableError):
        HTTP.create(target, step(password=PASSWORD))
    assert HTTP.create(target, step(password=PASSWORD)) == User(user_id="u1")
    assert application.created == {ANA.email: 1}
    assert application.may_log_in(ANA.email, PASSWORD)
    assert {asked.headers["webhook-id"] for asked in application.asked} == {"acc_1_create_1"}


def test_who_was_there_keeps_his_password(application: SellerApplication, target: Target) -> None:
    application.enrol(ANA.email)
    assert HTTP.create(target, step(password=PASSWORD)) == User(user_id="u1", is_ours=False)
    assert application.may_log_in(ANA.email, "his own")


def test_a_second_product_names_the_user(application: SellerApplication, target: Target) -> None:
    HTTP.create(target, step())
    user = HTTP.create(target, step("acc_2_create_1", grant=COURSE, user_id="u1"))
    assert user == User(user_id="u1", is_ours=False)
    assert application.calls[1]["data"]["user_id"] == "u1"
    assert application.calls[1]["data"]["valid_until"] is None


@pytest.mark.parametrize(
    ("told", "status", "user"),
    [
        ({"user_id": 42}, 200, User(user_id="42")),
        ({"user_id": "42", "created": True}, 201, User(user_id="42")),
        ({"user_id": "42", "created": False}, 200, User(user_id="42", is_ours=False)),
        ({"user_id": "42"}, 409, User(user_id="42", is_ours=False)),
        ({"user_id": "42", "created": True}, 409, User(user_id="42")),
        ("Conflict", 409, User(user_id="", is_ours=False)),
        (
            {"user_id": "42", "password_url": "https://a.example/p", "login_url": "http://a/l"},
            200,
            User(user_id="42", password_url="https://a.example/p", login_url="http://a/l"),
        ),
        ({"user_id": "42", "password_url": "javascript:alert()"}, 200, User(user_id="42")),
    ],
)
def test_an_answer_tells_the_user(
    application: SellerApplication, target: Target, told: Any, status: int, user: User
) -> None:
    answering(application, told, status)
    given = HTTP.create(target, step())
    assert given == user


@pytest.mark.parametrize(
    "told",
    ["", "{}", '{"user_id": null}', '{"user_id": ""}', '{"user_id": []}', "[]", "Olá", "\xff"],
)
def test_without_a_user_id_it_is_tried_again(
    application: SellerApplication, target: Target, told: str
) -> None:
    answering(application, told)
    with pytest.raises(UnavailableError):
        HTTP.create(target, step(password=PASSWORD))


def test_a_user_who_is_known_need_not_be_named_again(
    application: SellerApplication, target: Target
) -> None:
    answering(application, "", 204)
    assert HTTP.create(target, step(user_id="42")).user_id == "42"


def test_a_page_of_maintenance_is_not_taken_for_done(
    application: SellerApplication, target: Target
) -> None:
    application.trouble(way=Way.GARBAGE)
    with pytest.raises(UnavailableError):
        HTTP.create(target, step(user_id="42"))


def test_block_and_unblock_concern_one_access(
    application: SellerApplication, target: Target
) -> None:
    HTTP.create(target, step())
    HTTP.create(target, step("acc_2_create_1", grant=COURSE, user_id="u1"))
    HTTP.block(target, step("acc_1_block_1", user_id="u1", has_other_access=True))
    assert application.accounts[ANA.email].access == {"acc_1": "blocked", "acc_2": "active"}
    blocked = application.calls[2]
    assert (blocked["type"], blocked["data"]["has_other_access"]) == ("user.block", True)
    assert (blocked["data"]["user_id"], blocked["data"]["email"]) == ("u1", ANA.email)
    HTTP.unblock(target, step("acc_1_unblock_2", user_id="u1"))
    assert application.accounts[ANA.email].access == {"acc_1": "active", "acc_2": "active"}
    assert application.calls[3]["type"] == "user.unblock"


def test_what_is_so_already_is_done(application: SellerApplication, target: Target) -> None:
    answering(application, "Conflict", 409)
    HTTP.block(target, step("acc_1_block_1", user_id="u1"))
    answering(application, "Conflict", 409)
    HTTP.unblock(target, step("acc_1_unblock_1", user_id="u1"))
    answering(application, "Conflict", 409)
    reset = HTTP.reset(target, step("acc_1_reset_2", user_id="u1", password=PASSWORD))
    assert reset == User(user_id="u1")


def test_a_reset_sets_the_password(application: SellerApplication, target: Target) -> None:
    HTTP.create(target, step(password="the first one"))
    user = HTTP.reset(target, step("acc_1_reset_2", user_id="u1", password=PASSWORD))
    assert user == User(user_id="u1")
    assert application.may_log_in(ANA.email, PASSWORD)
    assert application.calls[1]["type"] == "user.reset"


def test_a_link_instead_of_a_password() -> None:
    with (
        serving(SellerApplication(makes_links=True)) as application,
        reaching(application.url, SECRET) as target,
    ):
        user = HTTP.create(target, step())
        assert user.password_url == f"{application.url}/password/u1"
        assert user.login_url == f"{application.url}/login"
        assert user.password_url not in repr(user)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, DeniedError),
        (400, RefusedError),
        (401, DeniedError),
        (404, DeniedError),
        (410, RefusedError),
        (422, RefusedError),
        (429, UnavailableError),
        (500, UnavailableError),
    ],
)
def test_a_refusal_says_what_to_do_and_repeats_nothing(
    application: SellerApplication, target: Target, status: int, kind: type[AccessError]
) -> None:
    headers = {"location": "/"} if status == 302 else {"retry-after": "7"}
    application.trouble(status=status, headers=headers, body=f"no: {PASSWORD}")
    with pytest.raises(kind, match=f"user.create: {status}") as failed:
        HTTP.create(target, step(password=PASSWORD))
    assert PASSWORD not in str(failed.value)
    if isinstance(failed.value, UnavailableError):
        assert failed.value.retry_after == timedelta(seconds=7)


def test_a_ping_is_signed_and_does_nothing(application: SellerApplication, target: Target) -> None:
    HTTP.ping(target)
    HTTP.ping(target)
    assert [call["type"] for call in application.calls] == ["ping", "ping"]
    assert not application.accounts


def test_a_ping_finds_a_wrong_secret(application: SellerApplication) -> None:
    with reaching(application.url, "another") as target, pytest.raises(DeniedError):
        HTTP.ping(target)


@pytest.mark.parametrize("status", [409, 422, 501])
def test_an_application_need_not_know_pings(
    application: SellerApplication, target: Target, status: int
) -> None:
    application.trouble(status=status)
    HTTP.ping(target)


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 405, 410, 429, 500])
def test_a_ping_finds_what_stands_in_the_way(
    application: SellerApplication, target: Target, status: int
) -> None:
    application.trouble(status=status, headers={"location": "/"})
    with pytest.raises(AccessError):
        HTTP.ping(target)


def test_the_application_runs_as_a_process_of_its_own() -> None:
    with (
        running("tests.access.seller_application", "--secret", SECRET) as application,
        reaching(application.url, SECRET, timeout=5.0) as target,
    ):
        application.trouble(way="die", to="user.create", is_after=True)
        with pytest.raises(UnavailableError):
            HTTP.create(target, step(password=PASSWORD))
        HTTP.create(target, step(password=PASSWORD))
        assert application.memory()["created"] == {ANA.email: 1}
        assert application.memory()["deliveries"] == {"acc_1_create_1": 2}


def test_what_is_signed_is_what_goes(application: SellerApplication, target: Target) -> None:
    HTTP.create(target, step(password=PASSWORD, grant=CLUB))
    asked = application.asked[0]
    assert Webhook(SECRET).verify(asked.body, dict(asked.headers)) == json.loads(asked.body)
