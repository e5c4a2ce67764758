"""Step 6, TELL: the buyer hears of what happened, by e-mail and WhatsApp."""
