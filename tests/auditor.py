"""An auditor who reads nothing but the list of events and works everything out again.

Slow and obvious on purpose, and no code of the settlement room is used: balances, registers and
delivery states are recomputed one event at a time, and everything that does not add up is
written down as a sentence.
"""

from collections import Counter
from collections.abc import Iterable

from market.events import (
    DeliveryChanged,
    DeliveryCreated,
    DeliveryFilled,
    Event,
    FailCharged,
    FailChargePaid,
    InstrumentListed,
    Trade,
    TradeBusted,
    UnitsMoved,
    YenMoved,
)
from market.token_acts import UnitsRedeemed


class Auditor:
    """Everything that follows from the events read so far.

    Attributes:
        yen: Cash of every firm; a firm not mentioned has none.
        units: Units by (issue, firm).
        yen_from_outside: Paid in less paid out.
        allotted: Units of each issue given out by the issuer.
        issued: Size of each issue.
        states: State of every delivery, as text.
        findings: What did not add up, oldest first.
    """

    def __init__(self) -> None:
        self.yen: Counter[str] = Counter()
        self.units: Counter[tuple[str, str]] = Counter()
        self.yen_from_outside = 0
        self.allotted: Counter[str] = Counter()
        self.issued: dict[str, int] = {}
        self.states: dict[int, str] = {}
        self.terms: dict[int, DeliveryCreated] = {}
        self.trades_without_delivery: dict[int, Trade] = {}
        self.units_posted: Counter[int] = Counter()
        self.yen_posted: Counter[int] = Counter()
        self.trades: dict[int, Trade] = {}
        self.busted: list[int] = []
        self.parts_units: Counter[int] = Counter()
        self.parts_yen: Counter[int] = Counter()
        self._last_yen: tuple[str | None, str | None, int, int | None] | None = None
        self.findings: list[str] = []

    def read(self, events: Iterable[Event]) -> None:
        """Take events in, in the order they were told."""
        for event in events:
            if isinstance(event, InstrumentListed):
                self.issued[event.instrument.instrument_id] = event.instrument.issued_units
            elif isinstance(event, Trade):
                self.trades_without_delivery[event.trade_id] = event
                self.trades[event.trade_id] = event
            elif isinstance(event, TradeBusted):
                self._busted(event)
            elif isinstance(event, DeliveryCreated):
                self._delivery_created(event)
            elif isinstance(event, YenMoved):
                self._yen_moved(event)
            elif isinstance(event, UnitsMoved):
                self._units_moved(event)
            elif isinstance(event, UnitsRedeemed):
                self.issued[event.instrument_id] -= event.quantity_units
                if self.issued[event.instrument_id] != event.issued_units:
                    self.findings.append(f"{event.instrument_id} is not as large as was told")
            elif isinstance(event, DeliveryChanged):
                self._delivery_changed(event)
            elif isinstance(event, DeliveryFilled):
                self._filled(event)
            elif isinstance(event, FailCharged | FailChargePaid):
                self._charged(event)

    def _delivery_created(self, event: DeliveryCreated) -> None:
        if event.reverses is not None:
            old = self.terms[event.reverses]
            if self.states[event.reverses] != "finished" or old.reverses is not None:
                self.findings.append(f"delivery {event.delivery_id} reverses what is not settled")
            if (event.seller, event.buyer) != (old.buyer, old.seller) or (
                (event.instrument_id, event.quantity_units, event.amount_yen)
                != (old.instrument_id, old.quantity_units, old.amount_yen)
            ):
                self.findings.append(f"delivery {event.delivery_id} reverses amiss")
            self.terms[event.delivery_id] = event
            self.states[event.delivery_id] = "created"
            return
        trade = self.trades_without_delivery.pop(event.trade_id, None)
        if trade is None:
            self.findings.append(f"delivery {event.delivery_id} has no trade")
        elif (
            event.buyer != trade.buyer
            or event.seller != trade.seller
            or event.instrument_id != trade.instrument_id
            or event.quantity_units != trade.quantity_units
            or event.amount_yen != trade.price_sen * trade.quantity_units // 100
        ):
            self.findings.append(f"delivery {event.delivery_id} is not what was traded")
        if event.delivery_id in self.states:
            self.findings.append(f"delivery {event.delivery_id} was created twice")
        self.terms[event.delivery_id] = event
        self.states[event.delivery_id] = "created"

    def _busted(self, event: TradeBusted) -> None:
        trade, terms = self.trades[event.trade_id], self.terms[event.delivery_id]
        if (event.price_sen, event.quantity_units) != (trade.price_sen, trade.quantity_units):
            self.findings.append(f"trade {event.trade_id} was voided as another one")
        if terms.trade_id != event.trade_id or event.trade_id in self.busted:
            self.findings.append(f"trade {event.trade_id} was voided amiss")
        if self.units_posted[event.delivery_id] or self.yen_posted[event.delivery_id]:
            self.findings.append(f"trade {event.trade_id} was voided after something moved")
        self.busted.append(event.trade_id)

    def _yen_moved(self, event: YenMoved) -> None:
        self._last_yen = (event.giver, event.taker, event.amount_yen, event.delivery_id)
        if event.giver is None:
            self.yen_from_outside += event.amount_yen
        else:
            self.yen[event.giver] -= event.amount_yen
            if self.yen[event.giver] < 0:
                self.findings.append(f"{event.giver} gave yen it did not have")
        if event.taker is None:
            self.yen_from_outside -= event.amount_yen
        else:
            self.yen[event.taker] += event.amount_yen
        if event.delivery_id is not None:
            self.yen_posted[event.delivery_id] += event.amount_yen
            terms = self.terms[event.delivery_id]
            if (event.giver, event.taker) != (terms.buyer, terms.seller):
                self.findings.append(f"yen of delivery {event.delivery_id} went astray")
            if self.states[event.delivery_id] in ("finished", "canceled"):
                self.findings.append(f"delivery {event.delivery_id} was over and got yen")

    def _units_moved(self, event: UnitsMoved) -> None:
        issue = event.instrument_id
        if event.giver is None:
            self.allotted[issue] += event.quantity_units
            if self.allotted[issue] > self.issued[issue]:
                self.findings.append(f"more of {issue} was allotted than issued")
        else:
            self.units[issue, event.giver] -= event.quantity_units
            if self.units[issue, event.giver] < 0:
                self.findings.append(f"{event.giver} gave {issue} it did not have")
        if event.taker is None:
            self.allotted[issue] -= event.quantity_units
        else:
            self.units[issue, event.taker] += event.quantity_units
        if event.delivery_id is not None:
            self.units_posted[event.delivery_id] += event.quantity_units
            terms = self.terms[event.delivery_id]
            if (event.giver, event.taker) != (terms.seller, terms.buyer):
                self.findings.append(f"units of delivery {event.delivery_id} went astray")
            if self.states[event.delivery_id] in ("finished", "canceled"):
                self.findings.append(f"delivery {event.delivery_id} was over and got units")

    def _delivery_changed(self, event: DeliveryChanged) -> None:
        if self.states[event.delivery_id] != event.old_state.value:
            self.findings.append(f"delivery {event.delivery_id} was not {event.old_state.value}")
        self.states[event.delivery_id] = event.state.value
        terms = self.terms[event.delivery_id]
        own = terms.buyer == terms.seller
        units_due, yen_due = self.parts_units[event.delivery_id], self.parts_yen[event.delivery_id]
        if event.state.value == "finished":
            units_due, yen_due = terms.quantity_units, terms.amount_yen
        elif event.state.value == "paid":
            # What a part costs is told once its units have moved; until then it is some of the rest.
            yen_due = min(max(yen_due, self.yen_posted[event.delivery_id]), terms.amount_yen)
        if own:
            units_due = yen_due = 0
        if self.units_posted[event.delivery_id] != units_due:
            self.findings.append(f"delivery {event.delivery_id} {event.state.value}: units differ")
        if self.yen_posted[event.delivery_id] != yen_due:
            self.findings.append(f"delivery {event.delivery_id} {event.state.value}: yen differ")

    def _filled(self, event: DeliveryFilled) -> None:
        """A part costs its share of what was open, rounded down; the last one all of it."""
        name, terms = event.delivery_id, self.terms[event.delivery_id]
        open_units = terms.quantity_units - self.parts_units[name]
        open_yen = terms.amount_yen - self.parts_yen[name]
        share = open_yen * event.quantity_units // open_units
        if event.quantity_units > open_units or event.amount_yen != share:
            self.findings.append(f"a part of delivery {name} is not its share")
        self.parts_units[name] += event.quantity_units
        self.parts_yen[name] += event.amount_yen
        left = (
            terms.quantity_units - self.parts_units[name],
            terms.amount_yen - self.parts_yen[name],
        )
        if left != (event.open_units, event.open_yen):
            self.findings.append(f"what is open of delivery {name} is not what is left")

    def _charged(self, event: FailCharged | FailChargePaid) -> None:
        """A paid charge follows its own posting; who is charged is a side of the delivery."""
        terms = self.terms[event.delivery_id]
        moved = (event.payer, event.payee, event.amount_yen, None)
        paid = isinstance(event, FailChargePaid) or event.paid
        if paid and self._last_yen != moved:
            self.findings.append(f"a charge for delivery {event.delivery_id} was not posted")
        if event.payer not in (terms.seller, terms.buyer) or event.payer == event.payee:
            self.findings.append(f"a charge for delivery {event.delivery_id} is a stranger's")

    def verdict(self) -> list[str]:
        """All findings, and whether the totals add up now."""
        verdict = list(self.findings)
        if sum(self.yen.values()) != self.yen_from_outside:
            verdict.append("yen is not conserved")
        for issue in self.issued:
            held = sum(units for (name, _), units in self.units.items() if name == issue)
            if held != self.allotted[issue]:
                verdict.append(f"units of {issue} are not conserved")
        for delivery, terms in self.terms.items():
            if terms.trade_id in self.busted and self.states[delivery] != "canceled":
                verdict.append(f"delivery {delivery} of a voided trade is {self.states[delivery]}")
        if self.trades_without_delivery:
            verdict.append(f"trades without delivery: {sorted(self.trades_without_delivery)}")
        return verdict
