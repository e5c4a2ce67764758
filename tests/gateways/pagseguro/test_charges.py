"""Asking how charges stand, which ones an order has and what was sold, over real sockets."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from recibo.billing.states import Told, charge_state
from recibo.gateways.contract import ANSWER, Api, Listed, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    IgnoredError,
    NotFoundError,
    UnavailableError,
)
from recibo.gateways.facts import ChargeFact, ChargeStatus
from recibo.gateways.pagseguro import PAGSEGURO, api, charges, windows
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, asking, told
from tests.gateways.pagseguro.canned import CREDENTIALS, changed, recording
from tests.recordings import recorded

SEARCH = "/v2/transactions"
CODE = "A1B2C3D4-0003-4F00-8A00-000000000003"
V4_CODE = "A1B2C3D4-0309-4F00-8A00-000000000309"
TRANSACTION = f"/v3/transactions/{CODE}"
PAID = recording("legacy-v3-transaction-status3-card-paid")
V4_PAID = recording("v4-api-get-charge-paid")
EMPTY = recording("legacy-v2-search-by-reference-empty")
NOT_FOUND = recording("legacy-error-404-13015-transaction-not-found", 404)
DENIED = recording("legacy-error-401-unauthorized", 401)
ORDER = "ORDE_A1B2C3D4-0105-4F00-8A00-000000000105"


def transactions(server: GatewayServer, *numbers: int) -> None:
    """Serve the legacy transactions of these numbers in full; other numbers are not there."""
    for number in numbers:
        code = f"A1B2C3D4-{number:04d}-4F00-8A00-{number:012d}"
        answer = changed("legacy-v3-transaction-status3-card-paid", (CODE, code))
        server.routes[f"/v3/transactions/{code}"] = answer


def numbers(server: GatewayServer) -> list[int]:
    """The transactions that were read, in order."""
    return [int(path[-12:]) for path in server.paths if path.startswith("/v3/transactions/")]


def searches(server: GatewayServer) -> list[dict[str, str]]:
    """The searches, without what is the same in all of them."""
    same = {*CREDENTIALS, "maxPageResults"}
    return [
        {name: values[0] for name, values in asked.query.items() if name not in same}
        for asked in server.asked
        if asked.path == SEARCH
    ]


def statuses(answers: list[RawRequest]) -> list[Any]:
    return [fact.status for answer in answers for fact in PAGSEGURO.parse(answer)]


# One charge


@pytest.mark.parametrize("charge_id", [CODE, CODE.lower(), f"CHAR_{CODE}"])
def test_a_charge_is_asked_for_where_more_is_told_of_it(
    server: GatewayServer, asked_api: Api, charge_id: str
) -> None:
    server.routes[TRANSACTION] = PAID
    (answer,) = charges.fetch_charge(asked_api, charge_id)
    (fact,) = PAGSEGURO.parse(answer)
    assert (fact.charge_id, fact.status, fact.fee is None) == (CODE, ChargeStatus.PAID, False)
    assert fact.customer.name == "Marina Teixeira de Araújo"
    assert server.paths == [TRANSACTION]


@pytest.mark.parametrize(
    "refusal", [NOT_FOUND, recording("legacy-error-400-13003-invalid-transaction-code", 400)]
)
def test_a_charge_that_the_older_api_does_not_know_is_asked_for_at_v4(
    server: GatewayServer, asked_api: Api, refusal: Canned
) -> None:
    server.routes[f"/v3/transactions/{V4_CODE}"] = refusal
    server.routes[f"/charges/CHAR_{V4_CODE}"] = V4_PAID
    (answer,) = charges.fetch_charge(asked_api, V4_CODE)
    assert answer.headers == {ANSWER: b"charge"}
    assert statuses([answer]) == [ChargeStatus.PAID]


def test_without_an_email_only_v4_is_asked(server: GatewayServer) -> None:
    server.routes[f"/charges/CHAR_{V4_CODE}"] = V4_PAID
    with asking(server.url, {"token": "token-ficticio"}) as view:
        assert statuses(charges.fetch_charge(view, V4_CODE)) == [ChargeStatus.PAID]
        with pytest.raises(NotFoundError):
            charges.fetch_charge(view, CODE)
    assert server.paths == [f"/charges/CHAR_{V4_CODE}", f"/charges/CHAR_{CODE}"]


def test_a_charge_that_nobody_knows_is_not_found(server: GatewayServer, asked_api: Api) -> None:
    server.routes[TRANSACTION] = NOT_FOUND
    with pytest.raises(NotFoundError, match=CODE):
        charges.fetch_charge(asked_api, CODE)
    server.routes[f"/charges/CHAR_{CODE}"] = recording("v4-api-error-401", 401)
    with pytest.raises(NotFoundError):  # a seller without v4: its word is not needed
        charges.fetch_charge(asked_api, CODE)


def test_the_one_that_denies_us_may_have_known_the_charge(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[TRANSACTION] = DENIED
    with pytest.raises(DeniedError):
        charges.fetch_charge(asked_api, CODE)
    server.routes[f"/charges/CHAR_{CODE}"] = changed("v4-api-get-charge-paid", (V4_CODE, CODE))
    assert statuses(charges.fetch_charge(asked_api, CODE)) == [ChargeStatus.PAID]


def test_an_outage_of_one_generation_is_no_reason_to_believe_the_other(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[TRANSACTION] = recording("legacy-error-503-outage", 503)
    server.routes[f"/charges/CHAR_{CODE}"] = recording("v4-api-error-404", 404)
    with pytest.raises(UnavailableError):
        charges.fetch_charge(asked_api, CODE)
    server.routes[TRANSACTION] = recording("legacy-error-400-several")
    with pytest.raises(ApiError, match="page invalid value"):
        charges.fetch_charge(asked_api, CODE)


def test_an_order_is_read_with_all_its_charges(server: GatewayServer, asked_api: Api) -> None:
    server.routes[f"/orders/{ORDER}"] = recording("v4-api-get-order-boleto-waiting")
    (answer,) = charges.fetch_charge(asked_api, ORDER)
    assert answer.headers == {ANSWER: b"order"}
    assert statuses([answer]) == [ChargeStatus.PENDING]


def test_a_pix_code_is_asked_for_by_its_order(server: GatewayServer) -> None:
    """It names its order; v4 answers for that, before the payment and after it."""
    unpaid = recording("v4-order-pix-unpaid")
    order = json.loads(unpaid.body)["id"]
    with asking(server.url, {"token": "token-ficticio"}) as view:
        server.routes[f"/orders/{order}"] = unpaid
        (answer,) = charges.fetch_charge(view, order)
        (code,) = PAGSEGURO.parse(answer)
        assert isinstance(code, ChargeFact)
        assert code.charge_id.startswith("QRCO_")
        assert code.metadata["order_id"] == order
        paid = json.loads(recorded("pagseguro/v4-webhook-order-declined-then-paid").body)
        server.routes[f"/orders/{order}"] = told({**paid, "id": order})
        assert statuses(charges.fetch_charge(view, order)) == [
            ChargeStatus.FAILED,
            ChargeStatus.PAID,
        ]


def test_a_refund_is_dated_by_our_reading_and_says_so() -> None:
    """PagBank dates payments, and nothing that came after them."""
    at = datetime(2029, 1, 1, tzinfo=UTC)
    for name, is_dated_by_us in (("card-refunded-in-full", True), ("card-paid", False)):
        request = recorded(f"pagseguro/v4-webhook-order-{name}")
        (fact,) = PAGSEGURO.parse(replace(request, received_at=at))
        assert isinstance(fact, ChargeFact)
        assert (fact.is_dated_by_us, fact.occurred_at == at) == (is_dated_by_us, is_dated_by_us)


@pytest.mark.parametrize(
    ("charge_id", "reason"),
    [
        ("QRCO_A1B2C3D4-0201-4F00-8A00-000000000201", "for the order of a Pix code"),
        ("SUBS_A1B2C3D4-0201-4F00-8A00-000000000201", "no charge of such an id"),
        ("CHAR_../orders/x", "no charge of such an id"),
        ("ORDE_a?x=1", "no charge of such an id"),
        ("", "no charge of such an id"),
    ],
)
def test_what_is_no_id_of_a_charge_is_not_asked_for(
    server: GatewayServer, asked_api: Api, charge_id: str, reason: str
) -> None:
    with pytest.raises(NotFoundError, match=reason):
        charges.fetch_charge(asked_api, charge_id)
    assert server.asked == []


@pytest.mark.parametrize(
    ("webhook", "code", "answer"),
    [
        (
            "v4-webhook-charge-root-paid",
            V4_CODE,
            changed("legacy-v3-transaction-status3-card-paid", (CODE, V4_CODE)),
        ),
        ("v4-webhook-charge-root-paid", V4_CODE, V4_PAID),
    ],
)
def test_a_webhook_and_an_answer_about_one_payment_are_one_paid_charge(
    server: GatewayServer, asked_api: Api, webhook: str, code: str, answer: Canned
) -> None:
    path = f"/charges/CHAR_{code}" if answer is V4_PAID else f"/v3/transactions/{code}"
    server.routes[path] = answer
    (asked,) = (PAGSEGURO.parse(one)[0] for one in charges.fetch_charge(asked_api, code))
    (sent,) = PAGSEGURO.parse(recorded(f"pagseguro/{webhook}"))
    assert asked.charge_id == sent.charge_id
    for facts in itertools.permutations([asked, sent]):
        news = [Told(fact, repr(fact), "", False) for fact in facts]
        assert charge_state(news).status is ChargeStatus.PAID


# The charges of an order


def test_a_search_reads_in_full_what_it_finds(server: GatewayServer, asked_api: Api) -> None:
    """A row names no buyer: taken for the news itself, nobody would be given access."""
    server.routes[SEARCH] = recording("legacy-v2-search-by-reference-one")
    transactions(server, 3)
    (answer,) = charges.search_charges(asked_api, "PEDIDO-1003")
    (fact,) = PAGSEGURO.parse(answer)
    assert fact.customer.email == "marina.araujo@example.com"
    assert searches(server) == [{"reference": "PEDIDO-1003", "page": "1"}]
    assert {*CREDENTIALS} < {*server.asked[0].query}


def test_of_several_attempts_the_paid_one_is_first_and_all_are_told(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = recording("legacy-v2-search-by-reference-several-one-paid")
    transactions(server, 11, 12, 13)
    assert len(charges.search_charges(asked_api, "PEDIDO-1013")) == 3
    assert numbers(server) == [13, 11, 12]  # paid, waiting, cancelled


def test_nothing_found_is_not_yet(server: GatewayServer, asked_api: Api) -> None:
    server.routes[SEARCH] = EMPTY
    assert charges.search_charges(asked_api, "PEDIDO-1003") == []
    assert server.paths == [SEARCH]


def test_what_is_listed_and_not_shown_yet_is_asked_for_again(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = recording("legacy-v2-search-by-reference-one")
    server.routes[TRANSACTION] = NOT_FOUND
    with pytest.raises(UnavailableError, match="does not show it yet"):
        charges.search_charges(asked_api, "PEDIDO-1003")


def test_the_counts_of_a_page_are_not_believed_and_references_compare_as_they_are(
    server: GatewayServer, asked_api: Api
) -> None:
    """It says ten results and holds two: one of another reference, and no sale."""
    name = "found-ruby-search-wrong-results-count"
    server.routes[SEARCH] = recording(name)
    server.routes["/v3/transactions/9E884542-81B3-4419-9A75-BCC6FB495EF1"] = PAID
    assert len(charges.search_charges(asked_api, "REF1234")) == 1
    assert charges.search_charges(asked_api, "REF123") == []
    server.routes[SEARCH] = changed(name, ("REF5678", "REF1234"))
    assert len(charges.search_charges(asked_api, "REF1234")) == 1


def test_all_pages_are_searched_and_a_transaction_listed_twice_is_read_once(
    server: GatewayServer, asked_api: Api
) -> None:
    name = "legacy-v2-search-by-reference-one"
    server.routes[SEARCH] = [
        changed(name, ("<totalPages>1", "<totalPages>2")),
        recording(name),
    ]
    transactions(server, 3)
    assert len(charges.search_charges(asked_api, "PEDIDO-1003")) == 1
    assert [search["page"] for search in searches(server)] == ["1", "2"]


@pytest.mark.parametrize("reference", ["", "x" * 201])
def test_what_can_be_no_reference_has_no_charges(
    server: GatewayServer, asked_api: Api, reference: str
) -> None:
    assert charges.search_charges(asked_api, reference) == []
    assert server.asked == []


def test_a_reference_is_escaped(server: GatewayServer, asked_api: Api) -> None:
    server.routes[SEARCH] = EMPTY
    charges.search_charges(asked_api, "a&token=b#c d/é" + "x" * 185)
    assert server.asked[0].query["reference"] == ["a&token=b#c d/é" + "x" * 185]
    assert server.asked[0].query["token"] == ["token-ficticio"]


def wants_dates(asked: Asked) -> Canned:
    """As versions of the search that take no reference without them."""
    if "initialDate" not in asked.query:
        return recording("legacy-error-400-several", 400)
    return recording("legacy-v2-search-by-reference-one")


def test_where_the_plain_search_is_refused_windows_are_searched(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = wants_dates
    transactions(server, 3)
    assert len(charges.search_charges(asked_api, "PEDIDO-1003")) == 1
    plain, *spans = searches(server)
    assert plain == {"reference": "PEDIDO-1003", "page": "1"}
    assert len(spans) == 6
    assert {span["reference"] for span in spans} == {"PEDIDO-1003"}
    assert all(one["finalDate"] == two["initialDate"] for one, two in itertools.pairwise(spans))
    assert spans[-1]["finalDate"] <= windows.local(datetime.now(UTC))


def test_a_search_that_stays_refused_or_is_down_is_never_nothing(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = recording("legacy-error-400-several", 400)
    with pytest.raises(ApiError):
        charges.search_charges(asked_api, "PEDIDO-1003")
    server.routes[SEARCH] = Canned(503)
    with pytest.raises(UnavailableError):
        charges.search_charges(asked_api, "PEDIDO-1003")
    assert len(server.asked) == 3


def test_without_an_email_a_sellers_reference_finds_nothing_and_nobody_is_asked(
    server: GatewayServer,
) -> None:
    with asking(server.url, {"token": "t"}) as view:
        assert charges.search_charges(view, "PEDIDO-1003") == []
    assert server.asked == []


def test_an_order_without_a_reference_is_found_by_its_id(server: GatewayServer) -> None:
    """Its id stands for the reference in our facts. v4 needs no e-mail for it."""
    server.routes[f"/orders/{ORDER}"] = recording("v4-api-get-order-boleto-waiting")
    with asking(server.url, {"token": "token-ficticio"}) as view:
        assert statuses(charges.search_charges(view, ORDER)) == [ChargeStatus.PENDING]
        assert charges.search_charges(view, "ORDE_NOT-THERE") == []


def test_a_transaction_without_a_reference_is_found_by_its_code(
    server: GatewayServer, asked_api: Api
) -> None:
    """Its code stands for the reference; and a seller's reference can look just like one."""
    server.routes[SEARCH] = EMPTY
    transactions(server, 3)
    assert statuses(charges.search_charges(asked_api, CODE)) == [ChargeStatus.PAID]
    assert charges.search_charges(asked_api, V4_CODE) == []
    assert searches(server)[0] == {"reference": CODE, "page": "1"}


