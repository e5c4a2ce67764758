"""The tables of billing and what is asked of them; one statement serves a whole batch."""

from recibo.billing.tables import Table

CUSTOMERS = Table(
    "billing_customer",
    key=("email",),
    columns={
        "email": "text",
        "name": "text",
        "name_at": "timestamptz",
        "phone": "text",
        "phone_at": "timestamptz",
        "document": "text",
        "document_at": "timestamptz",
        "segment": "text",
        "created_at": "timestamptz",
    },
)
SUBSCRIPTIONS = Table(
    "billing_subscription",
    key=("account_id", "code"),
    columns={
        "account_id": "bigint",
        "code": "text",
        "customer_id": "bigint",
        "gateway_customer_id": "text",
        "status": "text",
        "status_at": "timestamptz",
        "plan": "text",
        "plan_id": "text",
        "product_id": "text",
        "product": "text",
        "price": "numeric",
        "currency": "text",
        "period": "text",
        "next_billing_at": "timestamptz",
        "started_at": "timestamptz",
        "cancelled_at": "timestamptz",
        "simulated": "boolean",
    },
)
ORDERS = Table(
    "billing_order",
    key=("account_id", "reference"),
    columns={
        "account_id": "bigint",
        "reference": "text",
        "status": "text",
        "customer_id": "bigint",
        "amount": "numeric",
        "currency": "text",
        "paid_amount": "numeric",
        "product_id": "text",
        "product": "text",
        "payment_url": "text",
        "registered": "boolean",
        "simulated": "boolean",
        "created_at": "timestamptz",
        "paid_at": "timestamptz",
    },
)
CHARGES = Table(
    "billing_charge",
    key=("account_id", "gateway_charge_id"),
    columns={
        "account_id": "bigint",
        "gateway_charge_id": "text",
        "order_id": "bigint",
        "customer_id": "bigint",
        "gateway_customer_id": "text",
        "subscription_code": "text",
        "cycle": "int",
        "status": "text",
        "status_at": "timestamptz",
        "amount": "numeric",
        "currency": "text",
        "total": "numeric",
        "fee": "numeric",
        "net": "numeric",
        "refunded_amount": "numeric",
        "commissions": "jsonb",
        "payment_method": "text",
        "installments": "int",
        "product_id": "text",
        "product": "text",
        "offer": "text",
        "payment_url": "text",
        "payment_code": "text",
        "refusal_reason": "text",
        "metadata": "jsonb",
        "simulated": "boolean",
        "created_at": "timestamptz",
        "paid_at": "timestamptz",
        "expires_at": "timestamptz",
    },
)

LOCK = """
    select t.*, c.email as customer {more}
    from json_to_recordset(%s::json) as k(account_id bigint, name text)
    join {table} t on t.account_id = k.account_id and t.{name} = k.name
    left join billing_customer c on c.id = t.customer_id {join}
    order by t.account_id, t.{name} for update of t
"""
LOCK_SUBSCRIPTIONS = LOCK.format(table="billing_subscription", name="code", more="", join="")
LOCK_ORDERS = LOCK.format(table="billing_order", name="reference", more="", join="")
LOCK_CHARGES = LOCK.format(
    table="billing_charge",
    name="gateway_charge_id",
    more=", o.reference as order_reference",
    join="join billing_order o on o.id = t.order_id",
)
IDS_OF_CUSTOMERS = "select id, email from billing_customer where email = any(%s)"
LOCK_CUSTOMERS = "select * from billing_customer where email = any(%s) order by email for update"
CHARGES_OF_ORDERS = """
    select t.*, c.email as customer, o.reference as order_reference
    from billing_charge t
    join billing_order o on o.id = t.order_id
    left join billing_customer c on c.id = t.customer_id
    where t.order_id = any(%s)
"""
KEPT_NEWS = """
    select n.{subject}_id as subject_id, n.fact, n.simulated, c.email
    from billing_{subject}news n left join billing_customer c on c.id = n.customer_id
    where n.{subject}_id = any(%s)
"""
INSERT_NEWS = """
    insert into billing_{subject}news
        (event_id, position, {subject}_id, customer_id, status,
         occurred_at, known_at, simulated, fact)
    select event_id, position, subject_id, customer_id, status,
        occurred_at, known_at, simulated, fact
    from json_to_recordset(%s::json) as r(
        event_id bigint, position smallint, subject_id bigint, customer_id bigint, status text,
        occurred_at timestamptz, known_at timestamptz, simulated boolean, fact text)
"""
FORGET_NEWS = """
    delete from billing_{subject}news n using billing_{subject} t
    where n.event_id = any(%s) and t.id = n.{subject}_id returning t.account_id, t.{name}
"""
#: The segment of customers whose charges or subscriptions may have changed.
SEGMENTS = """
    update billing_customer c set segment = s.segment
    from (
        select p.id, case
            when bool_or(t.status = 'past_due') then 'at_risk'
            when bool_or(t.status in ('active', 'paused')) then 'active'
            when bool_or(t.status = 'trial') then 'trial'
            when count(t.id) > 0 then 'cancelled'
            when exists (select from billing_charge h where h.customer_id = p.id
                         and not h.simulated
                         and h.status in ('paid', 'partially_refunded', 'disputed')) then 'buyer'
            else 'lead' end as segment
        from unnest(%s::bigint[]) as p(id)
        left join billing_subscription t on t.customer_id = p.id and not t.simulated
        group by p.id
    ) s where c.id = s.id and c.segment <> s.segment
"""
#: What gateways call customers; of two pairs the newer one, at one instant the greater customer.
IDENTITIES = """
    insert into billing_customeridentity as i (account_id, gateway_id, customer_id, told_at)
    select account_id, gateway_id, customer_id, told_at from json_to_recordset(%s::json) as r(
        account_id bigint, gateway_id text, customer_id bigint, told_at timestamptz)
    order by gateway_id, account_id
    on conflict (gateway_id, account_id) do update
    set customer_id = excluded.customer_id, told_at = excluded.told_at
    where (i.told_at, i.customer_id) < (excluded.told_at, excluded.customer_id)
"""
#: Give rows their customer by the gateway's id, where no e-mail was told with them.
JOIN = """
    update billing_{subject} t set customer_id = i.customer_id
    from json_to_recordset(%s::json) as r(account_id bigint, gateway_id text)
    join billing_customeridentity i using (account_id, gateway_id)
    where t.account_id = r.account_id and t.gateway_customer_id = r.gateway_id
        and t.customer_id is null
    returning i.customer_id
"""
#: An order has the customer of its charges.
JOIN_ORDERS = """
    update billing_order o set customer_id = c.customer_id
    from billing_charge c
    where c.order_id = o.id and o.customer_id is null and c.customer_id = any(%s)
"""
#: The pairs that a charge still waits for though its buyer is known by now: one worker folded the
#: charge while another folded the buyer. Index: charge_without_customer.
LATE = """
    select distinct t.account_id, t.gateway_customer_id as gateway_id
    from billing_charge t
    join billing_customeridentity i
        on i.account_id = t.account_id and i.gateway_id = t.gateway_customer_id
    where t.customer_id is null and t.gateway_customer_id <> ''
"""
