"""What is done with users of Supabase.

What we note stands in the user's ``app_metadata``, which only the admin API can write::

    {"recibo": {"created_by": "<key of the step that made him>", "status": "active",
                "access": {"<access_id>": {"status": "active", "product": …, "plan": …, …}}}}

Supabase merges the keys of ``app_metadata`` and replaces their values, so ``recibo`` is always
written whole. E-mails are unique there: whatever is cut off in between, a second user is not made.
"""

import logging
from typing import Any

from recibo.access.errors import RefusedError, UnavailableError
from recibo.access.providers.client import Answer
from recibo.access.providers.contract import Step, Target, User
from recibo.access.providers.supabase.api import (
    Account,
    Change,
    Link,
    ask_as_admin,
    call,
    code_of,
    described,
    encoded,
    find_by_email,
    find_by_id,
    read,
    refusal,
    table,
    write,
)

logger = logging.getLogger(__name__)

#: A hundred years. Durations there have no unit above hours.
FOR_GOOD = "876000h"
#: Lifts a ban.
NONE = "none"


def create(target: Target, step: Step) -> User:
    """Make the user, or give the access to the one who has the address."""
    known = find(target, step) if step.user_id else None
    account = let_in(target, known or made(target, step), step)
    is_ours = account.noted.get("created_by") == step.key
    if is_ours and not step.password:
        return User(user_id=account.id, password_url=password_url(target, account))
    return User(user_id=account.id, is_ours=is_ours)


def block(target: Target, step: Step) -> None:
    """Take the access away; without any other, ban the user. One who never had it, or is gone,
    needs nothing.
    """
    account = find(target, step)
    if account is None or not (step.user_id or was_let_in(account, step)):
        return
    if step.has_other_access:
        write(target, account, Change(app_metadata=noting(account, step, "blocked", "active")))
    else:
        note = noting(account, step, "blocked", "blocked")
        write(target, account, Change(app_metadata=note, ban_duration=FOR_GOOD))


def unblock(target: Target, step: Step) -> None:
    """Give the access back. Raises RefusedError if the user is gone."""
    if (account := find(target, step)) is None:
        raise RefusedError("Supabase has no such user any more: send his credentials again")
    let_in(target, account, step)


def reset(target: Target, step: Step) -> User:
    """Set the password, or make a new link. A user who is gone is made again."""
    if (account := find(target, step)) is None:
        return create(target, step)
    if step.password:
        write(target, account, Change(password=step.password))
        return User(user_id=account.id)
    return User(user_id=account.id, password_url=password_url(target, account))


def ping(target: Target) -> None:
    """Read one user, and make none: the body is empty, which only a key that may write is told."""
    call(target, "read", "GET", "admin/users", params={"page": 1, "per_page": 1})
    answer = ask_as_admin(target, "write", "POST", "admin/users", content=b"{}")
    if answer.status not in {400, 422}:
        raise refusal(answer, "write")


def made(target: Target, step: Step) -> Account:
    """A new user with the access, or the one who has the address already."""
    body = {
        "email": address(step),
        "email_confirm": True,  # else he could not log in, and nobody would write to him
        "user_metadata": {"full_name": step.person.name},
        "app_metadata": noting(None, step, "active", "active"),
        **({"password": step.password} if step.password else {}),
    }
    answer = ask_as_admin(target, "create", "POST", "admin/users", content=encoded(body))
    if answer.is_success:
        return read(answer, Account, "create")
    return who_stood_in_the_way(target, step, answer)


def who_stood_in_the_way(target: Target, step: Step, answer: Answer) -> Account:
    """The user for whose sake another was not made; else raises what the answer stands for.

    Two who make the same one at once are told 500, as are those whom a trigger refuses.
    """
    if answer.status not in {422, 500}:
        raise refusal(answer, "create")
    if account := find_by_email(target, address(step)):
        return account
    if code_of(answer) == "email_exists":  # he may just have been deleted
        raise UnavailableError(described(answer, "create"))
    raise refusal(answer, "create")


def let_in(target: Target, account: Account, step: Step) -> Account:
    """The user with this access and without a ban; nothing is written if he is so already."""
    note = noting(account, step, "active", "active")
    if note["recibo"] == account.noted and not account.banned_until:
        return account
    change = Change(app_metadata=note, ban_duration=NONE if account.banned_until else "")
    return write(target, account, change)


def was_let_in(account: Account, step: Step) -> bool:
    """We gave him this access once, whether or not we got to know of it."""
    return step.grant.access_id in table(account.noted.get("access"))


def noting(account: Account | None, step: Step, status: str, overall: str) -> dict[str, Any]:
    """``app_metadata`` in which this access has ``status`` and the user as a whole ``overall``."""
    noted = account.noted if account else {"created_by": step.key}
    grant = step.grant
    access = {
        "status": status,
        "product": grant.product,
        "product_id": grant.product_id,
        "plan": grant.plan,
        "valid_until": grant.valid_until and grant.valid_until.isoformat(),
    }
    accesses = {**table(noted.get("access")), grant.access_id: access}
    return {"recibo": {**noted, "status": overall, "access": accesses}}


def password_url(target: Target, account: Account) -> str:
    """A link with which he sets his password; the one before no longer works."""
    wanted = {"redirect_to": target.login_url} if target.login_url else {}
    body = encoded({"type": "recovery", "email": account.email, **wanted})
    link = read(call(target, "link", "POST", "admin/generate_link", content=body), Link, "link")
    if target.login_url.rstrip("/") not in {"", link.redirect_to.rstrip("/")}:
        logger.warning(
            "Supabase does not lead to %s after a password was set: allow it in the project's URL"
            " configuration",
            target.login_url,
        )
    return link.action_link


def find(target: Target, step: Step) -> Account | None:
    """The user by the id that we know, else by his address."""
    return find_by_id(target, step.user_id) or find_by_email(target, address(step))


def address(step: Step) -> str:
    """As Supabase keeps it."""
    return step.person.email.strip().lower()
