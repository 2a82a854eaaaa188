"""Other people's engines on one workload: one module of adapters a family, one process an engine.

Everything here but ``ours.py`` runs on the standard library alone, inside the engine's own virtual
environment. peers.py, one folder up, is the command.
"""
