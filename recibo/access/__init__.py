"""Step 5, GRANT: who paid gets in, who does not any more is kept out."""
