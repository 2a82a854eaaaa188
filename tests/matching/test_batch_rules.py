"""The batch door where the rules remember more of an order than a kernel's node: nothing is lost."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from script import ISSUE

from market.choices import SelfMatch
from market.reasons import RejectReason
from market.rulebooks import ODX_EQUITIES, START
from market.words import Phase
from matching.batch import Batch
from matching.rows import COMMAND, EVERY_ISSUE, PHASES, REJECT_REASONS, Op, What

BASE = ISSUE.issue_price_sen
Row = dict[str, int]


def commands(*asked: Row) -> NDArray[Any]:
    """Rows by the names of their fields; what is not named is 0."""
    rows = np.zeros(len(asked), COMMAND)
    for row, values in zip(rows, asked, strict=True):
        for name, value in values.items():
            row[name] = value
    return rows


def phase(into: Phase, *, behind: bool = False) -> Row:
    """A state of the book."""
    return {"op": Op.PHASE, "quantity_units": PHASES.index(into), "side": int(behind)}


def order(order_id: int, side: int, units: int, owner: int, price_sen: int = BASE) -> Row:
    """A day limit order."""
    asked = {"op": Op.NEW, "side": side, "kind": 1, "validity": 1, "price_sen": price_sen}
    return asked | {"order_id": order_id, "quantity_units": units, "owner": owner}


OPEN_DAY: Row = {"op": Op.OPEN_DAY, "instrument": EVERY_ISSUE}


def test_a_replacement_by_total_counts_what_was_filled() -> None:
    """Four of ten are filled; a total of eight leaves four open, one of four ends the order."""
    batch = Batch(ODX_EQUITIES, [ISSUE])
    batch.run(commands(OPEN_DAY, phase(Phase.CONTINUOUS), order(1, 1, 10, 1), order(2, 2, 4, 2)))
    amend = {"op": Op.AMEND, "order_id": 1, "owner": 1}

    (amended,) = batch.run(commands(amend | {"quantity_units": 8}))
    (ended,) = batch.run(commands(amend | {"quantity_units": 4}))

    assert (amended["what"], amended["leaves_units"]) == (What.AMENDED, 4)
    assert (ended["what"], ended["units"]) == (What.CANCELED, 4)


def test_an_order_a_cross_filled_is_not_its_owners_any_more() -> None:
    """Own orders are kept apart only while they stand."""
    batch = Batch(START.replace(self_match=SelfMatch.PREVENT_FIRM), [ISSUE])
    batch.run(commands(OPEN_DAY, phase(Phase.PRE_OPEN), order(1, 1, 10, 1), order(2, 2, 6, 2)))

    (refused,) = batch.run(commands(order(3, 2, 1, 1)))
    batch.run(commands(phase(Phase.OPENING_AUCTION), {"op": Op.AUCTION}, phase(Phase.PRE_CLOSE)))
    other, still = batch.run(commands(order(4, 1, 5, 2), order(5, 2, 1, 1)))

    assert REJECT_REASONS[refused["reason"]] is RejectReason.SELF_MATCH
    assert other["what"] == What.ACCEPTED
    assert REJECT_REASONS[still["reason"]] is RejectReason.SELF_MATCH


def test_an_extended_auction_goes_on_behind_the_extension() -> None:
    """The steps of the auction's time are put off, those marked as behind it are carried out."""
    batch = Batch(START.replace(auction_extension_s=60, auction_extension_percent=1), [ISSUE])
    far = BASE + BASE // 20
    batch.run(
        commands(OPEN_DAY, phase(Phase.PRE_OPEN), order(1, 1, 3, 1, far), order(2, 2, 3, 2, far))
    )
    in_time = commands(phase(Phase.OPENING_AUCTION), {"op": Op.AUCTION})
    behind = commands(phase(Phase.OPENING_AUCTION, behind=True), {"op": Op.AUCTION, "side": 1})

    assert len(batch.run(in_time)) == 0
    whats = [What(row["what"]) for row in batch.run(behind)]

    assert whats == [What.PHASE, What.TRADE, What.AUCTION]
