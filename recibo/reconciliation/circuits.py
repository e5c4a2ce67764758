"""An API that is down is left alone for a while: it would only take the turns of other accounts.

A circuit opens after ``TRIP`` failures in a row and pauses its account, longer each time; when the
pause is over, one question tries. What works closes it. A gateway that tells us to wait is left
alone likewise, without being called down. The row is also the gate through which workers take the
work of an account one after the other, so that ``MOST_AT_ONCE`` holds for all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.gateways.errors import ApiError, DeniedError, UnavailableError
from recibo.reconciliation.errors import OutOfTurnsError, RestingError
from recibo.reconciliation.models import Circuit
from recibo.work.sql import execute

TRIP = 5
MOST_AT_ONCE = 4
PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
#: Told to wait, not down.
TOO_MANY = 429

ENSURE = """
    insert into reconciliation_circuit (account_id, failures, slowed, error)
    select distinct unnest(%s::bigint[]), 0, 0, '' order by 1 on conflict do nothing
"""
ENSURE_ALL = """
    insert into reconciliation_circuit (account_id, failures, slowed, error)
    select a.id, 0, 0, '' from accounts_account a
    where not exists (select from reconciliation_circuit c where c.account_id = a.id)
    order by 1 on conflict do nothing
"""
#: One more failure. What fails while the account is paused already was asked before: it adds none.
FAIL = """
    insert into reconciliation_circuit as c (account_id, failures, slowed, error)
    values (%s, 1, 0, %s)
    on conflict (account_id) do update set
        failures = c.failures + 1,
        error = excluded.error,
        opened_at = case when c.failures + 1 >= %s then coalesce(c.opened_at, now()) end,
        paused_until = case when c.failures + 1 >= %s then now() + make_interval(
            secs => least(%s, %s * power(2, least(c.failures + 1 - %s, 20)))) end
    where c.paused_until is null or c.paused_until <= now()
"""
#: The gateway says how long.
REST = """
    insert into reconciliation_circuit as c (account_id, failures, slowed, error, paused_until)
    values (%s, 0, 0, %s, now() + %s)
    on conflict (account_id) do update set
        error = excluded.error, paused_until = greatest(c.paused_until, excluded.paused_until)
"""
#: It does not say how long: longer each time in a row. As in ``FAIL`` for what was asked before.
SLOW = """
    insert into reconciliation_circuit as c (account_id, failures, slowed, error, paused_until)
    values (%s, 0, 1, %s, now() + %s)
    on conflict (account_id) do update set
        error = excluded.error,
        slowed = c.slowed + 1,
        paused_until = now() + least(%s, %s * power(2, least(c.slowed, 20)))
    where c.paused_until is null or c.paused_until <= now()
"""
#: Whoever was asked before we were told to wait takes nothing from that wait.
WORKED = """
    update reconciliation_circuit
    set failures = 0, opened_at = null, error = case when is_told_to_wait then error else '' end,
        paused_until = case when is_told_to_wait then paused_until end,
        slowed = case when is_told_to_wait then slowed else 0 end
    from (select account_id as id, opened_at is null and paused_until > now() as is_told_to_wait
          from reconciliation_circuit where account_id = %s) c
    where account_id = c.id and (failures > 0 or (slowed > 0 and is_told_to_wait is not true))
"""


@contextmanager
def watched(account: Account) -> Iterator[None]:
    """Learn from how a question to the account's gateway ends. Raises what it raises."""
    try:
        yield
    except OutOfTurnsError:
        raise
    except ApiError as error:
        learn(account.pk, error)
        raise
    worked(account.pk)


def learn(account_id: int, error: ApiError) -> None:
    """What a failed question says of the API; nothing where none was asked."""
    if isinstance(error, UnavailableError):
        trouble(account_id, error)
    elif not error.status:
        return
    elif isinstance(error, DeniedError):
        trouble(account_id, error)
    else:
        worked(account_id)  # it answered, if not what we hoped for


def ensure(account_ids: list[int]) -> None:
    """Give accounts their circuit. One statement."""
    execute(ENSURE, account_ids)


def ensure_all() -> None:
    """Give every account its circuit. One statement."""
    execute(ENSURE_ALL)


def trouble(account_id: int, error: ApiError) -> None:
    """Nobody answered, or nobody may ask; or we are to wait."""
    message = f"{type(error).__name__}: {error}"
    wait = error.retry_after if isinstance(error, UnavailableError) else None
    if error.status != TOO_MANY:
        longest, first = LONGEST_PAUSE.total_seconds(), PAUSE.total_seconds()
        execute(FAIL, account_id, message, TRIP, TRIP, longest, first, TRIP)
    elif not wait:
        execute(SLOW, account_id, message, PAUSE, LONGEST_PAUSE, PAUSE)
    if wait:
        execute(REST, account_id, message, wait)


def worked(account_id: int) -> None:
    """It answers: forget what was wrong. Writes only where something was."""
    execute(WORKED, account_id)


def require_no_rest(account: Account, *, by_hand: bool = False) -> None:
    """Raise RestingError where nobody is to ask the account's gateway now.

    ``by_hand``: one that only counts as down may be tried.
    """
    now = timezone.now()
    resting = Circuit.objects.filter(pk=account.pk, paused_until__gt=now)
    found = (resting.filter(opened_at=None) if by_hand else resting).first()
    if found is not None and found.paused_until is not None:
        wait = found.paused_until - now
        raise RestingError(f"{account} is left alone for now: {found.error}", retry_after=wait)


def is_down(account_id: int) -> bool:
    """Whether the account's API counts as down."""
    return Circuit.objects.filter(pk=account_id, opened_at__isnull=False).exists()


def down() -> QuerySet[Circuit]:
    """The accounts whose API is down."""
    return Circuit.objects.filter(opened_at__isnull=False).select_related("account")
