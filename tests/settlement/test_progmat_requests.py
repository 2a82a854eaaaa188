"""The platform's counter: one stable code for every no, and nothing moved."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from settlement_story import ST1, ST2, issue

from market.errors import InvariantBroken
from market.token_acts import OperatingMode, Station
from settlement.ledger import HoldId, Ledger
from settlement.progmat.parties import ADMINISTRATOR, NOTARY
from settlement.progmat.platform import Platform
from settlement.progmat.records import TransferType
from settlement.progmat.register import ProgmatRegister
from settlement.progmat.requests import Requests
from settlement.progmat.roles import Role
from settlement.progmat.transfer_request import (
    CashLeg,
    Receipt,
    TransferRequest,
    is_by_power,
    needs_consent,
)
from settlement.refusals import Refusal
from settlement.register import ISSUER
from settlement.transfer_control import InFlight


class World:
    """Two custodians with clients a1, a2 and b1, a firm without a node, two issues on one flag."""

    def __init__(self, *, mode: OperatingMode = OperatingMode.NODE_OPENING) -> None:
        self.platform = Platform(mode, signing=True)
        for name, role, via in (
            ("CA", Role.CUSTODIAN, ""),
            ("CB", Role.CUSTODIAN, ""),
            ("FIRM", Role.OUTSOURCED_FIRM, "CA"),
            ("APP", Role.INTERMEDIARY, "CB"),
            ("FUND", Role.FUND_RAISER, "CA"),
        ):
            self.platform.enroll(name, role, via)
        for investor, custodian, firm in (
            ("a1", "CA", "FIRM"),
            ("a2", "CA", ""),
            ("b1", "CB", "APP"),
        ):
            self.platform.admit(investor, custodian, firm)
        self.platform.let_read(ST1, "FUND")
        self.one, self.two = (
            ProgmatRegister(issue(name), self.platform, control_id="TC") for name in (ST1, ST2)
        )
        self.counter = Requests(self.platform)
        for register in (self.one, self.two):
            self.counter.serve(register)
        self.one.post(ISSUER, "a1", 100)
        self.one.post(ISSUER, "b1", 50)
        self.cash = Ledger("yen", "outside")
        self.cash.post("outside", "a1", 1_000)
        self.cash.post("outside", "b1", 1_000)
        self.number = 0

    def request(self, **more: Any) -> TransferRequest:
        """A good request of a1 to give 10 to b1, with changes, signed by the giver unless given."""
        self.number += 1
        fields: dict[str, Any] = {
            "request_id": f"R-{self.number}",
            "creator": "CA",
            "epoch": self.platform.station.epoch,
            "instrument_id": ST1,
            "transfer_type": TransferType.FOP,
            "giver": "a1",
            "taker": "b1",
            "quantity_units": 10,
        }
        fields |= more
        request = TransferRequest(**fields)
        if request.instrument_id not in {ST1, ST2} or "signature" in more:
            return request
        key = ADMINISTRATOR if is_by_power(request) else request.giver
        fields["signature"] = self.counter.sign(request, key)
        if needs_consent(request) and "consent" not in more:
            fields["consent"] = self.counter.sign(request, request.taker)
        return TransferRequest(**fields)

    def picture(self) -> tuple[object, ...]:
        """All that a refusal must leave alone."""
        return (
            self.one.state(),
            self.two.state(),
            dict(self.platform.notary.spent),
            dict(self.platform.omnibus),
            {node: list(vault) for node, vault in self.platform.vaults.items()},
            self.cash.state(),
        )

    def ask(self, request: TransferRequest, cash: Ledger | None = None) -> Receipt | Refusal:
        """Ask twice: the second answer is the first; a refusal leaves everything as it was."""
        before = self.picture()
        answer = self.counter.submit(request, cash)
        if isinstance(answer, Refusal):
            assert self.picture() == before, "a refusal leaves no trace"
        after = self.picture()
        assert self.counter.submit(request, cash) == answer
        assert self.picture() == after, "the second asking moves nothing"
        self.one.check_invariants()
        self.two.check_invariants()
        return answer


def closing(world: World) -> None:
    """Begin to close the station."""
    world.platform.switch_station(Station.CLOSING, actor="ops", reason="cut-off")


def flag_off(world: World) -> None:
    """Stop both issues by their common flag."""
    world.platform.set_control(
        "TC", executable=False, in_flight=InFlight.DRAIN, actor="ops", reason="order"
    )


def freeze(name: str) -> Callable[[World], None]:
    """Freeze one account."""
    return lambda world: world.platform.freeze(name, frozen=True, actor="ops", reason="court")


def nothing(world: World) -> None:
    """Leave the world as it is."""


REFUSED: dict[str, tuple[Refusal, Callable[[World], None], dict[str, Any]]] = {
    "a stranger creates": (Refusal.NOT_ENTITLED, nothing, {"creator": "X"}),
    "V2: the notary creates": (Refusal.NOT_ENTITLED, nothing, {"creator": NOTARY}),
    "V2: a database-only firm creates": (Refusal.NOT_ENTITLED, nothing, {"creator": "FIRM"}),
    "V2: an intermediary creates": (Refusal.NOT_ENTITLED, nothing, {"creator": "APP"}),
    "V2: a fund raiser creates": (Refusal.NOT_ENTITLED, nothing, {"creator": "FUND"}),
    "an issue by request": (Refusal.NOT_ENTITLED, nothing, {"transfer_type": TransferType.ISSUE}),
    "an unknown issue": (Refusal.NOT_VISIBLE, nothing, {"instrument_id": "NONE"}),
    "another custodian's client": (Refusal.NOT_VISIBLE, nothing, {"creator": "CB"}),
    "a giver nobody knows": (Refusal.NOT_VISIBLE, nothing, {"giver": "zz"}),
    "a taker nobody knows": (Refusal.NOT_VISIBLE, nothing, {"taker": "zz"}),
    "a custodian allots": (
        Refusal.NOT_VISIBLE, nothing, {"transfer_type": TransferType.ALLOT, "giver": ISSUER},
    ),
    "a custodian forces": (
        Refusal.NOT_VISIBLE, nothing, {"transfer_type": TransferType.LEGAL_ORDER},
    ),
    "I15: a name for an id": (Refusal.BAD_IDENTIFIER, nothing, {"request_id": "山田太郎"}),
    "I15: a mail address for a ground": (
        Refusal.BAD_IDENTIFIER, nothing, {"authority": "a@b.example"},
    ),
    "I15: a phone number for an id": (Refusal.BAD_IDENTIFIER, nothing, {"request_id": "03-1234-5678"}),
    "no id": (Refusal.BAD_IDENTIFIER, nothing, {"request_id": ""}),
    "nothing to move": (Refusal.BAD_AMOUNT, nothing, {"quantity_units": 0}),
    "less than nothing": (Refusal.BAD_AMOUNT, nothing, {"quantity_units": -1}),
    "a gift to oneself": (Refusal.SAME_ACCOUNT, nothing, {"taker": "a1"}),
    "a gift to the issuer": (Refusal.BAD_COMBINATION, nothing, {"taker": ISSUER}),
    "I16: an old epoch": (Refusal.STALE_EPOCH, closing, {"epoch": 0}),
    "I16: a station that closes": (Refusal.STATION_NOT_OPEN, closing, {}),
    "I16: a flag that is off": (Refusal.TRANSFER_RESTRICTED, flag_off, {}),
    "I16: the flag of its group": (
        Refusal.TRANSFER_RESTRICTED, flag_off,
        {"instrument_id": ST2, "giver": ISSUER, "taker": "a1", "creator": ADMINISTRATOR,
         "transfer_type": TransferType.ALLOT},
    ),
    "an account frozen in this issue": (
        Refusal.ACCOUNT_FROZEN,
        lambda world: world.one.freeze("a1", frozen=True, reason="court"), {},
    ),
    "a taker who lets nothing in": (
        Refusal.RECEIVER_REFUSED,
        lambda world: world.one.set_receiving("b1", receives=False, reason="unknown"), {},
    ),
    "I15: a name for a target": (
        Refusal.BAD_IDENTIFIER, nothing,
        {"transfer_type": TransferType.CANCEL, "cancel_target": "山田太郎"},
    ),
    "F12: half a unit": (Refusal.BAD_AMOUNT, nothing, {"quantity_units": 1.5}),
    "F12: a truth for a number": (Refusal.BAD_AMOUNT, nothing, {"quantity_units": True}),
    "force without a ground": (
        Refusal.BAD_COMBINATION, nothing,
        {"transfer_type": TransferType.LEGAL_ORDER, "creator": ADMINISTRATOR},
    ),
    "a succession without a ground": (
        Refusal.BAD_COMBINATION, nothing,
        {"transfer_type": TransferType.SUCCESSION, "creator": ADMINISTRATOR},
    ),
    "a ground for a gift": (Refusal.BAD_COMBINATION, nothing, {"authority": "C-1"}),
    "a target for a gift": (Refusal.BAD_COMBINATION, nothing, {"cancel_target": "R-1"}),
    "a consent for a gift": (Refusal.BAD_COMBINATION, nothing, {"consent": bytes(64)}),
    "cash for a gift": (
        Refusal.BAD_COMBINATION, nothing,
        {"cash": CashLeg(payer="b1", payee="a1", amount_yen=1)},
    ),
    "a frozen giver": (Refusal.ACCOUNT_FROZEN, freeze("a1"), {}),
    "a frozen taker": (Refusal.ACCOUNT_FROZEN, freeze("b1"), {}),
    "I3: one unit too many": (Refusal.INSUFFICIENT, nothing, {"quantity_units": 101}),
    "the whole world": (Refusal.INSUFFICIENT, nothing, {"quantity_units": 2**63}),
    "a bad signature": (Refusal.BAD_SIGNATURE, nothing, {"signature": bytes(64)}),
    "no signature": (Refusal.BAD_SIGNATURE, nothing, {"signature": b""}),
    "a cancel of nothing": (
        Refusal.NOT_VISIBLE, nothing,
        {"transfer_type": TransferType.CANCEL, "cancel_target": "none"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_has_one_code_and_moves_nothing(case: str) -> None:
    """Ask, be refused with the stated code, find ledger, notary, vaults and cash unchanged."""
    expected, prepare, more = REFUSED[case]
    world = World()
    prepare(world)

    assert world.ask(world.request(**more)) is expected


def test_the_first_check_names_the_reason() -> None:
    """Everything wrong at once is answered in the order of the catalogue."""
    world = World()
    flag_off(world)
    freeze("a1")(world)
    wrong = {"quantity_units": 1_000, "signature": bytes(64)}

    assert world.ask(world.request(**wrong)) is Refusal.TRANSFER_RESTRICTED
    assert world.ask(world.request(**wrong, creator="CB")) is Refusal.NOT_VISIBLE
    assert world.ask(world.request(**wrong, creator="X")) is Refusal.NOT_ENTITLED


def test_a_good_request_moves_and_is_answered_the_same_again() -> None:
    """I10: same id and content, same receipt, no second movement; other content is refused."""
    world = World()
    request = world.request()

    assert isinstance(world.ask(request), Receipt)
    assert (world.one.balance("a1"), world.one.balance("b1")) == (90, 60)

    other = world.request(request_id=request.request_id, quantity_units=11)
    assert world.counter.submit(other) is Refusal.ID_CONFLICT
    assert world.one.balance("b1") == 60


def test_a_refused_id_never_succeeds_later() -> None:
    """I10: a retry under the same id has the first answer though the reason is gone."""
    world = World()
    freeze("a1")(world)
    request = world.request()
    assert world.ask(request) is Refusal.ACCOUNT_FROZEN

    world.platform.freeze("a1", frozen=False, actor="ops", reason="court")

    assert world.ask(request) is Refusal.ACCOUNT_FROZEN
    assert isinstance(world.ask(world.request()), Receipt)


def test_the_notary_refuses_a_token_spent_before() -> None:
    """F6: naming the inputs of an earlier transfer is a double spend, whoever signs it."""
    world = World()
    world.two.post(ISSUER, "a1", 30)
    (coin,) = [name for name, token in world.two.unspent.items() if token.owner == "a1"]
    first = world.request(instrument_id=ST2, quantity_units=5, inputs=(coin,))
    assert isinstance(world.ask(first), Receipt)

    second = world.request(instrument_id=ST2, quantity_units=5, inputs=(coin,))

    assert world.ask(second) is Refusal.DOUBLE_SPEND
    assert world.two.balance("b1") == 5


def test_a_locked_token_is_not_spent_by_name() -> None:
    """A token under a hold is out of reach of a request that names it."""
    world = World()
    world.one.hold(HoldId("H"), "a1", "b1", 40)
    (coin,) = [name for name, token in world.one.unspent.items() if token.hold_id]

    assert world.ask(world.request(inputs=(coin,))) is Refusal.INSUFFICIENT


def test_a_replaced_key_signs_nothing_more() -> None:
    """F22: the old signature is refused, the record stays verifiable, the new key works."""
    world = World()
    signed_before = world.request()
    world.platform.keys.rotate("a1")

    assert world.ask(signed_before) is Refusal.BAD_SIGNATURE
    assert isinstance(world.ask(world.request()), Receipt)
    world.platform.check_audit()

    world.platform.keys.revoke("a1")
    assert world.ask(world.request()) is Refusal.BAD_SIGNATURE


def test_three_signatures_stand_under_a_transfer() -> None:
    """V3: the giver's account, the creating node, the notary; an override has the administrator's."""
    world = World()
    plain = world.ask(world.request())
    forced = world.ask(
        world.request(
            creator=ADMINISTRATOR, transfer_type=TransferType.LEGAL_ORDER, authority="C-1"
        )
    )
    keys = []
    for answer in (plain, forced):
        assert isinstance(answer, Receipt)
        one = world.platform.transactions[answer.tx_id]
        assert (
            min(map(len, (one.authority_signature, one.node_signature, one.notary_signature))) > 0
        )
        keys.append((one.authority_key, one.node_key, one.notary_key))

    assert keys == [("a1", "CA", NOTARY), (ADMINISTRATOR, ADMINISTRATOR, NOTARY)]


def test_law_reaches_a_frozen_account_but_not_a_stopped_issue() -> None:
    """Forced transfer and succession pass the freeze; the flag stops them too (I16)."""
    world = World()
    freeze("a1")(world)
    for kind in (TransferType.LEGAL_ORDER, TransferType.SUCCESSION):
        asked = world.request(creator=ADMINISTRATOR, transfer_type=kind, authority="C-1")
        assert isinstance(world.ask(asked), Receipt)
    flag_off(world)
    stopped = world.request(
        creator=ADMINISTRATOR, transfer_type=TransferType.LEGAL_ORDER, authority="C-1"
    )

    assert world.ask(stopped) is Refusal.TRANSFER_RESTRICTED


def test_law_does_not_reach_locked_units() -> None:
    """F10: a forced transfer takes what is free; the lock ends first."""
    world = World()
    world.one.hold(HoldId("H"), "a1", "b1", 95)
    forced = {
        "creator": ADMINISTRATOR, "transfer_type": TransferType.LEGAL_ORDER, "authority": "C-1",
    }  # fmt: skip

    assert world.ask(world.request(**forced)) is Refusal.INSUFFICIENT
    world.one.void_hold(HoldId("H"))
    assert isinstance(world.ask(world.request(**forced)), Receipt)


def test_a_firm_without_a_node_asks_through_its_custodian() -> None:
    """By API, through the firm's own custodian, for its own clients; who only reads asks nothing."""
    world = World()

    assert world.counter.instruct("APP", world.request()) is Refusal.NOT_ENTITLED
    assert world.counter.instruct("zz", world.request()) is Refusal.NOT_ENTITLED
    assert world.counter.instruct("CA", world.request()) is Refusal.NOT_ENTITLED
    assert world.counter.instruct("FUND", world.request()) is Refusal.NOT_ENTITLED
    assert world.counter.instruct("FIRM", world.request(giver="a2")) is Refusal.NOT_VISIBLE
    assert isinstance(world.counter.instruct("FIRM", world.request()), Receipt)


