-- What the events of a sync came to. An event says in its result what it changed, a change after
-- the other: "charge c1: new → paid; order o1: pending → paid". Index: event_received.
select
    count(*) filter (where status in ('pending', 'processing'))::int as waiting,
    count(*) filter (where status = 'failed')::int as failed,
    count(*) filter (where status = 'processed' and result like '%% → %%')::int as changed,
    coalesce(sum(regexp_count(result, '(^|; )charge [^;]*: new → ')), 0)::int as charges,
    coalesce(sum(regexp_count(result, '(^|; )subscription [^;]*: new → ')), 0)::int
        as subscriptions,
    coalesce(sum(regexp_count(result, '(^|; )order [^;]* → paid($|;)')), 0)::int as paid
from inbox_event
where account_id = %s and source = 'sync' and received_at >= %s
