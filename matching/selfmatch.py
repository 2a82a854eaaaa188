"""Self-matches while orders gather (仮装売買防止): refused at the door, because a cross cannot tell.

A cross pairs everybody at one price, so what must not meet itself may not stand on both sides of it.
While orders gather, an order is refused when an order of the same owner stands on the other side
at a price the two could meet at. Whose orders are compared is the preset's rule; by account, an order
that names no account is nobody's in particular and is never refused.

In continuous trading the orders' self-trade modes decide instead (continuous.py), and whatever still
meets in a cross, as when the book came out of a continuous session, trades and is flagged.

Cost: O(open orders of the owner in the issue) for a check; nothing when the preset allows.
"""

from market.choices import SelfMatch
from market.ids import OrderId, ParticipantId
from market.quantities import Sen
from market.words import OrderKind, Side
from matching.order import Order


class OwnOrders:
    """The orders of each owner in one issue, by id; those that left are dropped when met."""

    __slots__ = ("_ids", "_resting", "_rule")

    def __init__(self, rule: SelfMatch, resting: dict[OrderId, Order]) -> None:
        """Nobody's orders yet.

        Args:
            rule: Whose orders are compared.
            resting: The resting orders of all issues by id, kept by others.
        """
        self._rule = rule
        self._resting = resting
        self._ids: dict[str, list[OrderId]] = {}

    @property
    def watches(self) -> bool:
        """Whether the preset prevents anything."""
        return self._rule is not SelfMatch.ALLOW

    def note(self, order: Order) -> None:
        """An order was entered, amended or released; whether it rests is seen when it matters."""
        key = self._key(order.participant_id, order.account)
        if key is not None:
            self._ids.setdefault(key, []).append(order.order_id)

    def new_day(self) -> None:
        """Drop whoever has nothing open any more. O(orders noted)."""
        self._ids = {
            key: [order.order_id for order in resting]
            for key in self._ids
            if (resting := self._standing(key))
        }

    def would_meet(
        self,
        participant_id: ParticipantId,
        account: str,
        side: Side,
        kind: OrderKind,
        price_sen: Sen,
    ) -> bool:
        """Whether an order of this owner could be paired with one of its own."""
        key = self._key(participant_id, account)
        if key is None or key not in self._ids:
            return False
        resting = self._standing(key)
        self._ids[key] = [order.order_id for order in resting]
        return any(
            one.side is not side
            and (
                kind is OrderKind.MARKET
                or one.kind is OrderKind.MARKET
                or (one.price_sen <= price_sen if side is Side.BUY else one.price_sen >= price_sen)
            )
            for one in resting
        )

    def _standing(self, key: str) -> list[Order]:
        found = (self._resting.get(order_id) for order_id in self._ids[key])
        return [order for order in found if order is not None]

    def _key(self, participant_id: ParticipantId, account: str) -> str | None:
        if self._rule is SelfMatch.PREVENT_FIRM:
            return participant_id
        if self._rule is SelfMatch.PREVENT_ACCOUNT and account:
            return f"{participant_id}/{account}"
        return None