def canceling(world: World, target: TransferRequest, **more: Any) -> TransferRequest:
    """A request that moves an earlier transfer from a1 to b1 back."""
    fields: dict[str, Any] = {
        "creator": "CB",
        "transfer_type": TransferType.CANCEL,
        "giver": "b1",
        "taker": "a1",
        "cancel_target": target.request_id,
    }
    return world.request(**fields | more)


def test_a_transfer_is_canceled_once_with_both_consents() -> None:
    """Same quantity, sides swapped, both agree, once; the first record stays."""
    world = World()
    first = world.request()
    world.ask(first)

    assert world.ask(canceling(world, first, quantity_units=9)) is Refusal.TERMS_MISMATCH
    assert world.ask(canceling(world, first, consent=b"")) is Refusal.BAD_SIGNATURE
    assert isinstance(world.ask(canceling(world, first)), Receipt)
    assert world.one.balance("a1") == 100
    assert world.ask(canceling(world, first)) is Refusal.ALREADY_FINAL


def test_units_that_moved_on_are_not_canceled() -> None:
    """Only the newest movement can be moved back."""
    world = World()
    first = world.request(quantity_units=60)
    world.ask(first)
    world.ask(world.request(creator="CB", giver="b1", taker="a2", quantity_units=110))

    assert world.ask(canceling(world, first, quantity_units=60)) is Refusal.NOT_NEWEST


