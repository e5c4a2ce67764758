"""Step 10, TEND: what keeps an installation healthy: retention, health, alerts, simulation."""
