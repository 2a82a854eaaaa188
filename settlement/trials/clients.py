"""The custodians' books of a trial: whose units a firm's account holds, and who they are.

Purpose: a firm's account for an issue is an omnibus account; its custodian keeps what each client has of it. Both
move in one posting (I22). Personal data stand here alone, can be deleted at any time, and no record of the log needs
them (I15): a client is an opaque id.
Ordering: a firm gives its first client's units first; what comes in is its clients' in turn, a posting each.
Cost: O(clients of a firm) a posting of units. Units: units. Errors: InvariantBroken (I22).
Known limits: a trade does not say whose it is, so the custodian's rule above does.
"""

from typing import Final

from market.errors import check

CLIENTS: Final = 2
"""Clients of a firm."""

Shares = tuple[tuple[str, int], ...]
NONE: Final[Shares] = ()


class Clients:
    """Sub-balances by client and issue, and personal data by client.

    Attributes:
        people: What can be deleted.
    """

    __slots__ = ("_held", "_turn", "people")

    def __init__(self) -> None:
        self.people: dict[str, str] = {}
        self._held: dict[tuple[str, str], list[int]] = {}
        self._turn = 0

    def open(self, owner: str, asset: str, amount: int) -> Shares:
        """A firm's account for an issue: its clients have half each."""
        half = amount // CLIENTS
        held = self._held[owner, asset] = [amount - half * (CLIENTS - 1)] + [half] * (CLIENTS - 1)
        names = names_of(owner)
        for name in names:
            self.people.setdefault(name, f"personal data of {name}")
        return tuple(zip(names, held, strict=True))

    def give(self, owner: str, asset: str, amount: int) -> Shares:
        """Whose units an account gives; nobody's when it is no firm's."""
        held = self._held.get((owner, asset))
        if held is None:
            return NONE
        found: list[tuple[str, int]] = []
        for number, name in enumerate(names_of(owner)):
            part = min(held[number], amount)
            if part:
                held[number] -= part
                amount -= part
                found.append((name, part))
        check(amount == 0, "I22: clients have what their account has", owner=owner, asset=asset)
        return tuple(found)

    def take(self, owner: str, asset: str, amount: int) -> Shares:
        """Whose units come in."""
        held = self._held.get((owner, asset))
        if held is None:
            return NONE
        self._turn = (self._turn + 1) % CLIENTS
        held[self._turn] += amount
        return ((names_of(owner)[self._turn], amount),)

    def delete(self, client: str) -> bool:
        """Delete a client's personal data; the ledger does not move. False when there are none."""
        return self.people.pop(client, None) is not None


def names_of(owner: str) -> tuple[str, ...]:
    """The opaque ids of a firm's clients."""
    return (f"{owner}/1", f"{owner}/2")
