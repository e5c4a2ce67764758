"""Step 4, REACT: one table says what happens when something changed."""
