"""Step 11, SHOW: the REST API. Thin: it calls queries and actions and nothing else."""
