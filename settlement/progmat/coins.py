"""The tokens of one issue: which there are, whose turn it is to be spent, which one each lock is.

Tokens are spent first in, first out, from a queue for each owner. A transaction makes at most two
tokens, so the tokens spent over any run are at most those made: constant cost on average. A token
that was named and spent out of turn stays in its queue until its turn comes, and is passed over.

What becomes of tokens is decided by transactions (token_book.py); nothing here refuses anything.
"""

from collections import deque

from market.errors import check
from settlement.ledger import HoldId
from settlement.progmat.records import Token, reference


class Coins:
    """Unspent tokens.

    Attributes:
        unspent: Every token there is, by reference.
        locks: Reference of the token that each live hold locked.
    """

    __slots__ = ("_queues", "locks", "unspent")

    def __init__(self) -> None:
        self.unspent: dict[str, Token] = {}
        self.locks: dict[HoldId, str] = {}
        self._queues: dict[str, deque[str]] = {}

    def choose(self, giver: str, units: int) -> tuple[tuple[str, ...], int]:
        """Free tokens to spend, oldest first, and the change.

        Raises:
            InvariantBroken: When the giver has less (I3).
        """
        queue, unspent = self._queues[giver], self.unspent
        while queue and queue[0] not in unspent:
            queue.popleft()
        chosen: list[str] = []
        total = 0
        for name in queue:
            token = unspent.get(name)
            if token is not None:
                chosen.append(name)
                total += token.quantity_units
                if total >= units:
                    break
        check(total >= units, "I3: nobody gives what he lacks", owner=giver, units=units)
        return tuple(chosen), total - units

    def replace(self, inputs: tuple[str, ...], outputs: tuple[Token, ...], tx_id: str) -> None:
        """Spend some tokens and take those that came instead."""
        unspent, queues = self.unspent, self._queues
        for name in inputs:
            del unspent[name]
        for position, token in enumerate(outputs):
            name = reference(tx_id, position)
            unspent[name] = token
            if token.hold_id:
                self.locks[HoldId(token.hold_id)] = name
            elif token.owner in queues:
                queues[token.owner].append(name)
            else:
                queues[token.owner] = deque((name,))

    def owned_units(self) -> dict[str, int]:
        """Units by owner, locked or not, sorted by name. O(tokens)."""
        owned: dict[str, int] = {}
        for token in self.unspent.values():
            owned[token.owner] = owned.get(token.owner, 0) + token.quantity_units
        return dict(sorted(owned.items()))

    def locked_units(self) -> dict[str, int]:
        """Units by hold. O(tokens)."""
        return {
            token.hold_id: token.quantity_units for token in self.unspent.values() if token.hold_id
        }
