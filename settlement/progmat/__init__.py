"""A token platform of transactions with inputs and outputs (UTXO), a notary, and nodes by role."""
