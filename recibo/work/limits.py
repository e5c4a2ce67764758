"""Rates that hold across workers: a bucket of turns in the database for each name."""

from recibo.work.sql import execute

#: What there is after a turn is taken, with what came in since the last one.
LEFT = "least(%s, w.turns + extract(epoch from clock_timestamp() - w.seen_at) * %s) - 1"
#: Take a turn: a second's worth of them is in stock at most, and a bucket may owe as many as come
#: in the longest wait. A turn that is too far off is not taken, and no row is given.
TAKE = f"""
    insert into work_limit as w (name, turns, seen_at) values (%s, %s - 1, clock_timestamp())
    on conflict (name) do update set turns = {LEFT}, seen_at = clock_timestamp()
    where {LEFT} >= -%s
    returning turns
"""  # noqa: S608  # of our own words


def take(name: str, per_second: float, *, longest: float) -> float | None:
    """Seconds to wait for one's turn, ``per_second`` of which come; 0: at once.

    None: it would be more than ``longest`` seconds, and nothing was taken. Call it outside of a
    transaction: the row is everybody's.
    """
    stock = max(1.0, per_second)
    taken = execute(TAKE, name, stock, stock, per_second, stock, per_second, longest * per_second)
    return max(0.0, -float(taken[0]["turns"]) / per_second) if taken else None
