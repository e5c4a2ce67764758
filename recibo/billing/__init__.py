"""Step 3, RECORD: customers, orders, charges and subscriptions, derived from the facts we keep."""
