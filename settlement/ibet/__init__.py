"""A token platform of accounts with commitments, deliveries with agents, and escrow."""
