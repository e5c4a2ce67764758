"""What services tell of messages that they took: delivered, come back, unwanted."""
