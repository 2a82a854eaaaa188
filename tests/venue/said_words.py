"""What was said of each delivery, made from events alone, and the answer a firm's next word must get.

Slow and obvious: one set of sentences a delivery. It shares nothing with settlement/consents.py.
"""

from market.commands import (
    AffirmDelivery,
    ConsentToCancel,
    DeliveryAct,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
)
from market.events import Event


class Words:
    """The list.

    Args:
        affirmation: Whether the market asks for it.
        parts: Whether deliveries come in parts.
    """

    def __init__(self, *, affirmation: bool, parts: bool) -> None:
        self.affirmation, self.parts = affirmation, parts
        self.terms: dict[int, tuple[str, str]] = {}
        self.state: dict[int, str] = {}
        self.said: dict[int, set[str]] = {}
        self.reverses: dict[int, int] = {}

    def read(self, events: list[Event]) -> None:
        """One step."""
        for event in events:
            kind = type(event).__name__
            delivery: int = getattr(event, "delivery_id", None) or 0
            if kind == "DeliveryCreated":
                self.terms[delivery] = (event.buyer, event.seller)  # type: ignore[union-attr]
                self.state[delivery], self.said[delivery] = "created", set()
                target = event.reverses  # type: ignore[union-attr]
                if target is None and self.affirmation:
                    self.said[delivery] = {"awaits buy", "awaits sell"}
                if target is not None:
                    self.reverses[delivery] = target
                    self.said[target] -= {"reverse buy", "reverse sell"}
            elif kind == "DeliveryChanged":
                self.state[delivery] = event.state.value  # type: ignore[union-attr]
            elif kind in {"DeliveryHoldSet", "DeliveryPartsSet"}:
                on = event.held if kind == "DeliveryHoldSet" else not event.allowed  # type: ignore[union-attr]
                word = ("held " if kind == "DeliveryHoldSet" else "whole ") + event.side.value  # type: ignore[union-attr]
                (self.said[delivery].add if on else self.said[delivery].discard)(word)
            elif kind == "DeliveryAffirmed":
                self.said[delivery].discard("awaits " + event.side.value)  # type: ignore[union-attr]
            elif kind == "CancelConsented":
                self.said[delivery].add("end " + event.side.value)  # type: ignore[union-attr]
            elif kind == "ReversalAsked":
                self.said[delivery].add("reverse " + event.side.value)  # type: ignore[union-attr]

    def expect(self, firm: str, act: DeliveryAct) -> str:
        """The answer to a new word."""
        affirm, parts = isinstance(act, AffirmDelivery), isinstance(act, SetDeliveryParts)
        if (affirm and not self.affirmation) or (parts and not self.parts):
            return "ACT_UNSUPPORTED"
        delivery, side = act.delivery_id, act.side.value
        if firm not in self.terms.get(delivery, ()):
            return "UNKNOWN_INSTRUCTION"
        if firm != self.terms[delivery][0 if side == "buy" else 1]:
            return "NOT_OWN_SIDE"
        said, state = self.said[delivery], self.state[delivery]
        final = state in {"paid", "finished", "canceled"}
        if isinstance(act, ReverseDelivery):
            return self._reverse(delivery, "reverse " + side in said, state)
        if isinstance(act, SetDeliveryHold) and act.held == ("held " + side in said):
            return "DUPLICATE"
        if isinstance(act, SetDeliveryParts) and act.allowed == ("whole " + side not in said):
            return "DUPLICATE"
        if final:
            return "ALREADY_FINAL"
        if affirm and "awaits " + side not in said:
            return "DUPLICATE"
        if isinstance(act, ConsentToCancel) and "end " + side in said:
            return "DUPLICATE"
        return "done"

    def ends(self, act: DeliveryAct) -> bool:
        """Whether a consent that is taken ends a delivery whose units are locked."""
        said, state = self.said.get(act.delivery_id, set()), self.state.get(act.delivery_id)
        both = {"end buy", "end sell"} <= said | {"end " + act.side.value}
        ends = both or bool({"awaits buy", "awaits sell"} & said)
        return isinstance(act, ConsentToCancel) and ends and state in {"provisional", "confirmed"}

    def _reverse(self, delivery: int, asked: bool, state: str) -> str:
        if asked:
            return "DUPLICATE"
        if state != "finished":
            return "NOT_SETTLED"
        mine = [one for one, target in self.reverses.items() if target == delivery]
        standing = any(self.state[one] != "canceled" for one in mine)
        return "ALREADY_REVERSED" if standing or delivery in self.reverses else "done"
