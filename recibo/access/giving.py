"""Asking an application for a user with an access, once, whatever is lost on the way."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from recibo.access import applications, letters
from recibo.access.applications import Known
from recibo.access.asking import USERS, ends_at, step_of, told_end
from recibo.access.errors import DeniedError, RefusedError
from recibo.access.models import Access, AccessState, Stage, UserAccount
from recibo.access.passwords import generate
from recibo.access.providers.contract import Credentials, Step, User
from recibo.accounts.encryption import opened, sealed
from recibo.billing.changes import Change, Subject
from recibo.billing.models import Order
from recibo.work import lease

#: Told of changes, in the transaction that makes them.
React = Callable[[Sequence[Change]], None]


def give(access: Access, order: Order, react: React) -> None:
    """Have the application make the user, or new credentials for him, and write it down.

    Raises AccessError, BusyError.
    """
    known = applications.application_named(access.application)
    account, _ = UserAccount.objects.get_or_create(
        customer=access.customer, application=access.application
    )
    with lease.alone(USERS, account.pk):
        account.refresh_from_db()
        access.valid_until = told_end(ends_at(access))
        had_user = bool(account.user_id) and access.given_at is None and not access.sealed_password
        password = None if had_user else password_of(access, known)
        step = step_of(
            access, account, str(access.version), reference=order.reference, password=password
        )
        user = ask(access, known, step, order.pk)
        is_ours = user.is_ours and not had_user
        with transaction.atomic():
            told = password or "" if is_ours else ""
            letters.hold(access, order.pk, user, password=told, login_url=known.login_url)
            keep(access, account, user, react)


def ask(access: Access, known: Known, step: Step, order_id: int) -> User:
    """The application's answer. Raises AccessError.

    That it was asked is written down before: an answer that is lost may have been a yes.
    """
    provider = known.provider
    is_new = access.given_at is None
    asked = Access.objects.filter(pk=access.pk)
    asked.update(asked=AccessState.ACTIVE)
    try:
        with applications.reached(known, order_id=order_id, stage=Stage.CREATING_USER) as target:
            return provider.create(target, step) if is_new else provider.reset(target, step)
    except (DeniedError, RefusedError):
        asked.update(asked="")
        raise


def password_of(access: Access, known: Known) -> str | None:
    """The password to set: the same over all tries, kept sealed before it is told to anybody.

    None: the buyer sets his own by a link, or could not be told.
    """
    if settings.RECIBO_MAIL is None or known.credentials is not Credentials.PASSWORD:
        return None
    if not access.sealed_password:
        access.sealed_password = sealed(generate())
        access.save(update_fields=["sealed_password"])
    return opened(bytes(access.sealed_password), str)


def keep(access: Access, account: UserAccount, user: User, react: React) -> None:
    """Write down the user, and that the access is given."""
    UserAccount.objects.filter(pk=account.pk).update(user_id=user.user_id or account.user_id)
    Access.objects.filter(pk=access.pk).update(asked="", sealed_password=b"")
    # What was paid may be otherwise by now, so it is looked at again.
    new = Access.objects.filter(pk=access.pk, given_at=None)
    given = new.update(
        state=AccessState.ACTIVE,
        given_at=timezone.now(),
        valid_until=access.valid_until,
        next_attempt_at=timezone.now(),
    )
    if given:
        react([granted(access)])


def granted(access: Access) -> Change:
    """The change that others react to: the application let the buyer in for the first time."""
    return Change(
        subject=Subject.ACCESS,
        id=access.pk,
        name=access.product or access.plan,
        before=AccessState.NONE,
        after="granted",
        event_id=0,
    )