def test_a_row_without_a_reference_is_taken_for_the_one_that_was_searched(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = changed(
        "legacy-v2-search-by-date-page2", ("<totalPages>2", "<totalPages>1")
    )
    transactions(server, 2)
    assert len(charges.search_charges(asked_api, "PEDIDO-1002")) == 1


@pytest.mark.parametrize("total", ["", "-1", "²", "many", "99999"])
def test_a_count_of_pages_that_is_none_stands_for_one(
    server: GatewayServer, asked_api: Api, total: str
) -> None:
    name = "legacy-v2-search-by-date-page1"
    server.routes[SEARCH] = changed(name, ("<totalPages>2", f"<totalPages>{total}"))
    assert len(list(charges.rows(asked_api, {}))) == 2


def test_pages_without_end_are_left(
    server: GatewayServer, asked_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "MOST_PAGES", 3)
    name = "legacy-v2-search-by-date-page1"
    server.routes[SEARCH] = changed(name, ("<totalPages>2", "<totalPages>9999"))
    assert len(list(charges.rows(asked_api, {}))) == 6
    now = datetime.now(UTC)
    assert len(walked(asked_api, now - timedelta(days=1), now)) == 3


@pytest.mark.parametrize(
    "answer",
    [
        recording("legacy-error-503-outage"),
        recording("legacy-v2-preapproval-search"),
        changed("legacy-v2-search-by-reference-one", (f"<code>{CODE}</code>", "")),
        Canned(),
    ],
)
def test_what_is_no_page_of_a_search_is_never_taken_for_nothing_found(
    server: GatewayServer, asked_api: Api, answer: Canned
) -> None:
    server.routes[SEARCH] = answer
    with pytest.raises(UnavailableError):
        charges.search_charges(asked_api, "PEDIDO-1003")


# Sales


#: A whole minute of yesterday, so that no search meets the present.
UNTIL = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=1)
PAGES = [
    recording("legacy-v2-search-by-date-page1"),
    recording("legacy-v2-search-by-date-page2"),
]