PRICE = CashLeg(payer="b1", payee="a1", amount_yen=1_000)
BACK = CashLeg(payer="a1", payee="b1", amount_yen=1_000)


def test_a_foreign_transfer_is_like_none_to_who_would_cancel_it() -> None:
    """I14: a custodian that is no party cannot tell a trade id it guessed from one that never was."""
    world = World()
    inside = world.request(taker="a2")
    world.ask(inside)

    for target in (inside.request_id, "none"):
        guess = canceling(world, inside, cancel_target=target)
        assert world.ask(guess) is Refusal.NOT_VISIBLE


@pytest.mark.parametrize("owner", [NOTARY, "a1", "CA"])
def test_a_lock_waits_or_goes_on_when_a_key_is_gone(owner: str) -> None:
    """F22: without the notary nothing is final and the register says so; else the administrator acts."""
    world = World()
    for hold_id in ("H1", "H2"):
        world.one.hold(HoldId(hold_id), "a1", "b1", 10)
    world.platform.keys.revoke(owner)
    barred = Refusal.BAD_SIGNATURE if owner == NOTARY else None

    assert world.one.hindrance("a1", "b1") is Refusal.BAD_SIGNATURE
    assert world.one.completion_hindrance("b1") is barred
    assert world.one.return_hindrance() is barred
    before = world.picture()
    for verb, hold_id in ((world.one.post_hold, "H1"), (world.one.void_hold, "H2")):
        if barred is not None:
            with pytest.raises(InvariantBroken):
                verb(HoldId(hold_id))
            assert world.picture() == before
    world.platform.keys.rotate(owner)
    world.one.post_hold(HoldId("H1"))
    world.one.void_hold(HoldId("H2"))
    world.platform.check_audit()
    world.one.check_invariants()


