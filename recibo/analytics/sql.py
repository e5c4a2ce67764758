"""The statements of analytics; one serves a whole batch of subjects."""

#: Whose figures what these events told may have changed: everybody who has to do with what they
#: are about, now or by an earlier fact. Too many subjects do no harm.
MARK = """
    with told as (
        select charge_id from billing_chargenews where event_id = any(%(events)s)
    ), agreed as (
        select subscription_id from billing_subscriptionnews where event_id = any(%(events)s)
    ), charges as (
        select c.id, c.customer_id, s.id as subscription_id, s.customer_id as subscriber_id
        from billing_charge c
        left join billing_subscription s
            on c.subscription_code <> '' and s.code = c.subscription_code
            and s.account_id = c.account_id
        where c.id in (select charge_id from told)
    )
    insert into analytics_mark (subject)
    select customer_id from charges where customer_id is not null
    union select subscriber_id from charges where subscriber_id is not null
    union select -(2 * id + 1) from charges where customer_id is null
    union select -(2 * subscription_id) from charges
        where subscription_id is not null and subscriber_id is null
    union select n.customer_id from billing_chargenews n
        where n.charge_id in (select charge_id from told) and n.customer_id is not null
    union select coalesce(s.customer_id, -(2 * s.id)) from billing_subscription s
        where s.id in (select subscription_id from agreed)
    union select n.customer_id from billing_subscriptionnews n
        where n.subscription_id in (select subscription_id from agreed)
            and n.customer_id is not null
    union select c.customer_id from billing_subscription s
        join billing_charge c on c.subscription_code = s.code and c.account_id = s.account_id
        where s.id in (select subscription_id from agreed) and s.customer_id is null
            and c.subscription_code <> '' and c.customer_id is not null
    union select id from billing_customer where email = any(%(emails)s)
"""
#: The carts that these events told of, anew: an event that is read again replaces its own.
FORGET_CARTS = "delete from analytics_cart where event_id = any(%s)"
KEEP_CARTS = """
    insert into analytics_cart
        (event_id, position, customer_id, product, occurred_at, known_at)
    select r.event_id, r.position, c.id, r.product, r.occurred_at, r.known_at
    from json_to_recordset(%s::json) as r(event_id bigint, position smallint, email text,
        product text, occurred_at timestamptz, known_at timestamptz)
    join billing_customer c on c.email = r.email
"""

#: Everybody, by ids.
CUSTOMERS = "select id as subject from billing_customer where id > %s order by id limit %s"
ORPHAN_SUBSCRIPTIONS = """
    select -(2 * id) as subject from billing_subscription
    where customer_id is null and id > %s order by id limit %s
"""
ORPHAN_CHARGES = """
    select -(2 * id + 1) as subject from billing_charge
    where customer_id is null and id > %s order by id limit %s
"""
MARK_ALL = """
    insert into analytics_mark (subject)
    select id from billing_customer
    union all select -(2 * id) from billing_subscription where customer_id is null
    union all select -(2 * id + 1) from billing_charge where customer_id is null
"""
#: Who pays in these currencies.
MARK_CURRENCIES = """
    insert into analytics_mark (subject)
    select coalesce(customer_id, -(2 * id + 1)) from billing_charge where currency = any(%(some)s)
    union select coalesce(customer_id, -(2 * id)) from billing_subscription
        where currency = any(%(some)s)
"""

#: The subscriptions of subjects: a customer's, those that only his charges tell to be his, and
#: those that nobody's are.
SUBSCRIPTIONS_OF = """
    with found as (
        select id, customer_id as subject from billing_subscription
        where customer_id = any(%(customers)s)
        union all
        select s.id, coalesce(
            (select min(c.customer_id) from billing_charge c
             where c.subscription_code = s.code and c.subscription_code <> ''
                and c.account_id = s.account_id),
            -(2 * s.id))
        from billing_subscription s
        where s.customer_id is null and s.id in (
            select unnest(%(subscriptions)s::bigint[])
            union
            select o.id from billing_charge c
            join billing_subscription o
                on o.code = c.subscription_code and o.account_id = c.account_id
            where c.customer_id = any(%(customers)s) and c.subscription_code <> ''
                and o.customer_id is null
        )
    )
    select f.subject, s.id, s.account_id, a.gateway, s.code
    from found f
    join billing_subscription s on s.id = f.id
    join accounts_account a on a.id = s.account_id
    where f.subject = any(%(subjects)s)
"""
#: The charges of subjects: a customer's, those without one of the subjects' subscriptions, and
#: those that nobody's are.
CHARGES_OF = """
    with found as (
        select id, customer_id as subject from billing_charge where customer_id = any(%(customers)s)
        union all
        select c.id, k.subject
        from json_to_recordset(%(known)s::json) as k(id bigint, subject bigint)
        join billing_subscription s on s.id = k.id
        join billing_charge c on c.subscription_code = s.code and c.account_id = s.account_id
        where c.customer_id is null and c.subscription_code <> ''
        union all
        select c.id, -(2 * c.id + 1) from billing_charge c
        where c.id = any(%(charges)s) and c.customer_id is null and not exists (
            select from billing_subscription s
            where s.code = c.subscription_code and s.account_id = c.account_id)
    )
    select f.subject, c.id, c.account_id, a.gateway
    from found f
    join billing_charge c on c.id = f.id
    join accounts_account a on a.id = c.account_id
"""
NEWS_OF = """
    select n.{subject}_id as id, n.event_id, n.fact from billing_{subject}news n
    where n.{subject}_id = any(%(ids)s) and not n.simulated
        and n.known_at <= coalesce(%(as_of)s, 'infinity'::timestamptz)
"""
CARTS_OF = """
    select k.customer_id as subject, e.account_id, a.gateway, k.product, k.occurred_at as at
    from analytics_cart k
    join inbox_event e on e.id = k.event_id
    join accounts_account a on a.id = e.account_id
    where k.customer_id = any(%(customers)s)
        and k.known_at <= coalesce(%(as_of)s, 'infinity'::timestamptz)
"""

