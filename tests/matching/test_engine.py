"""The conductor: whole days, halts, base prices, and what is carried from state to state."""

from datetime import date

import pytest
from script import ISSUE, NAME, Stage, play

from market.errors import InvariantBroken
from market.events import InstrumentListed, PhaseChanged, ReferencePriceSet, Trade
from market.ids import InstrumentId
from market.instrument import Instrument
from market.quantities import Sen
from market.rulebooks import OSE, START, TSE
from market.rules import Rules
from market.words import Phase
from matching.engine import Engine

NEXT_DAY = date(2026, 11, 25)


def test_a_start_day_has_two_crosses_and_expires_the_rest() -> None:
    """START: what the morning leaves over meets the afternoon, what is left then expires."""
    play("""
        A buy  5 @ 100000
        B sell 8 @ 100000 -> rests 8
        C buy  2 market   -> rests 2
        phase PreOpenNCP
        D sell 4 @ 100500
        A cancel 1        -> NON_CANCEL_PERIOD
        phase OpeningAuction
        cross             -> 100_000: 3+2 2, 1+2 5
        phase Break
        B amend 2 x 3     -> PHASE_CLOSED
        phase PreClose
        A buy  6 @ 100500 -> rests 6
        B amend 2 x 2     -> 2 is 8, rests 2
        phase ClosingAuction
        cross             -> 100_500: 7+8 2, 7+4 4
        phase Closed
    """)


def test_a_tse_day_opens_and_closes_by_itayose_around_continuous() -> None:
    """Opening cross, continuous trading, closing cross; the last price is the day's close."""
    stage = play(
        """
        A buy  9 @ 100000
        B sell 5 @ 100000
        phase OpeningAuction
        cross             -> 100_000: 1+2 5
        phase Continuous
        C sell 2 @ 99900  -> trades 2 @ 100_000 with 1, done
        phase PreClose
        D sell 3 market   -> rests 3
        E buy  2 @ 99900  -> rests 2
        phase ClosingAuction
        cross             -> 99_900: 1+4 2, 5+4 1
        phase Closed      -> expired 5 1
        """,
        TSE,
    )
    stage.engine.close_day()
    (told,) = stage.engine.open_day(NEXT_DAY)

    assert isinstance(told, ReferencePriceSet)
    assert told.reference_price_sen == 9_990_000


@pytest.mark.parametrize(
    ("rules", "expected"),
    [(OSE, "100_000: 1+2 4, ended 1 3 market_rest"), (START, "100_000: 1+2 4")],
    ids=["ose voids", "start carries"],
)
def test_market_orders_an_auction_left_over(rules: Rules, expected: str) -> None:
    """OSE cancels them after the cross, START keeps them for the next."""
    play(
        f"""
        A buy  7 market
        B sell 4 market
        phase OpeningAuction
        cross -> {expected}
        """,
        rules,
    )


def test_orders_for_the_next_auction_end_with_it() -> None:
    """Filled or not, NEXT_AUCTION orders do not outlive one cross; a skipped cross is none."""
    play("""
        A buy  7 @ 100000 next
        B sell 4 @ 100000
        C sell 4 @ 100900 next
        halt
        phase OpeningAuction
        cross -> skipped
        phase PreClose
        resume
        phase ClosingAuction
        cross -> 100_000: 1+2 4, expired 1 3, expired 3 4
    """)


def test_continuous_after_a_skipped_cross_begins_with_one() -> None:
    """A book that would trade is crossed first; what cannot rest in Continuous then ends."""
    story = """
        A buy  5 @ 100100
        B sell 3 @ 100000
        C buy  4 market
        D buy  2 @ 99000 next
        halt
        phase OpeningAuction
        cross -> skipped
        phase Continuous
        {}
    """
    expected = "100_110: 3+2 3, ended 3 1 market_rest, expired 4 2"
    play(story.format(f"resume -> {expected}"), OSE)
    before = story.partition("phase Continuous")[0]
    play(before + f"resume\nphase Continuous -> {expected}", OSE)


def test_a_book_crossed_outside_the_limits_is_cleared_when_continuous_begins() -> None:
    """Only a base price set by hand can leave orders crossed where no price is allowed."""
    play(
        """
        A buy  5 @ 80000
        B sell 5 @ 79000
        halt
        base 120000
        phase OpeningAuction
        phase Continuous
        resume -> ended 1 5 operator, ended 2 5 operator
        """,
        TSE,
    )


