"""Trials: one list of trades settled in virtual time under any design, with an event log."""