def test_a_sale_moves_with_its_cash_or_not_at_all() -> None:
    """I4: units and cash in one step; no cash ledger, wrong sides, too dear, and nothing moves."""
    world = World()
    sale = {"transfer_type": TransferType.SALE}
    dear = msgspec.structs.replace(PRICE, amount_yen=1_001)
    free = msgspec.structs.replace(PRICE, amount_yen=0)

    assert world.ask(world.request(**sale), world.cash) is Refusal.BAD_COMBINATION
    assert world.ask(world.request(**sale, cash=PRICE)) is Refusal.CASH_LEG_MISSING
    assert world.ask(world.request(**sale, cash=BACK), world.cash) is Refusal.TERMS_MISMATCH
    assert world.ask(world.request(**sale, cash=dear), world.cash) is Refusal.INSUFFICIENT
    assert world.ask(world.request(**sale, cash=free), world.cash) is Refusal.BAD_AMOUNT
    agreed = world.request(**sale, cash=PRICE)
    less = msgspec.structs.replace(agreed, cash=msgspec.structs.replace(PRICE, amount_yen=1))
    assert world.ask(less, world.cash) is Refusal.BAD_SIGNATURE, "I24: the cash is part of it"
    assert isinstance(world.ask(world.request(**sale, cash=PRICE), world.cash), Receipt)
    assert (world.cash.balance("a1"), world.cash.balance("b1")) == (2_000, 0)
    assert (world.one.balance("a1"), world.one.balance("b1")) == (90, 60)


