-- How the newest paid charges of each account were learned first: at most so many of each, among
-- those that were paid and learned of since. Index: charge_by_payment.
select a.id as account_id, p.way, count(*)::int as charges
from accounts_account a
cross join lateral (
    select f.way
    from billing_charge c
    cross join lateral (
        select n.known_at, n.status,
            case e.source when 'fetch' then 'webhook' else e.source end as way
        from billing_chargenews n
        join inbox_event e on e.id = n.event_id
        where n.charge_id = c.id and not n.simulated
            and n.status in ('paid', 'partially_refunded', 'disputed', 'refunded', 'charged_back')
        order by n.known_at, n.event_id limit 1
    ) f
    where c.account_id = a.id and c.paid_at >= %s and not c.simulated
        and f.known_at >= %s and f.status = 'paid' and f.way in ('webhook', 'poll')
    order by c.paid_at desc limit %s
) p
group by 1, 2