def test_a_halt_in_continuous_keeps_orders_and_lets_them_leave() -> None:
    """Suspended: no entry, cancels work, and trading goes on afterwards."""
    play(
        """
        A sell 5 @ 100000
        B sell 5 @ 100100
        halt
        C buy 5 @ 100000  -> NOT_TRADABLE
        B amend 2 x 3     -> NOT_TRADABLE
        B cancel 2        -> ended 2 5 owner
        resume
        C buy 5 @ 100000  -> trades 5 @ 100_000 with 1, done
        """,
        TSE,
        Phase.CONTINUOUS,
    )


def test_the_base_price_carries_over() -> None:
    """First the issue price, then the last price of the day before, else the base before."""
    engine = Engine(START)
    engine.list_instrument(ISSUE)

    def base() -> int:
        (told,) = engine.open_day(NEXT_DAY)
        assert isinstance(told, ReferencePriceSet)
        limits = ISSUE.daily_limits(told.reference_price_sen)
        assert (told.lower_limit_sen, told.upper_limit_sen) == limits
        assert engine.last_price_sen(NAME) is None
        return told.reference_price_sen

    assert base() == ISSUE.issue_price_sen
    engine.set_reference_price(NAME, Sen(9_800_000))
    engine.close_day()
    assert base() == 9_800_000
    assert engine.reference_price_sen(NAME) == 9_800_000
    assert engine.daily_limits_sen(NAME) == ISSUE.daily_limits(Sen(9_800_000))


def test_a_day_that_is_closed_early_closes_its_issues() -> None:
    """Closing the day moves open issues to Closed, so no order is carried by accident."""
    stage = Stage()
    stage.line("A buy 5 @ 100000")

    told = stage.engine.close_day()

    assert isinstance(told[0], PhaseChanged)
    assert stage.engine.phase(NAME) is Phase.CLOSED
    assert stage.engine.state()["issues"][NAME]["book"] == {"buy": [], "sell": []}


def test_trades_are_numbered_over_all_issues() -> None:
    """One count from 1 in journal order, whatever the issue."""
    stage = play("A sell 5 @ 100000\nB buy 2 @ 100000", TSE, Phase.CONTINUOUS)
    values = {name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__}
    other = Instrument(**values | {"instrument_id": InstrumentId("ST02")})
    told = stage.engine.list_instrument(other)

    assert [type(event) for event in told] == [InstrumentListed, ReferencePriceSet]
    assert stage.engine.instrument_ids() == ["ST01", "ST02"]
    assert stage.engine.instrument(other.instrument_id) == other
    stage.line("C buy 2 @ 100000")
    numbers = [event.trade_id for event in stage.events if isinstance(event, Trade)]
    assert numbers == [1, 2]
    assert stage.engine.last_price_sen(NAME) == 10_000_000


def test_state_is_plain_and_the_same_for_the_same_commands() -> None:
    """Equal stories give equal states, made of dicts, lists, texts and whole numbers only."""
    story = """
        A buy 5 @ 100000
        B sell 3 @ 100100
        C buy 2 market
    """
    one, other = play(story).engine.state(), play(story).engine.state()

    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(type(key) is str and plain(one) for key, one in value.items())
        if isinstance(value, list):
            return all(plain(one) for one in value)
        return value is None or type(value) in (str, int, bool)

    assert one == other
    assert plain(one)
    assert play(story.strip() + "\nA cancel 1").engine.state() != one


def test_damage_between_rooms_is_noticed() -> None:
    """A lost order, a wrong limit or a crossed continuous book stops the venue."""
    stage = play("A buy 5 @ 100000\nB sell 5 @ 100100", TSE, Phase.CONTINUOUS)
    issue = stage.engine._issues[NAME]
    issue.lower_limit_sen = Sen(1)
    with pytest.raises(InvariantBroken, match="limits follow"):
        stage.engine.check_invariants()

    stage = play("A buy 5 @ 100000\nB sell 5 @ 99000", TSE, Phase.PRE_OPEN)
    issue = stage.engine._issues[NAME]
    issue.permission = issue.permissions[Phase.CONTINUOUS]
    with pytest.raises(InvariantBroken, match="not crossed"):
        stage.engine.check_invariants()
    with pytest.raises(InvariantBroken, match="after the one before"):
        stage.engine.open_day(NEXT_DAY)
