"""Recibo: every payment event of a seller's gateways, received once and never lost."""
