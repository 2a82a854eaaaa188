"""Pre-trade risk: hold before matching, release after (余力, 発注制限).

Purpose: no firm promises more cash (買付余力) or units (売付可能数量) than it has, counting every
open order and every trade not yet delivered. Core state: it changes only from events.
Ordering: ``check_new`` and ``check_amend`` are pure and refuse in the order of market/reasons.py;
holds appear with OrderAccepted, before any fill of the same step.
A buy holds price times leaves, rounded up to whole yen; a market buy, and a funari buy, which will
become one, is held at the highest upper limit of the day, because a sell accepted under an earlier limit stays and may be met. A fill turns
the held part into an obligation when its delivery is created; the obligation ends leg by leg as
cash and units are posted, and whole when the delivery is canceled. Incoming cash and units count
only once posted.
Invariants: holds equal the open orders exactly; obligations equal the unposted legs of the open
deliveries exactly; free cash never falls below the credit given, free units never below zero,
except where the venue itself moved a limit under existing promises, charged a fail or reversed a
delivery, units or cash left by law (forced transfer, redemption, market claim), or units were sold
short as such (kept as ``excused``). A short sell is promised like any other, so it leaves less to sell.
Known limits: sells are held in units only; no margin, no netting between issues.
Source: holdings check and limits are presets (market/rules.py, ParticipantLimits).
"""

from collections.abc import Callable, Mapping
from typing import Any

from market.commands import AmendOrder, NewOrder
from market.errors import InvariantBroken, check
from market.events import (
    DayOpened,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryState,
    Event,
    FailCharged,
    FailChargePaid,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    ParticipantRegistered,
    ReferencePriceSet,
    Trade,
    UnitsMoved,
    YenMoved,
)
from market.ids import DeliveryId, InstrumentId, OrderId, ParticipantId
from market.quantities import SEN_PER_YEN, Sen, Units, Yen, hold_yen_rounded_up
from market.reasons import RejectReason
from market.token_acts import ClaimChanged, ClaimState, TransferForced, UnitsRedeemed
from market.words import OrderKind, Side, Validity
from participants.holds import Account, Hold, Obligation, Position, excuse, set_leaves

_OVER = (DeliveryState.FINISHED, DeliveryState.CANCELED)


