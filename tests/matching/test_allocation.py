"""Who gets the units that are too few for everyone, against a game played turn by turn."""

import random

import pytest
from oracle_book import Paper, by_share, in_turn, one_after_the_other
from script import play

from market.errors import InvariantBroken
from market.rulebooks import START, TSE
from market.rules import AuctionAllocation
from matching.allocation import Claim, allocate

ROBIN, RATA = AuctionAllocation.PARTICIPANT_ROUND_ROBIN, AuctionAllocation.PRO_RATA
TIME = AuctionAllocation.PRICE_TIME

# name: rule, trading unit, available, (firm, units) by time, shares
TABLE: dict[str, tuple[AuctionAllocation, int, int, list[tuple[str, int]], list[int]]] = {
    "one unit each in turn, the largest firm first": (
        ROBIN, 1, 5, [("A", 1), ("B", 7), ("C", 3)], [1, 2, 2],
    ),
    "the largest gets the odd unit": (ROBIN, 1, 4, [("A", 3), ("B", 7), ("C", 4)], [1, 2, 1]),
    "fewer units than firms: the largest only": (
        ROBIN, 1, 2, [("A", 3), ("B", 7), ("C", 4)], [0, 1, 1],
    ),
    "a firm's orders are added up, and served by time": (
        ROBIN, 1, 5, [("A", 2), ("B", 5), ("A", 4)], [2, 2, 1],
    ),
    "of equal firms the earlier order comes first": (
        ROBIN, 1, 3, [("A", 4), ("B", 4)], [2, 1],
    ),
    "in trading units": (ROBIN, 100, 500, [("A", 300), ("B", 900)], [200, 300]),
    "enough for all": (ROBIN, 1, 9, [("A", 4), ("B", 4)], [4, 4]),
    "nothing at all": (ROBIN, 1, 0, [("A", 4)], [0]),
    "nobody": (ROBIN, 1, 5, [], []),
    "pro rata rounds down, the rest by time": (
        RATA, 1, 5, [("A", 3), ("B", 3), ("C", 3)], [2, 2, 1],
    ),
    "pro rata in trading units": (RATA, 10, 50, [("A", 20), ("B", 80)], [10, 40]),
    "price and time": (TIME, 1, 5, [("A", 3), ("B", 3), ("C", 3)], [3, 2, 0]),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_each_rule_shares_out_as_its_text_says(case: str) -> None:
    """Hand-made cases, one for each sentence of the rules."""
    rule, lot, available, claims, shares = TABLE[case]

    assert allocate([Claim(*claim) for claim in claims], available, lot, rule) == shares


@pytest.mark.parametrize("seed", range(20))
def test_counting_turns_gives_what_playing_them_gives(seed: int) -> None:
    """The closed form and the game agree; all is handed out and nobody gets more than asked."""
    draw = random.Random(seed)
    for _ in range(200):
        lot = draw.choice((1, 2, 100))
        claims = [
            Claim(draw.choice("ABCD"), lot * draw.randint(1, 12)) for _ in range(draw.randint(0, 7))
        ]
        whole = sum(claim.units for claim in claims)
        available = lot * draw.randint(0, whole // lot + 2)
        papers = [
            Paper(number, firm, "", "buy", 1, units, "day", "", number)
            for number, (firm, units) in enumerate(claims)
        ]
        units = min(available, whole)
        for rule, slow in (
            (ROBIN, in_turn(papers, units, lot)),
            (RATA, by_share(papers, units, lot)),
            (TIME, one_after_the_other(papers, units)),
        ):
            shares = allocate(claims, available, lot, rule)
            assert [(p.number, u) for p, u in slow] == [
                (number, share) for number, share in enumerate(shares) if share
            ]
            assert sum(shares) == units


def test_a_claim_is_whole_trading_units() -> None:
    """Anything else means a check at the door was missed."""
    with pytest.raises(InvariantBroken, match="whole trading units"):
        allocate([Claim("A", 150)], 100, 100, ROBIN)


ROBIN_STORY = """
    A buy  1 @ 100000
    B buy  6 @ 100000
    C buy  3 @ 100000
    B buy  1 @ 100100
    D sell 6 @ 100000
    phase OpeningAuction
    cross -> {}
"""


@pytest.mark.parametrize(
    ("rule", "pairs"),
    [
        (TIME, "4+5 1, 1+5 1, 2+5 4"),
        (ROBIN, "4+5 1, 1+5 1, 2+5 2, 3+5 2"),
        (RATA, "4+5 1, 1+5 1, 2+5 3, 3+5 1"),
    ],
)
def test_only_the_level_that_cannot_be_filled_is_shared(
    rule: AuctionAllocation, pairs: str
) -> None:
    """A better price is filled first under every rule; at the price the preset decides."""
    rules = START.replace(auction_allocation=rule)

    play(ROBIN_STORY.format(f"100_000: {pairs}"), rules)


def test_at_the_close_orders_of_the_pre_closing_come_after_those_already_there() -> None:
    """TSE: orders on the book at 15:25 are simultaneous; later ones follow by time."""
    play(
        """
        phase Continuous
        A buy  4 @ 99900
        B buy  2 @ 99900
        phase PreClose
        C buy  9 @ 99900
        D sell 7 @ 99900
        phase ClosingAuction
        cross -> 99_900: 1+4 4, 2+4 2, 3+4 1
        """,
        TSE,
    )
