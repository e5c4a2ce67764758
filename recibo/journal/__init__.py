"""What we did, for those who ask later: every operator's act."""
