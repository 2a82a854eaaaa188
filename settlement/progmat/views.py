"""What each party sees of the ledger, and what it learns of the past by the way.

A view has the fields the role table names: id, from, to, quantity, date. Nobody sees change, locks
of others or another firm's clients by name; the other side of a client's transfer is an opaque id
(V4). The notary sees hashes of consumed tokens (V1). Unknown, foreign and not allowed have one
answer.

Backchain: to trust a token, its next owner's node is shown the transactions it came from. Each
such transaction that the node was not party to is a leak (V5); the count is what confidentiality
costs without re-issue.
"""

from market.message import Message
from settlement.progmat.platform import Platform
from settlement.progmat.roles import RIGHTS, Sight
from settlement.refusals import Refusal


class TransferView(Message, frozen=True, kw_only=True):
    """One transfer as a party to it sees it."""

    tx_id: str
    from_investor_id: str
    to_investor_id: str
    quantity_units: int
    delivery_date: str


def transfers(platform: Platform, asker: str) -> list[TransferView] | Refusal:
    """Every transfer the asker's node holds, oldest first. O(its transactions)."""
    party = platform.parties.get(asker)
    if party is None or RIGHTS[party.role].sight not in {Sight.OWN_CLIENTS, Sight.OWN_ISSUES}:
        return Refusal.NOT_VISIBLE
    return [_view(platform, tx_id) for tx_id in platform.vaults.get(asker, [])]


def transfer(platform: Platform, asker: str, tx_id: str) -> TransferView | Refusal:
    """One transfer, if the asker's node holds it. O(its transactions)."""
    seen = transfers(platform, asker)
    if isinstance(seen, Refusal):
        return seen
    return next((view for view in seen if view.tx_id == tx_id), Refusal.NOT_VISIBLE)


def own_transfers(platform: Platform, firm: str, investor_id: str) -> list[TransferView] | Refusal:
    """An investor's own transfers, through the firm that keeps his account."""
    if platform.custodians.get(investor_id) != firm:
        return Refusal.NOT_VISIBLE
    seen = transfers(platform, firm)
    if isinstance(seen, Refusal):
        return seen
    return [v for v in seen if investor_id in {v.from_investor_id, v.to_investor_id}]


def consumed(platform: Platform, asker: str) -> list[bytes] | Refusal:
    """The notary's view: hashes of consumed tokens, in order of consumption."""
    party = platform.parties.get(asker)
    if party is None or RIGHTS[party.role].sight is not Sight.CONSUMED_HASHES:
        return Refusal.NOT_VISIBLE
    return list(platform.notary.spent)


def register_view(
    platform: Platform, asker: str, instrument_id: str
) -> list[tuple[str, int]] | Refusal:
    """The register by API, for the issue's administrator and who raises or manages its funds."""
    party = platform.parties.get(asker)
    register = platform.registers.get(instrument_id)
    if party is None or register is None or not RIGHTS[party.role].reads_register:
        return Refusal.NOT_VISIBLE
    readers = platform.readers.get(instrument_id, ())
    if platform.administrators[instrument_id] != asker and asker not in readers:
        return Refusal.NOT_VISIBLE
    return [(owner, int(units)) for owner, units in register.holders()]


def backchain_leaks(platform: Platform) -> dict[str, int]:
    """Past transactions shown to each node that was not party to them. O(nodes x transactions).

    An asset node is party to every transaction of its issues, so only custodians learn.
    """
    leaks: dict[str, int] = {}
    administrators = set(platform.administrators.values())
    for node, vault in platform.vaults.items():
        if node in administrators:
            continue
        party_to = set(vault)
        shown = set(vault)
        waiting = list(vault)
        while waiting:
            for name in platform.transactions[waiting.pop()].inputs:
                tx_id = name.partition(":")[0]
                if tx_id not in shown:
                    shown.add(tx_id)
                    waiting.append(tx_id)
        leaks[node] = len(shown) - len(party_to)
    return leaks


def _view(platform: Platform, tx_id: str) -> TransferView:
    info = platform.transactions[tx_id].info
    return TransferView(
        tx_id=tx_id,
        from_investor_id=info.from_investor_id,
        to_investor_id=info.to_investor_id,
        quantity_units=info.quantity_units,
        delivery_date=info.delivery_date,
    )
