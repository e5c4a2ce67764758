"""Rates that hold across workers: a bucket of turns in the database for each name."""

from recibo.work.sql import execute

#: Take a turn and give the seconds to wait until it has come. Turns are a second's worth at most
#: in stock; taking more than there are puts the bucket in debt, which is the wait.
TAKE = """
    insert into work_limit as w (name, turns, seen_at) values (%s, %s - 1, clock_timestamp())
    on conflict (name) do update set
        turns = least(%s, w.turns + extract(epoch from clock_timestamp() - w.seen_at) * %s) - 1,
        seen_at = clock_timestamp()
    returning turns
"""


def take(name: str, per_second: float) -> float:
    """Seconds to wait before one may go on, at most ``per_second`` of them a second; 0: at once.

    Call it outside of a transaction: the row is everybody's.
    """
    stock = max(1.0, per_second)
    turns: float = execute(TAKE, name, stock, stock, per_second)[0]["turns"]
    return max(0.0, -turns / per_second)