def test_a_sale_is_canceled_with_its_cash_or_not_at_all() -> None:
    """I4: units and cash go back in one step, and just that cash; without it nothing does."""
    world = World()
    sale = world.request(transfer_type=TransferType.SALE, cash=PRICE)
    assert isinstance(world.ask(sale, world.cash), Receipt)
    less = msgspec.structs.replace(BACK, amount_yen=1)

    assert world.ask(canceling(world, sale), world.cash) is Refusal.CASH_LEG_MISSING
    assert world.ask(canceling(world, sale, cash=BACK)) is Refusal.CASH_LEG_MISSING
    assert world.ask(canceling(world, sale, cash=PRICE), world.cash) is Refusal.TERMS_MISMATCH
    assert world.ask(canceling(world, sale, cash=less), world.cash) is Refusal.TERMS_MISMATCH
    world.cash.post("a1", "outside", 1_500)
    assert world.ask(canceling(world, sale, cash=BACK), world.cash) is Refusal.INSUFFICIENT
    world.cash.post("outside", "a1", 1_500)
    assert isinstance(world.ask(canceling(world, sale, cash=BACK), world.cash), Receipt)
    assert (world.cash.balance("a1"), world.cash.balance("b1")) == (1_000, 1_000)
    assert world.one.balance("a1") == 100