class Risk:
    """Limits, holds and obligations of all firms.

    Args:
        sell_holding_check: The preset's rule; False lets every firm sell short.
    """

    def __init__(self, *, sell_holding_check: bool) -> None:
        self._sell_holding_check = sell_holding_check
        self.accounts: dict[ParticipantId, Account] = {}
        self._holds: dict[OrderId, Hold] = {}
        self._market_orders: dict[OrderId, InstrumentId] = {}
        self._obligations: dict[DeliveryId, Obligation] = {}
        self._upper_limit_sen: dict[InstrumentId, Sen] = {}
        self._on: dict[type, Callable[[Any], None]] = {
            OrderAccepted: self._accepted,
            OrderAmended: self._amended,
            Trade: self._traded,
            OrderCanceled: self._ended,
            OrderExpired: self._ended,
            OrderReduced: self._reduced,
            DeliveryCreated: self._delivery_created,
            DeliveryChanged: self._delivery_changed,
            YenMoved: self._yen_moved,
            UnitsMoved: self._units_moved,
            TransferForced: self._transfer_forced,
            UnitsRedeemed: self._units_redeemed,
            ClaimChanged: self._claim_changed,
            FailCharged: self._charged,
            FailChargePaid: self._charged,
            ReferencePriceSet: self._reference_price_set,
            DayOpened: self._day_opened,
            ParticipantRegistered: self._registered,
        }

    # --- checks: pure, in the order of RejectReason

    def check_new(self, cmd: NewOrder) -> RejectReason | None:
        """Whether the firm may promise this order as well. Changes nothing.

        The instrument and, for market orders, its daily limits must have passed the market's own
        checks before.
        """
        account = self.accounts[cmd.participant_id]
        limits = account.limits
        quantity = cmd.quantity_units
        price = cmd.price_sen
        if cmd.kind is OrderKind.MARKET or cmd.validity is Validity.FUNARI:
            price = self._upper_limit(cmd.instrument_id)
        if quantity > limits.max_order_units:
            return RejectReason.FIRM_QTY_LIMIT
        if price * quantity > limits.max_order_value_yen * SEN_PER_YEN:
            return RejectReason.ORDER_VALUE_LIMIT
        if account.open_orders >= limits.max_open_orders:
            return RejectReason.OPEN_ORDER_LIMIT
        if cmd.side is Side.BUY:
            power_yen = account.owned_yen + limits.credit_yen - account.held_yen - account.owed_yen
            if hold_yen_rounded_up(price, quantity) > power_yen:
                return RejectReason.INSUFFICIENT_CASH
        elif cmd.short_sale is None and self._must_own(account):
            position = account.positions.get(cmd.instrument_id)
            if position is None or quantity > position.free_units:
                return RejectReason.INSUFFICIENT_HOLDING
        return None

    def check_amend(
        self, order_id: OrderId, cmd: AmendOrder, leaves_units: Units | None = None
    ) -> RejectReason | None:
        """Whether the order may become what the amendment asks; only the increase is needed.

        Args:
            order_id: The open order's present id.
            cmd: The amendment; None in a field keeps it.
            leaves_units: The open quantity it comes to, where that is not the amendment's own.
        """
        hold = self._hold(order_id)
        account = hold.account
        limits = account.limits
        asked_units = cmd.leaves_units if leaves_units is None else leaves_units
        quantity = hold.leaves_units if asked_units is None else asked_units
        if quantity <= 0:
            return None  # it ends the order
        price = hold.price_sen
        if cmd.price_sen is not None and order_id not in self._market_orders:
            price = cmd.price_sen
        if quantity > limits.max_order_units:
            return RejectReason.FIRM_QTY_LIMIT
        if price * quantity > limits.max_order_value_yen * SEN_PER_YEN:
            return RejectReason.ORDER_VALUE_LIMIT
        if hold.is_buy:
            more_yen = hold_yen_rounded_up(price, quantity) - hold.held_yen
            if more_yen > 0 and more_yen > account.buying_power_yen:
                return RejectReason.INSUFFICIENT_CASH
        elif not hold.is_short and self._must_own(account):
            more_units = quantity - hold.leaves_units
            if more_units > 0 and more_units > hold.position.free_units:
                return RejectReason.INSUFFICIENT_HOLDING
        return None

    def check_withdraw(self, participant_id: ParticipantId, amount_yen: Yen) -> RejectReason | None:
        """Whether cash may leave: only what is owned, not held and not owed; never credit."""
        account = self.accounts.get(participant_id)
        if account is None or amount_yen > account.free_yen:
            return RejectReason.INSUFFICIENT_CASH
        return None

    # --- figures for answers, queries and the check against the ledgers

    def free_yen(self, participant_id: ParticipantId) -> int:
        """Owned less held less owed, without credit; may be negative down to the credit."""
        return self.accounts[participant_id].free_yen

    def free_units(self, participant_id: ParticipantId, instrument_id: InstrumentId) -> int:
        """Owned less held less owed units of one issue."""
        position = self.accounts[participant_id].positions.get(instrument_id)
        return 0 if position is None else position.free_units

    def held_yen(self, order_id: OrderId) -> Yen:
        """Cash an order holds now; 0 for sells and for orders that are not open."""
        hold = self._holds.get(order_id)
        return Yen(0 if hold is None else hold.held_yen)

    def held_units(self, order_id: OrderId) -> Units:
        """Units an order holds now; 0 for buys and for orders that are not open."""
        hold = self._holds.get(order_id)
        return Units(0 if hold is None or hold.is_buy else hold.leaves_units)

    # --- events

    @property
    def hears(self) -> Mapping[type, Callable[[Any], None]]:
        """Which events mean something here, and what hears each."""
        return self._on

    def apply(self, event: Event) -> None:
        """Learn from one event; events that move no promise cost a lookup."""
        handler = self._on.get(type(event))
        if handler is not None:
            handler(event)

    def _accepted(self, event: OrderAccepted) -> None:
        account = self.accounts[event.participant_id]
        instrument_id = event.instrument_id
        price = event.price_sen
        if event.kind is OrderKind.MARKET or event.validity is Validity.FUNARI:
            price = self._upper_limit(instrument_id)
            self._market_orders[event.order_id] = instrument_id
        position = account.positions.get(instrument_id) or account.position(instrument_id)
        leaves = event.quantity_units
        is_buy = event.side is Side.BUY
        held_yen = hold_yen_rounded_up(price, leaves) if is_buy else 0
        is_short = event.short_sale is not None
        self._holds[event.order_id] = Hold(
            account, position, is_buy, price, leaves, held_yen, is_short
        )
        account.open_orders += 1
        if is_buy:
            account.held_yen += held_yen
        else:
            position.held_units += leaves
            if event.short_sale is not None:
                position.excuse()

    def _amended(self, event: OrderAmended) -> None:
        hold = self._hold(event.old_order_id)
        if event.order_id != event.old_order_id:
            del self._holds[event.old_order_id]
            self._holds[event.order_id] = hold
        if event.old_order_id in self._market_orders:
            del self._market_orders[event.old_order_id]
            self._market_orders[event.order_id] = event.instrument_id
        else:
            hold.price_sen = event.price_sen
        set_leaves(hold, event.leaves_units)
        if hold.is_short:
            hold.position.excuse()

    def _traded(self, event: Trade) -> None:
        for order_id, leaves in (
            (event.buy_order_id, event.buy_leaves_units),
            (event.sell_order_id, event.sell_leaves_units),
        ):
            hold = self._hold(order_id)
            if hold.leaves_units - event.quantity_units != leaves:
                check(False, "a fill leaves the rest", order=order_id, leaves=leaves)
            if leaves == 0:
                self._release(order_id)
            else:
                set_leaves(hold, leaves)

    def _ended(self, event: OrderCanceled | OrderExpired) -> None:
        self._release(event.order_id)

    def _reduced(self, event: OrderReduced) -> None:
        if event.leaves_units == 0:
            self._release(event.order_id)
        else:
            set_leaves(self._hold(event.order_id), event.leaves_units)

    def _delivery_created(self, event: DeliveryCreated) -> None:
        """From here to its postings the trade reserves cash and units, order or no order."""
        buyer = self.accounts[event.buyer]
        position = self.accounts[event.seller].position(event.instrument_id)
        self._obligations[event.delivery_id] = Obligation(
            buyer, position, event.amount_yen, event.quantity_units
        )
        buyer.owed_yen += event.amount_yen
        position.owed_units += event.quantity_units
        if event.reverses is not None:  # agreed or ordered, whatever the two have promised since
            excuse(buyer)
            position.excuse()

    def _delivery_changed(self, event: DeliveryChanged) -> None:
        """A delivery that is over owes nothing more (self trades end without postings)."""
        if event.state not in _OVER:
            return
        obligation = self._obligations.pop(event.delivery_id)
        obligation.buyer.owed_yen -= obligation.yen
        obligation.position.owed_units -= obligation.units

    def _charged(self, event: FailCharged | FailChargePaid) -> None:
        """The venue took a charge from cash that may be promised elsewhere."""
        excuse(self.accounts[event.payer])

    def _yen_moved(self, event: YenMoved) -> None:
        if event.giver is not None:
            self.accounts[event.giver].owned_yen -= event.amount_yen
        if event.taker is not None:
            self.accounts[event.taker].owned_yen += event.amount_yen
        if event.delivery_id is not None:
            obligation = self._obligations[event.delivery_id]
            obligation.yen -= event.amount_yen
            obligation.buyer.owed_yen -= event.amount_yen

    def _units_moved(self, event: UnitsMoved) -> None:
        if event.giver is not None:
            giver = self.accounts[event.giver].position(event.instrument_id)
            giver.owned_units -= event.quantity_units
        if event.taker is not None:
            taker = self.accounts[event.taker].position(event.instrument_id)
            taker.owned_units += event.quantity_units
        if event.delivery_id is not None:
            obligation = self._obligations[event.delivery_id]
            obligation.units -= event.quantity_units
            obligation.position.owed_units -= event.quantity_units

    def _transfer_forced(self, event: TransferForced) -> None:
        """The law does not ask what else was promised."""
        self.accounts[event.giver].position(event.instrument_id).excuse()

    def _units_redeemed(self, event: UnitsRedeemed) -> None:
        """Nor does a redemption. O(firms)."""
        for account in self.accounts.values():
            position = account.positions.get(event.instrument_id)
            if position is not None:
                position.excuse()

    def _claim_changed(self, event: ClaimChanged) -> None:
        """Nor does a claim that is paid."""
        if event.state is ClaimState.PAID:
            excuse(self.accounts[event.payer])

    def _day_opened(self, event: DayOpened) -> None:
        """Forget yesterday's limits, unless orders accepted under them are still open."""
        del event
        if not self._holds:
            self._upper_limit_sen.clear()

    def _reference_price_set(self, event: ReferencePriceSet) -> None:
        """Value the issue's market orders at the new upper limit, if higher. O(market orders).

        A higher limit may ask more than the firm has. The orders stay (resting orders are not
        touched by a new base price); the shortfall is excused and new orders are refused.
        """
        issue = event.instrument_id
        upper = Sen(max(event.upper_limit_sen, self._upper_limit_sen.get(issue, 0)))
        self._upper_limit_sen[issue] = upper
        for order_id, instrument_id in self._market_orders.items():
            if instrument_id == issue:
                hold = self._hold(order_id)
                hold.price_sen = upper
                set_leaves(hold, hold.leaves_units)
                excuse(hold.account)

    def _registered(self, event: ParticipantRegistered) -> None:
        account = self.accounts.get(event.participant_id)
        if account is None:
            self.accounts[event.participant_id] = Account(event.participant_id, event.limits)
        else:
            account.limits = event.limits
            excuse(account)

    # --- leaves

    def _must_own(self, account: Account) -> bool:
        return self._sell_holding_check and not account.limits.short_units_allowed

    def _upper_limit(self, instrument_id: InstrumentId) -> Sen:
        upper = self._upper_limit_sen.get(instrument_id)
        if upper is None:
            raise InvariantBroken("an issue in trading has limits", {"issue": instrument_id})
        return upper

    def _hold(self, order_id: OrderId) -> Hold:
        hold = self._holds.get(order_id)
        if hold is None:
            raise InvariantBroken("an open order is held", {"order": order_id})
        return hold

    def _release(self, order_id: OrderId) -> None:
        hold = self._hold(order_id)
        del self._holds[order_id]
        if self._market_orders:
            self._market_orders.pop(order_id, None)
        account = hold.account
        account.open_orders -= 1
        if hold.is_buy:
            account.held_yen -= hold.held_yen
        else:
            hold.position.held_units -= hold.leaves_units

    # --- evidence

    def check_invariants(self) -> None:
        """Recompute every total from its parts. O(accounts + open orders + open deliveries)."""
        yen: dict[ParticipantId, list[int]] = {firm: [0, 0, 0] for firm in self.accounts}
        units: dict[tuple[ParticipantId, InstrumentId], list[int]] = {
            position.key: [0, 0]
            for account in self.accounts.values()
            for position in account.positions.values()
        }
        for order_id in self._market_orders:
            check(order_id in self._holds, "a market order is held", order=order_id)
        for order_id, hold in self._holds.items():
            check(hold.leaves_units > 0, "an open order has leaves", order=order_id)
            parts = yen[hold.account.participant_id]
            parts[0] += 1
            if hold.is_buy:
                parts[1] += hold_yen_rounded_up(hold.price_sen, hold.leaves_units)
            else:
                units[hold.position.key][0] += hold.leaves_units
        for obligation in self._obligations.values():
            yen[obligation.buyer.participant_id][2] += obligation.yen
            units[obligation.position.key][1] += obligation.units
        for firm, account in self.accounts.items():
            totals = [account.open_orders, account.held_yen, account.owed_yen]
            check(totals == yen[firm], "cash holds equal their parts", firm=firm)
            shortfall = -account.buying_power_yen
            check(shortfall <= account.excused_yen, "credit is not overdrawn", firm=firm)
            for position in account.positions.values():
                self._check_position(account, position, units[position.key])

    def _check_position(self, account: Account, position: Position, parts: list[int]) -> None:
        totals = [position.held_units, position.owed_units]
        check(totals == parts, "unit holds equal their parts", position=position.key)
        if self._must_own(account):
            short = -position.free_units
            check(
                short <= position.excused_units,
                "nobody promises units they lack",
                position=position.key,
            )

    def state(self) -> dict[str, object]:
        """Everything here as plain values: firms and issues sorted, orders and deliveries by id."""
        return {
            "accounts": [
                [
                    firm,
                    account.owned_yen,
                    account.held_yen,
                    account.owed_yen,
                    account.excused_yen,
                    account.open_orders,
                    [
                        [issue, p.owned_units, p.held_units, p.owed_units, p.excused_units]
                        for issue, p in sorted(account.positions.items())
                    ],
                ]
                for firm, account in sorted(self.accounts.items())
            ],
            "holds": [
                [number, hold.price_sen, hold.leaves_units, hold.held_yen]
                for number, hold in sorted(self._holds.items())
            ],
            "obligations": [
                [number, obligation.yen, obligation.units]
                for number, obligation in sorted(self._obligations.items())
            ],
            "upper_limits_sen": [list(pair) for pair in sorted(self._upper_limit_sen.items())],
        }
