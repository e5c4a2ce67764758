"""Whoever is counted, as one number: a customer by his id, else what has no known buyer."""


def of_subscription(subscription_id: int) -> int:
    """A subscription without a customer, with its charges."""
    return -(2 * subscription_id)


def of_charge(charge_id: int) -> int:
    """A charge without a customer and without a subscription that is known."""
    return -(2 * charge_id + 1)