def walked(view: Api, since: datetime, until: datetime) -> list[Listed]:
    """Every page of a list."""
    pages = [charges.list_sales(view, since, until, "")]
    while pages[-1].cursor:
        pages.append(charges.list_sales(view, since, until, pages[-1].cursor))
    return pages


def ids(answers: list[RawRequest]) -> list[str]:
    return [PAGSEGURO.identify(answer).event_id for answer in answers]


def test_sales_are_listed_page_by_page_and_completed_one_by_one(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = PAGES
    transactions(server, 1, 2, 3)
    first, second = walked(asked_api, UNTIL - timedelta(days=3), UNTIL)
    assert (len(first.answers), len(second.answers)) == (2, 1)
    assert numbers(server) == []
    for row in [*first.answers, *second.answers]:
        identity = PAGSEGURO.identify(row)
        (whole,) = api.fetch(asked_api, row)
        assert identity.is_thin
        assert not PAGSEGURO.identify(whole).is_thin
        assert PAGSEGURO.identify(whole).charge_id == identity.charge_id
        assert statuses([whole]) == [ChargeStatus.PAID]
    assert numbers(server) == [1, 3, 2]
    span = {
        "initialDate": windows.local(UNTIL - timedelta(days=3)),
        "finalDate": windows.local(UNTIL),
    }
    assert searches(server) == [{**span, "page": "1"}, {**span, "page": "2"}]


def test_nothing_of_a_row_is_believed_but_its_code(server: GatewayServer, asked_api: Api) -> None:
    server.routes[SEARCH] = PAGES
    row, *_ = charges.list_sales(asked_api, UNTIL - timedelta(days=3), UNTIL, "").answers
    with pytest.raises(IgnoredError, match="without its buyer"):
        PAGSEGURO.parse(row)


def test_the_same_state_listed_again_is_the_same_event_and_a_changed_one_another(
    server: GatewayServer, asked_api: Api
) -> None:
    def listed() -> list[str]:
        page = charges.list_sales(asked_api, UNTIL - timedelta(days=3), UNTIL, "")
        return ids(list(page.answers))

    name = "legacy-v2-search-by-date-page1"
    server.routes[SEARCH] = recording(name)
    before = listed()
    server.routes[SEARCH] = changed(name, ("<date>2025-03-13", "<date>2025-04-13"))
    assert listed() == before
    moved = ("<lastEventDate>2025-03-12T06:40:31", "<lastEventDate>2025-03-20T06:40:31")
    server.routes[SEARCH] = changed(name, moved)
    assert [one == two for one, two in zip(before, listed(), strict=True)] == [False, True]


def test_a_row_is_another_event_than_the_sale_that_it_leads_to(
    server: GatewayServer, asked_api: Api
) -> None:
    """Else the sale would be taken for known before anybody had read it."""
    server.routes[SEARCH] = recording("legacy-v2-search-by-reference-one")
    server.routes[TRANSACTION] = PAID
    (row,) = charges.list_sales(asked_api, UNTIL - timedelta(days=3), UNTIL, "").answers
    (whole,) = api.fetch(asked_api, row)
    assert ids([row]) == [f"row:{ids([whole])[0]}"]


def test_a_list_leaves_out_what_is_no_sale_and_what_nobody_finished(
    server: GatewayServer, asked_api: Api
) -> None:
    for name in ("found-ruby-search-wrong-results-count", "legacy-v2-search-abandoned"):
        server.routes[SEARCH] = recording(name)
        found = charges.list_sales(asked_api, UNTIL - timedelta(days=3), UNTIL, "").answers
        assert [PAGSEGURO.identify(row).gateway_event for row in found] in (["transaction/3"], [])


def test_an_empty_list_ends(server: GatewayServer, asked_api: Api) -> None:
    server.routes[SEARCH] = EMPTY
    assert walked(asked_api, UNTIL - timedelta(days=3), UNTIL) == [Listed([])]


@pytest.mark.parametrize(
    ("name", "found"),
    [("found-perl-search-by-date", 1), ("found-ruby-search-by-date", 5)],
)
def test_rows_need_no_reference_and_counters_can_come_last(
    server: GatewayServer, asked_api: Api, name: str, found: int
) -> None:
    server.routes[SEARCH] = recording(name)
    answers = charges.list_sales(asked_api, UNTIL - timedelta(days=3), UNTIL, "").answers
    assert len({PAGSEGURO.identify(row).event_id for row in answers}) == found


def test_a_row_keeps_its_letters(server: GatewayServer, asked_api: Api) -> None:
    """ISO-8859-1 in the page, and in each row that is cut out of it."""
    server.routes[SEARCH] = changed(
        "legacy-v2-search-by-reference-one", ("PEDIDO-1003", "PEDIDO-1003-X")
    )
    body = server.routes[SEARCH].body.replace(b"1003-X", "AÇÃO-1003".encode("iso-8859-1"))
    server.routes[SEARCH] = Canned(200, {}, body)
    (row,) = charges.list_sales(asked_api, UNTIL - timedelta(days=3), UNTIL, "").answers
    assert "AÇÃO-1003".encode("iso-8859-1") in row.body
    assert row.body.startswith(b"<?xml version='1.0' encoding='iso-8859-1'?>")


def test_a_long_time_is_searched_in_spans_as_far_back_as_a_search_reaches(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = EMPTY
    before = datetime.now(UTC)
    assert len(walked(asked_api, UNTIL - timedelta(days=400), UNTIL)) == 6
    farthest = (windows.local(one - timedelta(days=179)) for one in (before, datetime.now(UTC)))
    times = [(span["initialDate"], span["finalDate"]) for span in searches(server)]
    assert times[0][0] in farthest
    assert times[-1][1] == windows.local(UNTIL)
    assert all(one[1] == two[0] for one, two in itertools.pairwise(times))
    lengths = [datetime.fromisoformat(end) - datetime.fromisoformat(start) for start, end in times]
    assert max(lengths) == timedelta(days=30)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=3)])
