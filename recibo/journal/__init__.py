"""What we did and found, for those who ask later: calls to the outside, operators' acts, alerts."""
