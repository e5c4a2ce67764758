"""Step 11, SHOW: the buyer's own pages. Thin: they call queries and actions and nothing else."""
