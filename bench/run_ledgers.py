"""How fast each token ledger posts and delivers against payment, with signatures and without.

Workload: 40 firms with ample units and yen, transfers between neighbours in a fixed pattern, 7
units for 700 yen each, one process, no journal, no wire, no venue.

* ``post``: direct transfers of units.
* ``hold and post``: a lock and its final transfer.
* ``DvP, atomic``: units and yen in one linked set on plain yen.
* ``DvP, evidence``: units locked, tokenised deposit paid, evidence verified, final transfer.

Ways: ``plain`` accounts; ``ibet`` accounts with commitments; ``tokens`` without signatures;
``tokens signed`` with account, node and notary signature made and verified for each transaction;
``tokens sealed`` with the account's for each and node and notary signing once for 64 deliveries.
With ``evidence`` the money's evidence is signed and verified wherever the tokens are signed.

The answers: every firm ends where the plain register's firm ends, every invariant holds, and the
audit of a signed platform verifies every signature (outside the clock). Counted in processor time.
Left out: the venue, the journal, distribution over a network.
"""

import argparse
import gc
from collections.abc import Callable
from time import process_time_ns
from typing import Final, NamedTuple

from machine import describe, spread

from market.ids import InstrumentId
from market.instrument import TEN_YEN, TSE_LIMITS, Instrument
from market.quantities import Sen, Units
from settlement.ibet.register import IbetRegister
from settlement.keys import KeyRing
from settlement.ledger import HoldId, Ledger, Leg, post_linked
from settlement.money.payment import PaymentOrder, SignedEvidence
from settlement.money.tokenised_deposit import TokenisedDeposit
from settlement.progmat.platform import Platform
from settlement.progmat.register import ProgmatRegister
from settlement.register import ISSUER, Register

FIRMS: Final = [f"FIRM-{number:02d}" for number in range(40)]
UNITS: Final = 7
YEN: Final = 700
BATCH: Final = 64
ROUNDS: Final = 3
SIZES: Final = {"plain": 20_000, "ibet": 20_000, "tokens": 20_000}
SIGNED_SIZE: Final = 1_280


class World(NamedTuple):
    """A register, the yen beside it, and how work is put in batches."""

    register: Register
    yen: Ledger
    money: TokenisedDeposit
    platform: Platform | None
    sealed: bool


def world(way: str) -> World:
    """Every firm has more than it will give."""
    issue = Instrument(
        instrument_id=InstrumentId("ST1"), isin="JP0000000000", name="Issue",
        issued_units=Units(100_000_000), issue_price_sen=Sen(10_000), ticks=TEN_YEN,
        limits=TSE_LIMITS,
    )  # fmt: skip
    signing = way in {"tokens signed", "tokens sealed"}
    platform = Platform(signing=signing) if way.startswith("tokens") else None
    register: Register
    if platform is not None:
        register = ProgmatRegister(issue, platform)
    else:
        register = IbetRegister(issue) if way == "ibet" else Register(issue)
    yen = Ledger("yen", "outside")
    money = TokenisedDeposit("bank", KeyRing("bench", signing=signing))
    for number, firm in enumerate(FIRMS):
        register.post(ISSUER, firm, 1_000_000)
        yen.post("outside", firm, 100_000_000)
        money.pay_in(firm, 100_000_000)
        money.fund(f"F-{number}", firm, 100_000_000, at_ns=0)
    return World(register, yen, money, platform, way == "tokens sealed")


def post(one: World, number: int, giver: str, taker: str) -> None:
    """A direct transfer."""
    del number
    one.register.post(giver, taker, UNITS)


def hold_and_post(one: World, number: int, giver: str, taker: str) -> None:
    """A lock and its final transfer."""
    hold_id = HoldId(f"H-{number}")
    one.register.hold(hold_id, giver, taker, UNITS)
    one.register.post_hold(hold_id)


def deliver_atomically(one: World, number: int, giver: str, taker: str) -> None:
    """Both legs in one set."""
    del number
    legs = (Leg(one.register, giver, taker, UNITS), Leg(one.yen, taker, giver, YEN))
    assert post_linked(legs) is None


def deliver_on_evidence(one: World, number: int, giver: str, taker: str) -> None:
    """Lock, pay, verify, final transfer."""
    hold_id = HoldId(f"H-{number}")
    one.register.hold(hold_id, giver, taker, UNITS)
    order = PaymentOrder(
        payment_id=f"M-{number}", obligation_id=f"O-{number}", version=1, payer=taker,
        payee=giver, amount_yen=YEN,
    )  # fmt: skip
    paid = one.money.pay(order, at_ns=number)
    assert isinstance(paid, SignedEvidence)
    assert one.money.is_genuine(paid)
    one.register.post_hold(hold_id)


WORK: Final[dict[str, Callable[[World, int, str, str], None]]] = {
    "post": post,
    "hold and post": hold_and_post,
    "DvP, atomic": deliver_atomically,
    "DvP, evidence": deliver_on_evidence,
}
WAYS: Final = ("plain", "ibet", "tokens", "tokens signed", "tokens sealed")


def run(way: str, work: str, size: int) -> float:
    """One round: deliveries a second, with the answer checked."""
    one = world(way)
    step = WORK[work]
    firms = len(FIRMS)
    gc.collect()
    began = process_time_ns()
    for number in range(size):
        if one.sealed and one.platform is not None and number % BATCH == 0:
            one.platform.begin_batch()
        step(one, number, FIRMS[number % firms], FIRMS[(number * 3 + 1) % firms])
        if one.sealed and one.platform is not None and number % BATCH == BATCH - 1:
            one.platform.end_batch()
    took = process_time_ns() - began
    check(one, size)
    return size * 1e9 / took


def check(one: World, size: int) -> None:
    """Every firm has what the pattern says; books, chain and signatures verify."""
    firms = len(FIRMS)
    expected = dict.fromkeys(FIRMS, 1_000_000)
    for number in range(size):
        expected[FIRMS[number % firms]] -= UNITS
        expected[FIRMS[(number * 3 + 1) % firms]] += UNITS
    assert dict(one.register.holders()) == expected
    one.register.check_invariants()
    one.yen.check_invariants()
    one.money.check_invariants()
    if one.platform is not None:
        one.platform.check_audit()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a small size, for the tests")
    smoke = parser.parse_args().smoke
    rounds = 1 if smoke else ROUNDS
    print(describe())
    print(f"rounds   {rounds}, medians (lowest-highest) a second, processor time\n")
    for work in WORK:
        base = 0.0
        for way in WAYS:
            size = 2 * BATCH if smoke else SIZES.get(way, SIGNED_SIZE)
            rates = [run(way, work, size) for _ in range(rounds)]
            base = base or sorted(rates)[rounds // 2]
            ratio = sorted(rates)[rounds // 2] / base
            print(f"{work:<14} {way:<14} {spread(rates)}   {ratio:.3f} of plain")
        print()


if __name__ == "__main__":
    main()
