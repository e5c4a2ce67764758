"""Where buyers get their user accounts."""
