"""ODX's equities book: one continuous session of limit orders, self-matches stopped, total replaces."""

from script import NAME, Stage, outcome, play

from market.events import OrderCanceled, OrderReduced
from market.rulebooks import ODX_EQUITIES
from market.words import AUCTION_PHASES, OrderKind, Phase, Validity

CONTINUOUS = Phase.CONTINUOUS


def test_the_day_is_one_session_without_auctions() -> None:
    """08:20 to 16:00, and no state in which a cross runs."""
    first, last = ODX_EQUITIES.schedule.value
    assert (first.phase, first.second_of_day) == (Phase.CONTINUOUS, 8 * 3600 + 20 * 60)
    assert (last.phase, last.second_of_day) == (Phase.CLOSED, 16 * 3600)
    assert first.phase not in AUCTION_PHASES
    assert ODX_EQUITIES.order_kinds.value == (OrderKind.LIMIT,)
    assert ODX_EQUITIES.validities.value == (Validity.DAY, Validity.IOC)
    assert ODX_EQUITIES.price_decimals.value == 1


def test_orders_are_limits_of_the_day_or_immediate() -> None:
    """Market orders, fill-or-kill and orders for an auction do not exist here."""
    play(
        """
        A sell 5 @ 100000       -> rests 5
        B buy 3 market          -> INVALID_COMBINATION
        B buy 3 @ 100000 fok    -> INVALID_COMBINATION
        B buy 3 @ 100000 next   -> INVALID_COMBINATION
        B buy 8 @ 100000 ioc    -> trades 5 @ 100_000 with 1, ended 5 3 ioc_rest
        """,
        ODX_EQUITIES,
        CONTINUOUS,
    )


def test_a_self_match_takes_the_quantity_off_both_and_says_what_it_stopped() -> None:
    """The firm is compared, not the account; quantity and price prevented are reported."""
    stage = Stage(ODX_EQUITIES, CONTINUOUS)
    stage.line("A sell 5 @ 100000 acc=X")
    stage.line("B sell 4 @ 100010")

    met = stage.line("A buy 8 @ 100010 acc=Y")

    gone, reduced = met[1], met[2]
    assert isinstance(gone, OrderCanceled)
    assert isinstance(reduced, OrderReduced)
    assert (gone.order_id, gone.prevented_units, gone.prevented_price_sen) == (1, 5, 10_000_000)
    assert (reduced.order_id, reduced.prevented_units, reduced.leaves_units) == (3, 5, 3)
    assert reduced.prevented_price_sen == 10_000_000
    assert outcome(met[3:]) == "trades 3 @ 100_010 with 2, done"
    assert stage.engine.find(3) is None


def test_a_replacement_counts_what_was_filled() -> None:
    """Total 10 with 4 filled leaves 6; the replacement may trade at once and joins the back."""
    play(
        """
        A buy 8 @ 100000             -> rests 8
        B sell 4 @ 100000            -> trades 4 @ 100_000 with 1, done
        A amend 1 total 10           -> 1 is 3, rests 6
        C sell 2 @ 100010            -> rests 2
        A amend 3 @ 100010 total 10  -> 3 is 5, trades 2 @ 100_010 with 4, rests 4
        A amend 5 total 7            -> 5 is 6, rests 1
        """,
        ODX_EQUITIES,
        CONTINUOUS,
    )


def test_a_replacement_to_what_was_filled_ends_the_order() -> None:
    """Nothing more is wanted, so the order is dead; what was filled stands."""
    for total in (4, 3, 1):
        play(
            f"""
            A buy 8 @ 100000    -> rests 8
            B sell 4 @ 100000   -> trades 4 @ 100_000 with 1, done
            A amend 1 total {total} -> ended 1 4 amended
            A cancel 1          -> UNKNOWN_ORDER
            """,
            ODX_EQUITIES,
            CONTINUOUS,
        )


def test_an_invalid_replacement_takes_the_order_off() -> None:
    """A wrong price or quantity is refused and the order is gone; a halt refuses and nothing moves."""
    play(
        """
        A buy 8 @ 100000             -> rests 8
        A amend 1 @ 100005 total 9   -> BAD_TICK, ended 1 8 amend_invalid
        A buy 8 @ 100000             -> rests 8
        A amend 3 @ 200000           -> OUTSIDE_PRICE_LIMIT, ended 3 8 amend_invalid
        A buy 8 @ 100000             -> rests 8
        A amend 5 total 0            -> OUT_OF_RANGE, ended 5 8 amend_invalid
        A buy 8 @ 100000             -> rests 8
        B amend 7 total 9            -> UNKNOWN_ORDER
        halt
        A amend 7 total 9            -> NOT_TRADABLE
        resume
        A amend 7 total 9            -> 7 is 10, rests 9
        """,
        ODX_EQUITIES,
        CONTINUOUS,
    )


def test_after_a_halt_the_session_goes_on_where_it_stood() -> None:
    """Orders rest through a suspension and meet the next one as before."""
    stage = Stage(ODX_EQUITIES, CONTINUOUS)
    stage.line("A buy 8 @ 100000")
    stage.line("halt")
    stage.line("resume")
    assert stage.engine.phase(NAME) is Phase.CONTINUOUS
    assert outcome(stage.line("B sell 8 @ 100000")) == "trades 8 @ 100_000 with 1, done"
