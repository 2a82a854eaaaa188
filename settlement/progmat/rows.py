"""The four ledger tables as rows: what the ledger holds, said in the report's fields.

Tokens, transfer information, transfer control and key information are kept as records, flags and
keys; here they are read as tables 1, 2, 4 and 6, each row with exactly its table's fields (tables.py).
For whoever runs the platform: it is no party's view (views.py). The twelve tables of databases are in
their owners' databases and nowhere here.

Ordering: as made. Units: units; times in logical nanoseconds. Cost: O(rows).
Source: the report of the Progmat working group (2021), for the fields.
"""

from collections.abc import Iterator

from settlement.progmat.platform import Platform
from settlement.progmat.register import ProgmatRegister

Row = dict[str, str | int]


def tokens(platform: Platform) -> Iterator[Row]:
    """Table 1: every unspent token."""
    for instrument_id, register in platform.registers.items():
        if isinstance(register, ProgmatRegister):
            for name, token in register.unspent.items():
                yield {
                    "tx_id": name, "quantity_units": token.quantity_units, "owner": token.owner,
                    "issuer": register.administrator, "instrument_id": instrument_id,
                }  # fmt: skip


def transfer_infos(platform: Platform) -> Iterator[Row]:
    """Table 2: a row for each token that a transfer consumed; one for an issue, which consumed none."""
    for tx_id, one in platform.transactions.items():
        info = one.info
        for consumed in one.inputs or ("",):
            yield {
                "tx_id": tx_id, "trade_id": info.trade_id, "input_tx_id": consumed,
                "creator_id": info.creator_id, "instrument_id": info.instrument_id,
                "from_investor_id": info.from_investor_id, "to_investor_id": info.to_investor_id,
                "quantity_units": info.quantity_units, "delivery_date": info.delivery_date,
                "transfer_type": info.transfer_type.value,
                "cancel_target_trade_id": info.cancel_target_trade_id,
                "registered_at": info.registered_at, "registered_by": info.registered_by,
            }  # fmt: skip


def transfer_controls(platform: Platform) -> Iterator[Row]:
    """Table 4: every flag."""
    for control_id, change in platform.controls.flags.items():
        yield {"control_id": control_id, "executable": int(change.executable)}


def key_infos(platform: Platform) -> Iterator[Row]:
    """Table 6: the present public key of whoever has one and may sign."""
    keys = platform.keys
    for owner in keys.versions:
        if owner not in keys.revoked:
            yield {"investor_id": owner, "public_key": keys.public_key(owner).hex()}