#: One writer of cells at a time.
ONE_WRITER = "select pg_advisory_xact_lock(%s)"
ONLY_WRITER = "select pg_try_advisory_xact_lock(%s) as is_ours"
MARKED = "select id, subject from analytics_mark order by id limit %s"
LAST_MARK = "select coalesce(max(id), 0) as id from analytics_mark"
UNMARK_UNTIL = "delete from analytics_mark where id <= %s"
UNMARK = "delete from analytics_mark where id = any(%s)"
DUE = """
    select distinct subject from analytics_ledger
    where again_at <= %s limit %s
"""
LEDGERS_OF = """
    select subject, part, scopes, figures, again_at from analytics_ledger
    where subject = any(%s) order by subject, part
"""
FORGET = (
    "delete from analytics_ledger where subject = any(%s)",
    "delete from analytics_stretch where subject = any(%s)",
)
KEEP_LEDGERS = """
    insert into analytics_ledger (subject, part, scopes, figures, again_at)
    select * from json_to_recordset(%s::json) as r(
        subject bigint, part smallint, scopes jsonb, figures jsonb, again_at timestamptz)
"""
KEEP_STRETCHES = """
    insert into analytics_stretch
        (subject, since, until, kind, amount, mrr, at_risk, scheduled, segment, is_paying)
    select * from json_to_recordset(%s::json) as r(subject bigint, since timestamptz,
        until timestamptz, kind text, amount bigint, mrr bigint, at_risk bigint,
        scheduled bigint, segment text, is_paying boolean)
"""
ADD_TO_CELLS = """
    insert into analytics_cell as c (scope, period, cohort, name, value)
    select * from json_to_recordset(%s::json) as r(
        scope text, period date, cohort date, name text, value bigint)
    order by scope, name, period, cohort
    on conflict (scope, name, period, cohort) do update set value = c.value + excluded.value
"""
#: Cells that are not the sum of all ledgers, with what they lack.
AMISS = """
    with alike as materialized (
        select l.scopes, f.key, sum(f.value::bigint) as value
        from analytics_ledger l cross join jsonb_each_text(l.figures) as f(key, value)
        group by 1, 2
    ), due as (
        select s.scope, a.key, sum(a.value)::bigint as value
        from alike a cross join jsonb_array_elements_text(a.scopes) as s(scope)
        group by 1, 2
    ), kept as (
        select scope, name || '@' || period || '@' || cohort as key, value from analytics_cell
    )
    select coalesce(d.scope, k.scope) as scope, coalesce(d.key, k.key) as key,
        coalesce(d.value, 0) - coalesce(k.value, 0) as lacks
    from due d full join kept k using (scope, key)
    where coalesce(d.value, 0) <> coalesce(k.value, 0)
"""
#: Ledgers of subjects that are no more.
STRAY = """
    select distinct l.subject from analytics_ledger l
    where l.subject > 0 and not exists (select from billing_customer c where c.id = l.subject)
        or l.subject < 0 and l.subject %% 2 = 0 and not exists (
            select from billing_subscription s where s.id = -l.subject / 2
                and s.customer_id is null)
        or l.subject < 0 and l.subject %% 2 <> 0 and not exists (
            select from billing_charge c where c.id = (-l.subject - 1) / 2
                and c.customer_id is null)
    limit %s
"""
CELLS = """
    select name, period, cohort, value from analytics_cell where scope = %s and value <> 0
        and case when name like 'week%%' then 'weeks' when name like 'cohort%%' then 'cohorts'
            else 'months' end = any(%s)
"""
#: The same of every part of one kind, for the month that is asked for.
CELLS_OF_PARTS = """
    select scope, name, period, value from analytics_cell
    where starts_with(scope, %s) and period <= %s and value <> 0
        and name not like 'week%%' and name not like 'cohort%%'
"""