def test_a_cancel_is_not_canceled() -> None:
    """Moving a canceled sale forward again would leave its cash behind: a new sale is agreed."""
    world = World()
    sale = world.request(transfer_type=TransferType.SALE, cash=PRICE)
    world.ask(sale, world.cash)
    undone = canceling(world, sale, cash=BACK)
    assert isinstance(world.ask(undone, world.cash), Receipt)

    again = world.request(transfer_type=TransferType.CANCEL, cancel_target=undone.request_id)

    assert world.ask(again, world.cash) is Refusal.ALREADY_FINAL


def test_a_cancel_spends_the_token_the_transfer_made() -> None:
    """The older units of the same owner stay; the canceled transfer's own are gone."""
    world = World()
    first = world.request()
    receipt = world.ask(first)
    assert isinstance(receipt, Receipt)
    before = {name for name, token in world.one.unspent.items() if token.owner == "b1"}

    world.ask(canceling(world, first))

    after = {name for name, token in world.one.unspent.items() if token.owner == "b1"}
    assert before - after == {f"{receipt.tx_id}:0"}
    assert world.ask(canceling(world, first, inputs=tuple(after))) is Refusal.BAD_COMBINATION


def test_a_court_cancels_without_consent_and_with_the_cash() -> None:
    """On a legal ground the administrator's key stands for both sides, frozen or not."""
    world = World()
    sale = world.request(transfer_type=TransferType.SALE, cash=PRICE)
    world.ask(sale, world.cash)
    freeze("b1")(world)
    court = {"authority": "C-1", "creator": ADMINISTRATOR}

    assert world.ask(canceling(world, sale, authority="C-1"), world.cash) is Refusal.NOT_VISIBLE
    assert world.ask(canceling(world, sale, cash=BACK), world.cash) is Refusal.ACCOUNT_FROZEN
    assert world.ask(canceling(world, sale, **court), world.cash) is Refusal.CASH_LEG_MISSING
    answer = world.ask(canceling(world, sale, **court, cash=BACK), world.cash)
    assert isinstance(answer, Receipt)
    one = world.platform.transactions[answer.tx_id]
    assert (one.authority_key, one.node_key) == (ADMINISTRATOR, ADMINISTRATOR)
    assert world.cash.balance("b1") == 1_000


