"""Step 8, CHECK: asking the gateways themselves. What they answer enters by the same door."""