def test_what_lies_in_the_future_is_not_searched(
    server: GatewayServer, asked_api: Api, ahead: timedelta
) -> None:
    server.routes[SEARCH] = EMPTY
    now = datetime.now(UTC)
    assert len(walked(asked_api, now - timedelta(hours=1), now + ahead)) == 1
    assert searches(server)[0]["finalDate"] <= windows.local(datetime.now(UTC))
    assert walked(asked_api, now + ahead, now + ahead + timedelta(days=1)) == [Listed([])]


def test_no_sale_falls_between_two_lists(server: GatewayServer, asked_api: Api) -> None:
    """Searches are to the minute: what is asked for begins and ends in the middle of one."""
    server.routes[SEARCH] = EMPTY
    until = datetime(2026, 3, 10, 12, 0, 45, tzinfo=UTC)
    place = windows.Place(until, until, until)
    assert place.parameters()["initialDate"] == "2026-03-10T09:00"
    day_before = UNTIL - timedelta(days=1, seconds=-30)
    walked(asked_api, day_before - timedelta(days=1), day_before)
    walked(asked_api, day_before, UNTIL)
    first, second = searches(server)
    assert second["initialDate"] <= windows.local(day_before) < first["finalDate"]


def test_a_list_goes_on_where_its_cursor_stands(server: GatewayServer, asked_api: Api) -> None:
    """After a crash, in another process, hours later: the spans are those it began with."""
    server.routes[SEARCH] = PAGES
    since = UNTIL - timedelta(days=45)
    cursor = charges.list_sales(asked_api, since, UNTIL, "").cursor
    again = charges.list_sales(asked_api, since, UNTIL + timedelta(hours=6), cursor)
    one, two = searches(server)
    assert {**one, "page": "2"} == two
    assert len(again.answers) == 1
    charges.list_sales(asked_api, since, UNTIL, again.cursor)
    assert searches(server)[-1] == {
        "initialDate": one["finalDate"],
        "finalDate": windows.local(UNTIL),
        "page": "1",
    }


