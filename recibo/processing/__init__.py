"""Step 2, DECIDE: pending events are read in batches, parsed into facts and folded."""