@pytest.mark.parametrize("spelling", ["0{}", "+{}", " {}", "\u0660", "{}_0", "9" * 5_000, "", "-1"])
def test_a_token_has_one_name(spelling: str) -> None:
    """F6: another spelling of a position is no token, so no token is spent twice under two names."""
    world = World()
    (coin,) = [name for name, token in world.one.unspent.items() if token.owner == "b1"]
    tx_id, _, place = coin.partition(":")
    alias = f"{tx_id}:{spelling.format(place)}"
    spending = {"creator": "CB", "giver": "b1", "taker": "a1"}

    assert world.ask(world.request(**spending, inputs=(alias,))) is Refusal.NOT_VISIBLE
    both = world.request(**spending, quantity_units=80, inputs=(coin, alias))
    assert world.ask(both) is Refusal.NOT_VISIBLE
    assert isinstance(world.ask(world.request(**spending, inputs=(coin,))), Receipt)


def test_collateral_goes_back_as_far_as_it_was_given() -> None:
    """A return needs a pledge between the same two; a canceled pledge is no pledge."""
    world = World()
    pledge = world.request(transfer_type=TransferType.COLLATERAL)
    returning = {
        "transfer_type": TransferType.COLLATERAL_RETURN,
        "creator": "CB",
        "giver": "b1",
        "taker": "a1",
    }

    assert world.ask(world.request(**returning)) is Refusal.TERMS_MISMATCH
    assert isinstance(world.ask(pledge), Receipt)
    assert world.ask(world.request(**returning, quantity_units=11)) is Refusal.TERMS_MISMATCH
    part = world.request(**returning, quantity_units=4)
    assert isinstance(world.ask(part), Receipt)
    assert world.ask(canceling(world, pledge)) is Refusal.NOT_NEWEST
    undone = world.request(
        transfer_type=TransferType.CANCEL, cancel_target=part.request_id, quantity_units=4
    )
    assert isinstance(world.ask(undone), Receipt)
    assert isinstance(world.ask(world.request(**returning)), Receipt)
    assert world.ask(world.request(**returning, quantity_units=1)) is Refusal.TERMS_MISMATCH

    again = world.request(transfer_type=TransferType.COLLATERAL)
    assert isinstance(world.ask(again), Receipt)
    assert isinstance(world.ask(canceling(world, again)), Receipt)
    assert world.ask(world.request(**returning)) is Refusal.TERMS_MISMATCH


def test_a_custody_move_is_between_custodians_and_both_accounts_sign() -> None:
    """Same person, another custodian: two keys under one mandate say so."""
    world = World()
    moving = {"transfer_type": TransferType.CUSTODY_MOVE}

    assert world.ask(world.request(**moving, taker="a2")) is Refusal.BAD_COMBINATION
    assert world.ask(world.request(**moving, consent=b"")) is Refusal.BAD_SIGNATURE
    assert isinstance(world.ask(world.request(**moving)), Receipt)


