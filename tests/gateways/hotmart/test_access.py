"""How Hotmart's API is asked, against a real server: tokens, limits, and what can go wrong."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from recibo.gateways.contract import Api, MemoryTokens
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.hotmart import HOTMART, access
from tests.gateways.gateway_server import Canned, GatewayServer, asking, told
from tests.gateways.hotmart.api_server import HISTORY, SECRET, TOKEN_PATH, Hotmart, whole
from tests.recordings import recorded

LIMITED: dict[str, str] = json.loads(recorded("hotmart/api-headers-rate-limit").body)


class Lifetimes(MemoryTokens):
    """Notes for how long tokens are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def put(self, name: str, token: str, seconds: float) -> None:
        self.seconds.append(seconds)
        super().put(name, token, seconds)


@pytest.fixture
def kept() -> Lifetimes:
    return Lifetimes()


@pytest.fixture
def account(server: GatewayServer, hotmart: Hotmart, kept: Lifetimes) -> Iterator[Api]:
    with asking(server.url, hotmart.credentials()) as view:
        yield replace(view, tokens=kept)


def test_working_credentials_are_proven(hotmart: Hotmart, account: Api) -> None:
    access.ping(account)
    (asked,) = hotmart.asked
    assert (asked.path, asked.query["max_results"]) == (HISTORY, ["1"])


def test_one_token_serves_many_calls(hotmart: Hotmart, account: Api) -> None:
    for _ in range(3):
        access.ping(account)
    assert hotmart.tokens_given == 1


def test_the_token_goes_back_exactly_as_it_came(hotmart: Hotmart, account: Api) -> None:
    access.ping(account)
    assert hotmart.asked[0].headers["authorization"] == "Bearer H4sIAAAA%2F1%3D"


def test_another_process_uses_the_same_token(hotmart: Hotmart, account: Api) -> None:
    access.ping(account)
    with httpx.Client() as client:
        access.ping(replace(account, client=client))
    assert hotmart.tokens_given == 1


def test_a_token_is_given_up_before_it_lapses(
    hotmart: Hotmart, account: Api, kept: Lifetimes
) -> None:
    access.ping(account)
    assert kept.seconds == [172_799 - access.MARGIN]


def test_a_token_that_lapses_at_once_is_not_kept(
    server: GatewayServer, hotmart: Hotmart, account: Api, kept: Lifetimes
) -> None:
    hotmart.good_tokens.add("Bearer short")
    server.routes[f"POST {TOKEN_PATH}"] = told({"access_token": "short", "expires_in": "60"})
    access.ping(account)
    assert kept.seconds == []


def test_a_refused_token_is_replaced_once(hotmart: Hotmart, account: Api) -> None:
    access.ping(account)
    hotmart.good_tokens.clear()
    access.ping(account)
    assert hotmart.tokens_given == 2
    access.ping(account)
    assert hotmart.tokens_given == 2


