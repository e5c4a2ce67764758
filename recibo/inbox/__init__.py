"""Step 1, RECEIVE: the one door. Whatever we learn about money becomes an event here, once."""