def test_a_stranger_takes_no_id_from_who_may_ask() -> None:
    """F28: refused for want of entitlement, an id is still free; between the entitled the first has it."""
    world = World()
    assert world.ask(world.request(request_id="Q", creator="X")) is Refusal.NOT_ENTITLED
    assert world.ask(world.request(request_id="Q", creator="CB")) is Refusal.NOT_VISIBLE

    assert isinstance(world.ask(world.request(request_id="Q")), Receipt)

    theirs = {"creator": "CB", "giver": "b1", "taker": "a1"}
    assert world.ask(world.request(**theirs, request_id="Q")) is Refusal.ID_CONFLICT


def test_redemption_returns_locks_and_ends_the_issue() -> None:
    """I1: issued less redeemed is what is held; afterwards nothing moves, and again is nothing."""
    world = World()
    world.one.hold(HoldId("H"), "a1", "b1", 40)

    assert world.counter.redeem_issue(ST1, creator="CA") is Refusal.NOT_ENTITLED
    assert world.counter.redeem_issue(ST1, creator=ADMINISTRATOR) == 150
    assert world.counter.redeem_issue(ST1, creator=ADMINISTRATOR) == 0
    assert world.one.holders() == []
    assert (world.one.issued_units, world.one.redeemed_units) == (850, 150)
    assert world.ask(world.request()) is Refusal.NOT_ACTIVE


def test_a_redemption_without_a_valid_key_leaves_every_lock() -> None:
    """F22: the administrator's key is asked for before the first lock goes back."""
    world = World()
    world.one.hold(HoldId("H"), "a1", "b1", 40)
    world.platform.keys.revoke(ADMINISTRATOR)
    before = world.picture()

    assert world.counter.redeem_issue(ST1, creator=ADMINISTRATOR) is Refusal.BAD_SIGNATURE
    assert world.picture() == before


STATIONS = {
    "open": ((), True, True, True),
    "closing": ((Station.CLOSING,), False, True, True),
    "closed": ((Station.CLOSING, Station.CLOSED), False, False, True),
    "batch": ((Station.CLOSING, Station.CLOSED, Station.BATCH), False, False, True),
    "opening": ((Station.CLOSING, Station.CLOSED, Station.OPENING), False, False, True),
    "emergency": ((Station.EMERGENCY,), False, False, False),
}


@pytest.mark.parametrize("name", STATIONS)
def test_each_station_lets_through_what_it_says(name: str) -> None:
    """F16: new locks, final transfers and returns by state of the station (I16)."""
    switches, new, completes, returns = STATIONS[name]
    world = World()
    for hold_id in ("H1", "H2"):
        world.one.hold(HoldId(hold_id), "a1", "b1", 10)
    for station in switches:
        assert world.platform.switch_station(station, actor="ops", reason="test") is None

    assert world.one.can_give("a1", 1) is new
    for verb, allowed, hold_id in (
        (world.one.post_hold, completes, "H1"),
        (world.one.void_hold, returns, "H2"),
    ):
        before = world.picture()
        if allowed:
            verb(HoldId(hold_id))
        else:
            with pytest.raises(Exception, match="I16"):
                verb(HoldId(hold_id))
            assert world.picture() == before
    world.one.check_invariants()


@pytest.mark.parametrize("in_flight", InFlight)
def test_a_flag_that_goes_off_drains_or_freezes_what_is_locked(in_flight: InFlight) -> None:
    """F9: DRAIN lets the final transfer through, FREEZE does not; a return always works."""
    world = World()
    for hold_id in ("H1", "H2"):
        world.one.hold(HoldId(hold_id), "a1", "b1", 10)
    world.platform.set_control(
        "TC", executable=False, in_flight=in_flight, actor="ops", reason="test"
    )

    if in_flight is InFlight.DRAIN:
        world.one.post_hold(HoldId("H1"))
    else:
        with pytest.raises(Exception, match="I16"):
            world.one.post_hold(HoldId("H1"))
    world.one.void_hold(HoldId("H2"))

    assert world.one.balance("b1") == 50 + (10 if in_flight is InFlight.DRAIN else 0)