def test_a_refused_token_is_not_used_again_though_there_is_no_other_yet(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    access.ping(account)
    hotmart.good_tokens.clear()
    server.routes[f"POST {TOKEN_PATH}"] = Canned(503)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            access.ping(account)
    assert len(hotmart.asked) == 2


def test_where_a_new_token_is_refused_too_a_person_has_to_look(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    server.routes[HISTORY] = whole("api-error-401-unauthorized", 401)
    for calls in (1, 3):
        with pytest.raises(DeniedError) as denied:
            access.ping(account)
        assert denied.value.status == 401
        assert len(hotmart.asked) == calls


def test_what_is_forbidden_is_no_reason_for_a_new_token(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    access.ping(account)
    server.routes[HISTORY] = whole("api-error-403-unauthorized-client", 403)
    with pytest.raises(DeniedError):
        access.ping(account)
    assert hotmart.tokens_given == 1


def test_wrong_credentials_are_for_a_person_to_mend(
    server: GatewayServer, hotmart: Hotmart
) -> None:
    wrong = {**hotmart.credentials(), "client_secret": "another"}
    with asking(server.url, wrong) as view, pytest.raises(DeniedError, match="copy both"):
        access.ping(view)
    assert not hotmart.asked


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_of_a_token_is_one_of_the_credentials(
    server: GatewayServer, account: Api, status: int
) -> None:
    server.routes[f"POST {TOKEN_PATH}"] = told({"error": "invalid_client"}, status)
    with pytest.raises(DeniedError) as denied:
        access.ping(account)
    assert denied.value.status == status


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
def test_without_credentials_nobody_is_asked(
    server: GatewayServer, hotmart: Hotmart, name: str
) -> None:
    partly = {**hotmart.credentials(), name: " "}
    with asking(server.url, partly) as view, pytest.raises(DeniedError, match="HOTMART_CLIENT_ID"):
        access.ping(view)
    assert not server.asked


def test_white_space_around_credentials_is_no_part_of_them(
    server: GatewayServer, hotmart: Hotmart
) -> None:
    spaced = {**hotmart.credentials(), "client_secret": f" {SECRET}\n"}
    with asking(server.url, spaced) as view:
        access.ping(view)


@pytest.mark.parametrize(
    "answer",
    [
        Canned(500),
        Canned(200, {}, b"<html>"),
        Canned(200, {}, b"\xff"),
        Canned(200, {}, b'{"expires_in": 60}'),
        Canned(200, {}, b'{"access_token": "a\\nb", "expires_in": 9000}'),
        Canned(200, {}, '{"access_token": "ção", "expires_in": 9000}'.encode()),
        Canned(200, {}, b'{"access_token": "", "expires_in": 9000}'),
        Canned(delay=1.0),
    ],
)
def test_without_a_token_it_is_tried_again_later(
    server: GatewayServer, account: Api, answer: Canned
) -> None:
    server.routes[f"POST {TOKEN_PATH}"] = answer
    with pytest.raises(UnavailableError):
        access.ping(account)


def test_changed_credentials_do_not_live_on_anothers_token(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    access.ping(account)
    for name in ("client_id", "client_secret", "auth_url"):
        changed = {**account.credentials, name: "http://127.0.0.1:9"}
        assert access.name_of(replace(account, credentials=changed)) != access.name_of(account)
    wrong = {**account.credentials, "client_secret": "another"}
    with pytest.raises(DeniedError):
        access.ping(replace(account, credentials=wrong))


def test_production_has_its_own_host_for_tokens() -> None:
    hosts = []

    def refuse(request: httpx.Request) -> httpx.Response:
        hosts.append(str(request.url.copy_with(query=None)))
        return httpx.Response(401)

    credentials = {"client_id": "a", "client_secret": "b"}
    with (
        httpx.Client(transport=httpx.MockTransport(refuse)) as client,
        pytest.raises(DeniedError),
    ):
        access.ping(Api(client, HOTMART.api_url, credentials))
    assert hosts == ["https://api-sec-vlc.hotmart.com/security/oauth/token"]


def test_a_used_up_rate_says_when_there_is_more(server: GatewayServer, account: Api) -> None:
    headers = {name.replace("-", "_"): value for name, value in LIMITED.items()}
    server.routes[HISTORY] = whole("api-error-429-too-many-requests", 429, **headers)
    with pytest.raises(UnavailableError) as busy:
        access.ping(account)
    assert (busy.value.status, busy.value.retry_after) == (429, timedelta(seconds=17))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Canned(500), UnavailableError),
        (Canned(502), UnavailableError),
        (Canned(503, {"retry-after": "7"}), UnavailableError),
        (Canned(delay=1.0), UnavailableError),
        (whole("api-error-404-not-found", 404), NotFoundError),
        (whole("api-error-403-unauthorized-client", 403), DeniedError),
        (whole("api-error-400-invalid-parameter", 400), ApiError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, account: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes[HISTORY] = answer
    with pytest.raises(ApiError) as failed:
        access.ping(account)
    assert type(failed.value) is error


def test_a_refusal_says_why_in_hotmarts_words(server: GatewayServer, account: Api) -> None:
    server.routes[HISTORY] = whole("api-error-400-invalid-page-token", 400)
    with pytest.raises(ApiError, match="invalid_token, The page_token parameter is invalid") as no:
        access.ping(account)
    assert no.value.status == 400


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b'{"error": 7}', b"{}"])
def test_a_refusal_without_a_reason_is_still_a_refusal(
    server: GatewayServer, account: Api, body: bytes
) -> None:
    server.routes[HISTORY] = Canned(400, {}, body)
    with pytest.raises(ApiError, match="400: no reason given"):
        access.ping(account)


@pytest.mark.parametrize("path", [HISTORY, f"POST {TOKEN_PATH}"])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_no_error_tells_a_secret(
    server: GatewayServer, account: Api, path: str, status: int
) -> None:
    server.routes[path] = Canned(status)
    with pytest.raises(ApiError) as failed:
        access.ping(account)
    error: BaseException | None = failed.value
    while error:
        assert not any(text in str(error) for text in (SECRET, "segredo", "H4sI", "Basic"))
        error = error.__cause__ or error.__context__
