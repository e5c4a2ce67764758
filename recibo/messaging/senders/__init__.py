"""The ways out: each is a function from an outgoing message to what its service calls it."""
