"""What an application is told when it is asked for something: who, what, under which name."""

from datetime import datetime

from django.conf import settings

from recibo.access import queries
from recibo.access.models import Access, AccessState, UserAccount
from recibo.access.owed import FOREVER, NOTHING, owed_until
from recibo.access.providers.contract import Grant, Person, Step
from recibo.billing.models import Customer
from recibo.messaging.phones import mobile

#: The table whose rows are held while an application is spoken to about a user.
USERS = UserAccount._meta.db_table


def step_of(
    access: Access,
    account: UserAccount,
    what: str,
    *,
    reference: str = "",
    password: str | None = None,
) -> Step:
    """A step, named the same over all its tries. Make it while the user is held: what else he
    has there may change until then.
    """
    return Step(
        key=f"access-{access.key}-{what}",
        person=person_of(access.customer),
        grant=Grant(
            access_id=name_of(access),
            product=access.product,
            product_id=access.product_id,
            plan=access.plan,
            order=reference,
            valid_until=access.valid_until,
        ),
        user_id=account.user_id,
        password=password,
        has_other_access=has_other_access(access),
    )


def person_of(customer: Customer) -> Person:
    """A customer as an application hears of him."""
    person = customer.person
    return Person(email=person.email, name=person.name, phone=mobile(person.phone))


def name_of(access: Access) -> str:
    """What applications call an access."""
    return f"acc_{access.key}"


def has_other_access(access: Access) -> bool:
    """Whether the customer has more at the same application that stands."""
    others = Access.objects.filter(customer=access.customer_id, application=access.application)
    return others.filter(state=AccessState.ACTIVE).exclude(pk=access.pk).exists()


def ends_at(access: Access) -> datetime:
    """Until when an access is owed."""
    return owed_until(queries.purchases(access), grace=settings.RECIBO_ACCESS_GRACE)


def told_end(ends: datetime) -> datetime | None:
    """The same as it is told: none where nothing ends it, or nothing pays."""
    return ends if NOTHING < ends < FOREVER else None
