"""Settlement designs as tables of rules, one module each, one interface: a Protocol and its Conduct.

gross (A, A+LSM), hash_time_lock (B1), verified_payment (B2), released_keys (B3), notary_bridge (B4), net_batch
(C2, C3) and two_transfers (D) are proved by search.py, enacted on ledgers by enact.py and run in
trials by their conduct. What a venue's day does with two of them, stage by stage, is settlement/staged/.
"""
