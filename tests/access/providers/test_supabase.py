"""Supabase Auth: one user whatever happens, let in and shut out."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recibo.access.errors import AccessError, DeniedError, RefusedError, UnavailableError
from recibo.access.providers.contract import Person, Target, User
from recibo.access.providers.supabase import SUPABASE, api
from tests.access.providers.steps import ANA, CLUB, COURSE, PASSWORD, reaching, step
from tests.access.supabase_server import (
    ANON_KEY,
    SECRET_KEY,
    SERVICE_KEY,
    SITE,
    SupabaseServer,
)
from tests.access.troubled_server import Way, running, serving
from tests.gateways import gateway_server

RECORDINGS = Path(__file__).parent / "recordings" / "supabase"

CREATE = "POST /auth/v1/admin/users"
LIST = "GET /auth/v1/admin/users"
LINK = "POST /auth/v1/admin/generate_link"


@pytest.fixture
def project() -> Iterator[SupabaseServer]:
    with serving(SupabaseServer()) as server:
        yield server


@pytest.fixture
def target(project: SupabaseServer) -> Iterator[Target]:
    with reaching(project.url, SERVICE_KEY) as target:
        yield target


@pytest.fixture(autouse=True)
def _nothing_learnt() -> Iterator[None]:
    yield
    api.WANTED_TWICE.clear()


def noted(project: SupabaseServer, email: str = ANA.email) -> dict[str, Any]:
    note: dict[str, Any] = project.account_of(email).app_metadata["recibo"]
    return note


def names(project: SupabaseServer) -> list[str]:
    """What was asked, in order; users have no name."""
    return [
        f"{asked.method} /user" if asked.path.count("/") > 4 else project.name_of(asked)
        for asked in project.asked
    ]


# Making users


def test_a_user_is_made_and_can_log_in_at_once(project: SupabaseServer, target: Target) -> None:
    user = SUPABASE.create(target, step(password=PASSWORD))
    account = project.account_of(ANA.email)
    assert user == User(user_id=account.id)
    assert project.may_log_in(ANA.email, PASSWORD)
    assert account.user_metadata == {"full_name": "Ana Souza"}
    assert names(project) == [CREATE]


def test_what_is_given_stands_where_the_user_cannot_write(
    project: SupabaseServer, target: Target
) -> None:
    SUPABASE.create(target, step(password=PASSWORD))
    assert noted(project) == {
        "created_by": "acc_1_create_1",
        "status": "active",
        "access": {
            "acc_1": {
                "status": "active",
                "product": "Clube",
                "product_id": "P-1",
                "plan": "mensal",
                "valid_until": "2026-04-10T12:00:00+00:00",
            }
        },
    }


def test_without_a_password_there_is_a_link(project: SupabaseServer, target: Target) -> None:
    user = SUPABASE.create(target, step())
    assert project.works(user.password_url)
    assert user.is_ours
    assert user.password_url not in repr(user)


def test_with_a_password_no_link_is_made(project: SupabaseServer, target: Target) -> None:
    assert SUPABASE.create(target, step(password=PASSWORD)).password_url == ""
    assert LINK not in names(project)


def test_a_link_leads_to_the_log_in(project: SupabaseServer) -> None:
    with reaching(project.url, SERVICE_KEY, f"{SITE}/entrar") as target:
        assert SUPABASE.create(target, step()).password_url.endswith(f"redirect_to={SITE}/entrar")


def test_a_link_that_leads_elsewhere_is_warned_of(
    project: SupabaseServer, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        reaching(project.url, SERVICE_KEY, "https://other.example.com/") as target,
        caplog.at_level(logging.WARNING),
    ):
        user = SUPABASE.create(target, step())
    assert project.works(user.password_url)
    assert "https://other.example.com/" in caplog.text
    assert "token=" not in caplog.text


def test_addresses_are_lower_case_there(project: SupabaseServer, target: Target) -> None:
    project.enrol(ANA.email)
    person = Person(email=" Ana.Souza@Example.COM ")
    assert not SUPABASE.create(target, step(person=person)).is_ours
    assert len(project.accounts) == 1


# Users who are there already


def test_who_was_there_is_let_in_and_keeps_his_password(
    project: SupabaseServer, target: Target
) -> None:
    account = project.enrol(ANA.email, app_metadata={"provider": "email", "team": "blue"})
    user = SUPABASE.create(target, step(password=PASSWORD))
    assert user == User(user_id=account.id, is_ours=False)
    assert project.may_log_in(ANA.email, "his own")
    assert account.app_metadata["team"] == "blue"
    assert noted(project)["access"]["acc_1"]["status"] == "active"
    assert names(project) == [CREATE, LIST, "PUT /user"]


def test_who_was_there_is_sent_no_link(project: SupabaseServer, target: Target) -> None:
    project.enrol(ANA.email)
    assert SUPABASE.create(target, step()).password_url == ""
    assert LINK not in names(project)


def test_who_was_shut_out_is_let_in_again(project: SupabaseServer, target: Target) -> None:
    account = project.enrol(ANA.email)
    SUPABASE.create(target, step())
    SUPABASE.block(target, step("acc_1_block_1", user_id=account.id))
    assert not project.may_log_in(ANA.email, "his own")
    SUPABASE.create(target, step("acc_2_create_1", grant=COURSE))
    assert project.may_log_in(ANA.email, "his own")
    statuses = {name: one["status"] for name, one in noted(project)["access"].items()}
    assert statuses == {"acc_1": "blocked", "acc_2": "active"}


def test_a_second_product_goes_to_the_user_who_is_known(
    project: SupabaseServer, target: Target
) -> None:
    first = SUPABASE.create(target, step(password=PASSWORD))
    project.asked.clear()
    second = SUPABASE.create(
        target, step("acc_2_create_1", grant=COURSE, user_id=first.user_id, password=PASSWORD)
    )
    assert second == User(user_id=first.user_id, is_ours=False)
    assert set(noted(project)["access"]) == {"acc_1", "acc_2"}
    assert noted(project)["created_by"] == "acc_1_create_1"
    assert names(project) == ["GET /user", "PUT /user"]


def test_he_is_known_by_his_id_when_he_changes_his_address(
    project: SupabaseServer, target: Target
) -> None:
    first = SUPABASE.create(target, step(password=PASSWORD))
    project.account_of(ANA.email).email = "ana@new.example.com"
    SUPABASE.create(target, step("acc_2_create_1", grant=COURSE, user_id=first.user_id))
    assert len(project.accounts) == 1


def test_look_alikes_are_not_taken_for_him(project: SupabaseServer, target: Target) -> None:
    like = ["joana.souza@example.com", "ana.souza@example.com.br", "anaxsouza@example.com"]
    for number, email in enumerate(like * 40):
        project.enrol(f"{number}{email}")
    him = project.enrol("ana_souza@example.com")
    for number in range(60):
        project.enrol(f"anaxsouza@example.com.{number}")
    project.enrol("other@example.com", user_metadata={"full_name": "ana_souza@example.com"})
    user = SUPABASE.create(target, step(person=Person(email="ana_souza@example.com")))
    assert user.user_id == him.id
    assert names(project) == [CREATE, LIST, LIST, "PUT /user"]


def test_a_log_in_of_a_company_is_another_user(project: SupabaseServer, target: Target) -> None:
    him = project.enrol(ANA.email)
    project.enrol(ANA.email, app_metadata={"provider": "sso:21648a9d"})
    assert SUPABASE.create(target, step()).user_id == him.id


def test_a_deleted_user_is_made_again(project: SupabaseServer, target: Target) -> None:
    first = SUPABASE.create(target, step(password=PASSWORD))
    account = project.account_of(ANA.email)
    account.deleted_at, account.email = account.created_at, ANA.email
    second = SUPABASE.create(
        target, step("acc_2_create_1", user_id=first.user_id, password=PASSWORD)
    )
    assert second.is_ours
    assert second.user_id != first.user_id


def test_an_id_of_another_application_is_not_asked_for(
    project: SupabaseServer, target: Target
) -> None:
    him = project.enrol(ANA.email)
    assert SUPABASE.create(target, step(user_id="42")).user_id == him.id
    assert names(project) == [LIST, "PUT /user"]


def test_what_somebody_wrote_over_our_note_does_no_harm(
    project: SupabaseServer, target: Target
) -> None:
    project.enrol(ANA.email, app_metadata={"recibo": "mine"})
    SUPABASE.create(target, step())
    assert set(noted(project)["access"]) == {"acc_1"}


# Whatever goes wrong


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("password", [PASSWORD, None])
def test_a_try_that_fails_leaves_one_user_who_is_ours(
    project: SupabaseServer, target: Target, way: Way, is_after: bool, password: str | None
) -> None:
    project.trouble(way=way, to=CREATE, is_after=is_after, seconds=1.0)
    with pytest.raises(UnavailableError):
        SUPABASE.create(target, step(password=password))
    user = SUPABASE.create(target, step(password=password))
    assert user.is_ours
    assert project.created == {ANA.email: 1}
    if password:
        assert project.may_log_in(ANA.email, password)
    else:
        assert project.works(user.password_url)


@pytest.mark.parametrize("to", [LIST, LINK, "PUT /user"])
@pytest.mark.parametrize("is_after", [False, True])
def test_each_call_that_fails_is_made_up_for(
    project: SupabaseServer, target: Target, to: str, is_after: bool
) -> None:
    project.trouble(to=CREATE, is_after=True)
    with pytest.raises(UnavailableError):
        SUPABASE.create(target, step())
    account = project.account_of(ANA.email)
    account.banned_until = account.created_at + timedelta(days=9)  # so that there is a change
    named = to.replace("PUT /user", f"PUT /auth/v1/admin/users/{account.id}")
    project.trouble(to=named, is_after=is_after, way=Way.DIE)
    with pytest.raises(UnavailableError):
        SUPABASE.create(target, step())
    user = SUPABASE.create(target, step())
    assert (user.user_id, user.is_ours) == (account.id, True)
    assert project.works(user.password_url)
    assert not account.is_banned
    assert project.created == {ANA.email: 1}


def test_nothing_is_written_twice(project: SupabaseServer, target: Target) -> None:
    SUPABASE.create(target, step(password=PASSWORD))
    project.asked.clear()
    SUPABASE.create(target, step(password=PASSWORD))
    assert names(project) == [CREATE, LIST]


def test_a_step_of_another_access_in_between_leaves_the_password_to_its_own(
    project: SupabaseServer, target: Target
) -> None:
    project.trouble(to=CREATE, is_after=True, way=Way.DIE)
    with pytest.raises(UnavailableError):
        SUPABASE.create(target, step(password=PASSWORD))
    other = SUPABASE.create(target, step("acc_2_create_1", grant=COURSE, password=PASSWORD))
    assert not other.is_ours
    again = SUPABASE.create(target, step(password=PASSWORD, user_id=other.user_id))
    assert again == User(user_id=other.user_id)


def test_two_who_make_the_same_user_find_him(project: SupabaseServer, target: Target) -> None:
    him = project.enrol(ANA.email)
    project.trouble(status=500, to=CREATE)
    assert SUPABASE.create(target, step()).user_id == him.id


def test_a_trigger_that_refuses_is_told(project: SupabaseServer, target: Target) -> None:
    project.trigger_refuses = True
    with pytest.raises(UnavailableError, match=r"triggers on auth\.users"):
        SUPABASE.create(target, step(password=PASSWORD))
    project.trigger_refuses = False
    assert SUPABASE.create(target, step(password=PASSWORD)).is_ours


def test_an_address_that_is_taken_by_nobody_is_told(
    project: SupabaseServer, target: Target
) -> None:
    project.trouble(status=422, to=CREATE, headers={"x-sb-error-code": "email_exists"})
    with pytest.raises(UnavailableError, match="identities"):
        SUPABASE.create(target, step())


def test_a_password_against_the_rules_is_for_a_person(
    project: SupabaseServer, target: Target
) -> None:
    project.shortest_password = 60
    with pytest.raises(RefusedError, match="password rules") as failed:
        SUPABASE.create(target, step(password=PASSWORD))
    assert PASSWORD not in str(failed.value)


def test_an_address_that_is_none_is_for_a_person(project: SupabaseServer, target: Target) -> None:
    with pytest.raises(RefusedError, match="400 validation_failed"):
        SUPABASE.create(target, step(person=Person(email="ana@")))


def test_supabase_says_when_to_come_back(project: SupabaseServer, target: Target) -> None:
    project.trouble(status=429, headers={"retry-after": "30"})
    with pytest.raises(UnavailableError) as failed:
        SUPABASE.create(target, step())
    assert failed.value.retry_after == timedelta(seconds=30)


# Shutting out and letting in


def test_a_block_bans_and_says_so(project: SupabaseServer, target: Target) -> None:
    user = SUPABASE.create(target, step(password=PASSWORD))
    SUPABASE.block(target, step("acc_1_block_1", user_id=user.user_id))
    account = project.account_of(ANA.email)
    assert account.banned_until is not None
    assert account.banned_until - account.created_at > timedelta(days=36_000)
    assert not project.may_log_in(ANA.email, PASSWORD)
    assert noted(project)["status"] == "blocked"
    assert noted(project)["access"]["acc_1"]["status"] == "blocked"
    assert noted(project)["created_by"] == "acc_1_create_1"


def test_a_block_leaves_the_log_in_to_who_has_other_access(
    project: SupabaseServer, target: Target
) -> None:
    user = SUPABASE.create(target, step(password=PASSWORD))
    SUPABASE.create(target, step("acc_2_create_1", grant=COURSE, user_id=user.user_id))
    SUPABASE.block(target, step("b", user_id=user.user_id, has_other_access=True))
    assert project.may_log_in(ANA.email, PASSWORD)
    assert noted(project)["status"] == "active"
    statuses = {name: one["status"] for name, one in noted(project)["access"].items()}
    assert statuses == {"acc_1": "blocked", "acc_2": "active"}


def test_an_unblock_lets_in_again(project: SupabaseServer, target: Target) -> None:
    user = SUPABASE.create(target, step(password=PASSWORD))
    SUPABASE.block(target, step("acc_1_block_1", user_id=user.user_id))
    SUPABASE.unblock(target, step("acc_1_unblock_2", user_id=user.user_id))
    assert project.may_log_in(ANA.email, PASSWORD)
    assert (noted(project)["status"], noted(project)["access"]["acc_1"]["status"]) == (
        "active",
        "active",
    )


@pytest.mark.parametrize("act", [SUPABASE.block, SUPABASE.unblock])
def test_blocking_twice_is_blocking_once(project: SupabaseServer, target: Target, act: Any) -> None:
    user = SUPABASE.create(target, step())
    act(target, step("k", user_id=user.user_id))
    before = noted(project)
    act(target, step("k", user_id=user.user_id))
    assert noted(project) == before
    assert project.account_of(ANA.email).is_banned is (act is SUPABASE.block)


def test_a_user_we_never_heard_of_having_made_is_blocked_too(
    project: SupabaseServer, target: Target
) -> None:
    project.trouble(to=CREATE, way=Way.DIE, is_after=True)
    with pytest.raises(UnavailableError):
        SUPABASE.create(target, step())
    SUPABASE.block(target, step("acc_1_block_1"))
    assert project.account_of(ANA.email).is_banned


def test_who_never_had_the_access_is_not_shut_out(project: SupabaseServer, target: Target) -> None:
    him = project.enrol(ANA.email)
    SUPABASE.block(target, step("acc_1_block_1"))
    assert not him.is_banned


def test_who_is_gone_needs_no_block(project: SupabaseServer, target: Target) -> None:
    user = SUPABASE.create(target, step())
    project.accounts.clear()
    SUPABASE.block(target, step("acc_1_block_1", user_id=user.user_id))
    with pytest.raises(RefusedError, match="no such user"):
        SUPABASE.unblock(target, step("acc_1_unblock_2", user_id=user.user_id))


# New credentials


def test_a_reset_sets_the_password(project: SupabaseServer, target: Target) -> None:
    him = project.enrol(ANA.email)
    user = SUPABASE.reset(target, step("acc_1_reset_2", user_id=him.id, password=PASSWORD))
    assert user == User(user_id=him.id)
    assert project.may_log_in(ANA.email, PASSWORD)


def test_a_reset_without_a_password_gives_a_new_link(
    project: SupabaseServer, target: Target
) -> None:
    first = SUPABASE.create(target, step())
    second = SUPABASE.reset(target, step("acc_1_reset_2", user_id=first.user_id))
    assert project.works(second.password_url)
    assert not project.works(first.password_url)


def test_a_reset_does_not_lift_a_ban(project: SupabaseServer, target: Target) -> None:
    user = SUPABASE.create(target, step())
    SUPABASE.block(target, step("acc_1_block_1", user_id=user.user_id))
    SUPABASE.reset(target, step("acc_1_reset_2", user_id=user.user_id, password=PASSWORD))
    assert not project.may_log_in(ANA.email, PASSWORD)


def test_a_reset_makes_who_is_gone_again(project: SupabaseServer, target: Target) -> None:
    user = SUPABASE.create(target, step())
    project.accounts.clear()
    again = SUPABASE.reset(target, step("r", user_id=user.user_id, password=PASSWORD))
    assert again == User(user_id=project.account_of(ANA.email).id)
    assert project.may_log_in(ANA.email, PASSWORD)


# Keys


def sent(project: SupabaseServer) -> list[tuple[str, str]]:
    return [
        (asked.headers["apikey"], asked.headers.get("authorization", "")) for asked in project.asked
    ]


def test_a_token_is_sent_twice(project: SupabaseServer, target: Target) -> None:
    SUPABASE.create(target, step())
    assert set(sent(project)) == {(SERVICE_KEY, f"Bearer {SERVICE_KEY}")}


def test_a_newer_key_is_sent_alone(project: SupabaseServer) -> None:
    with reaching(project.url, SECRET_KEY) as target:
        SUPABASE.create(target, step())
    assert set(sent(project)) == {(SECRET_KEY, "")}


def test_a_newer_key_is_sent_twice_where_that_is_wanted(project: SupabaseServer) -> None:
    project.sb_secret_wants_bearer = True
    with reaching(project.url, SECRET_KEY) as target:
        SUPABASE.create(target, step(password=PASSWORD))
        SUPABASE.reset(target, step("r", password=PASSWORD))
    bearer = f"Bearer {SECRET_KEY}"
    assert [given for _, given in sent(project)] == ["", bearer, bearer, bearer]


def test_a_newer_key_that_is_wrong_is_not_tried_for_ever(project: SupabaseServer) -> None:
    with (
        reaching(project.url, "sb_secret_of_another") as target,
        pytest.raises(DeniedError, match="service_role key or an sb_secret_ key") as failed,
    ):
        SUPABASE.create(target, step())
    assert "sb_secret_of_another" not in str(failed.value)
    assert len(project.asked) == 2
    assert not api.WANTED_TWICE


@pytest.mark.parametrize("key", [ANON_KEY, "eyJ.another.one"])
def test_a_key_that_is_not_the_services_is_for_a_person(project: SupabaseServer, key: str) -> None:
    with (
        reaching(project.url, key) as target,
        pytest.raises(DeniedError, match="service_role") as failed,
    ):
        SUPABASE.create(target, step())
    assert key not in str(failed.value)


@pytest.mark.parametrize("key", ["", "chave-é", "two\nlines"])
def test_what_cannot_be_a_key_is_not_sent(project: SupabaseServer, key: str) -> None:
    with reaching(project.url, key) as target, pytest.raises(DeniedError, match="cannot be a key"):
        SUPABASE.create(target, step())
    assert not project.asked


@pytest.mark.parametrize("end", ["/", "/auth/v1", "/auth/v1/"])
def test_the_address_may_be_that_of_auth(project: SupabaseServer, end: str) -> None:
    with reaching(project.url + end, SERVICE_KEY) as target:
        assert SUPABASE.create(target, step()).is_ours


@pytest.mark.parametrize("key", [SERVICE_KEY, SECRET_KEY])
@pytest.mark.parametrize("wants_bearer", [False, True])
def test_a_ping_makes_nobody(project: SupabaseServer, key: str, wants_bearer: bool) -> None:
    project.sb_secret_wants_bearer = wants_bearer
    with reaching(project.url, key) as target:
        SUPABASE.ping(target)
    assert not project.accounts


def test_a_ping_finds_a_key_that_may_only_read(project: SupabaseServer, target: Target) -> None:
    project.trouble(to=CREATE, status=403, headers={"x-sb-error-code": "not_admin"})
    with pytest.raises(DeniedError):
        SUPABASE.ping(target)


@pytest.mark.parametrize("key", [ANON_KEY, "sb_secret_of_another"])
def test_a_ping_finds_a_wrong_key(project: SupabaseServer, key: str) -> None:
    with reaching(project.url, key) as target, pytest.raises(DeniedError):
        SUPABASE.ping(target)


def test_a_ping_finds_a_wrong_address(project: SupabaseServer) -> None:
    with (
        reaching(f"{project.url}/app", SERVICE_KEY) as target,
        pytest.raises(DeniedError, match="404"),
    ):
        SUPABASE.ping(target)


# What the server's source says it answers


def recorded(name: str) -> gateway_server.Canned:
    told = json.loads((RECORDINGS / f"{name}.json").read_text())["response"]
    return gateway_server.Canned(told["status"], told["headers"], json.dumps(told["body"]).encode())


@pytest.mark.parametrize("name", ["", "-api-2024-01-01"])
def test_the_recorded_conversation_of_an_address_that_is_taken(name: str) -> None:
    with (
        gateway_server.serving() as server,
        reaching(server.url, SERVICE_KEY) as target,
    ):
        server.routes = {
            CREATE: recorded(f"create-user-email-exists-422{name}"),
            LIST: recorded("list-users-filter-200"),
            "/auth/v1/admin/users/7b0f6c1e-52b3-4c0e-9a3f-3f2d1c5a9e01": recorded("unban-user-200"),
        }
        user = SUPABASE.create(target, step())
    assert user == User(user_id="7b0f6c1e-52b3-4c0e-9a3f-3f2d1c5a9e01", is_ours=False)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("create-user-invalid-email-400", RefusedError),
        ("create-user-database-500", UnavailableError),
        ("no-bearer-401", DeniedError),
        ("not-admin-403", DeniedError),
        ("user-not-found-404", RefusedError),
    ],
)
@pytest.mark.parametrize("has_header", [True, False])
def test_a_recorded_refusal_says_what_to_do(
    name: str, kind: type[AccessError], has_header: bool
) -> None:
    canned = recorded(name)
    bare = gateway_server.Canned(canned.status, {}, canned.body)
    with (
        gateway_server.serving() as server,
        reaching(server.url, SERVICE_KEY) as target,
    ):
        server.routes = {
            CREATE: canned if has_header else bare,
            LIST: recorded("list-users-filter-empty-200"),
        }
        code = json.loads(canned.body)["error_code"]
        with pytest.raises(kind, match=f"{canned.status} {code}"):
            SUPABASE.create(target, step())


def test_the_recorded_conversation_of_a_block() -> None:
    user_id = "7b0f6c1e-52b3-4c0e-9a3f-3f2d1c5a9e01"
    with (
        gateway_server.serving() as server,
        reaching(server.url, SERVICE_KEY) as target,
    ):
        path = f"/auth/v1/admin/users/{user_id}"
        server.routes = {
            f"GET {path}": recorded("unban-user-200"),
            f"PUT {path}": recorded("ban-user-200"),
        }
        SUPABASE.block(target, step(user_id=user_id, grant=CLUB))
        body = json.loads(server.asked[-1].body)
    assert body["ban_duration"] == "876000h"
    assert set(body) == {"ban_duration", "app_metadata"}


def test_the_project_runs_as_a_process_of_its_own() -> None:
    with (
        running("tests.access.supabase_server") as project,
        reaching(project.url, SERVICE_KEY, timeout=5.0) as target,
    ):
        user = SUPABASE.create(target, step(password=PASSWORD))
        shown = project.memory()["accounts"][user.user_id]
    assert (shown["email"], shown["password"]) == (ANA.email, PASSWORD)
