-- By which way each paid charge was first known to be paid, by account and day of the payment.
-- A fetch was asked for by a webhook, so it counts as one.
select a.gateway, a.name as account, (c.paid_at at time zone %s)::date as day, f.way,
    count(*)::int as charges
from billing_charge c
join accounts_account a on a.id = c.account_id
cross join lateral (
    select case e.source when 'fetch' then 'webhook' when 'api' then 'person'
        else e.source end as way
    from billing_chargenews n
    join inbox_event e on e.id = n.event_id
    where n.charge_id = c.id and not n.simulated
        and n.status in ('paid', 'partially_refunded', 'disputed', 'refunded', 'charged_back')
    order by n.known_at, n.event_id limit 1
) f
where c.paid_at >= %s and c.paid_at < %s and not c.simulated
group by 1, 2, 3, 4
order by day desc, gateway, account, way
