"""How fast ledgers settle, with a thousand other obligations open.

    python bench/run_settlement.py            about ten seconds
    python bench/run_settlement.py --quick    small sizes, for the tests

Workload: 50 firms with ample units and yen; delivery n goes from firm n to another in a fixed
pattern, 10 units for 1,000 yen, no seed. Rows:
  A, linked posts        both legs posted at once or not at all
  B2, holds              units held, yen held, yen posted, units posted
  A, by its protocol     the same through the table of rules, with step ids and refusals
  B2, by its protocol    deposit, confirm, pay, finish through the table
Each of the others has its units on hold; what a million of them cost is run_open.py's. Answers are
asserted: every leg arrived, ledgers balance. Left out: matching, journal, signatures, wire, events.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import ROUNDS, describe, spread, timed
from settlement.designs.enact import Answer, Enactment, Terms
from settlement.designs.gross import gross
from settlement.designs.rules import Protocol, World
from settlement.designs.verified_payment import verified_payment
from settlement.ledger import HoldId, Ledger, Leg, post_linked

FIRMS: Final = [f"FIRM-{number:02d}" for number in range(50)]
UNITS, YEN = 10, 1_000
TARGET: Final = 50_000


def books(open_obligations: int) -> tuple[Ledger, Ledger]:
    """Funded ledgers on which so many other obligations hold units."""
    token, cash = Ledger("ST1", "issuer"), Ledger("yen", "bank")
    for firm in FIRMS:
        token.post("issuer", firm, 10**9)
        cash.post("bank", firm, 10**12)
    for number in range(open_obligations):
        seller, buyer = parties(number)
        token.hold(HoldId(f"open-{number}"), seller, buyer, 1)
    return token, cash


def parties(number: int) -> tuple[str, str]:
    """Seller and buyer of a delivery."""
    return FIRMS[number % 50], FIRMS[(number + 1 + number // 50 % 49) % 50]


def gross_posts(token: Ledger, cash: Ledger, count: int) -> None:
    """A: both legs at once."""
    for number in range(count):
        seller, buyer = parties(number)
        short = post_linked((Leg(token, seller, buyer, UNITS), Leg(cash, buyer, seller, YEN)))
        assert short is None


def holds_and_posts(token: Ledger, cash: Ledger, count: int) -> None:
    """B2: hold, hold, post, post."""
    for number in range(count):
        seller, buyer = parties(number)
        name = HoldId(f"d-{number}")
        token.hold(name, seller, buyer, UNITS)
        cash.hold(name, buyer, seller, YEN)
        cash.post_hold(name)
        token.post_hold(name)


def by_protocol(
    protocol: Protocol, names: tuple[str, ...]
) -> Callable[[Ledger, Ledger, int], None]:
    """The rows through the table of rules."""
    rules = []
    for name in names:
        origin = rules[-1].target if rules else World().state
        rules.append(next(r for r in protocol.rules if (r.name, r.origin) == (name, origin)))

    def run(token: Ledger, cash: Ledger, count: int) -> None:
        start = World()
        for number in range(count):
            terms = Terms(f"d-{number}", *parties(number), UNITS, YEN)
            one = Enactment(protocol, terms, token, cash, start)
            for rule in rules:
                assert one.take(rule.name, rule) is Answer.DONE

    return run


ROWS: Final = {
    "A, linked posts": gross_posts,
    "B2, holds": holds_and_posts,
    "A, by its protocol": by_protocol(gross(), ("settle",)),
    "B2, by its protocol": by_protocol(verified_payment(), ("deposit", "confirm", "pay", "finish")),
}


def rate(
    work: Callable[[Ledger, Ledger, int], None], count: int, open_obligations: int
) -> list[float]:
    """Deliveries a second in each round, on fresh ledgers."""
    rates = []
    for _ in range(ROUNDS):
        token, cash = books(open_obligations)
        moved = sum(account.credits_posted for account in cash.accounts.values())
        took = timed(lambda token=token, cash=cash: work(token, cash, count)).ns
        after = sum(account.credits_posted for account in cash.accounts.values())
        assert after - moved == count * YEN
        token.check_invariants()
        cash.check_invariants()
        rates.append(count * 1e9 / took)
    return rates


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(arguments).quick
    count, others = (500, 10) if quick else (50_000, 1_000)
    print(describe())
    print(f"\n{count:,} deliveries a round; deliveries a second, median (lowest-highest)")
    for name, work in ROWS.items():
        print(f"{name:<22} {spread(rate(work, count, others))}")
    print(f"\naimed at: {TARGET:,} atomic deliveries a second without signatures")


if __name__ == "__main__":
    main(sys.argv[1:])
