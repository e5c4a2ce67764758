"""Step 11, SHOW: the web console for people."""
