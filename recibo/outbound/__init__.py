"""Step 7, PUBLISH: what changed, told to the seller's own applications in one format."""