BEYOND = Canned(
    400, {}, b"<errors><error><code>13020</code><message>beyond</message></error></errors>"
)


def test_a_page_that_has_gone_in_the_meantime_ends_its_span(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = [PAGES[0], BEYOND]
    first, second = walked(asked_api, UNTIL - timedelta(days=3), UNTIL)
    assert (len(first.answers), second) == (2, Listed([]))
    server.routes[SEARCH] = BEYOND
    with pytest.raises(ApiError):  # a first page cannot be beyond the last one
        walked(asked_api, UNTIL - timedelta(days=3), UNTIL)


def test_a_page_that_is_refused_for_another_reason_is_an_error(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = [PAGES[0], recording("legacy-error-400-several", 400)]
    with pytest.raises(ApiError):
        walked(asked_api, UNTIL - timedelta(days=3), UNTIL)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Canned(429, {"retry-after": "17"}), UnavailableError),
        (recording("legacy-error-503-outage", 503), UnavailableError),
        (recording("legacy-error-503-outage"), UnavailableError),
        (Canned(delay=0.7), UnavailableError),
        (DENIED, DeniedError),
        (told({"x": 1}), UnavailableError),
    ],
)
def test_a_list_that_cannot_be_read_is_an_error_and_not_empty(
    server: GatewayServer, asked_api: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes[SEARCH] = answer
    with pytest.raises(error):
        charges.list_sales(asked_api, UNTIL - timedelta(days=3), UNTIL, "")


def test_without_an_email_sales_cannot_be_listed(server: GatewayServer) -> None:
    with asking(server.url, {"token": "t"}) as view, pytest.raises(DeniedError, match="email"):
        charges.list_sales(view, UNTIL - timedelta(days=3), UNTIL, "")


def test_the_code_of_a_row_is_escaped(server: GatewayServer, asked_api: Api) -> None:
    code = "../../x?y=z#1"
    row = recorded("pagseguro/row-transaction-status3-boleto-paid")
    body = row.body.replace(b"A1B2C3D4-0001-4F00-8A00-000000000001", code.encode())
    with pytest.raises(NotFoundError):
        api.fetch(asked_api, RawRequest({ANSWER: b"transaction-row"}, body))
    assert server.paths == [f"/v3/transactions/{quote(code, safe='')}"]
