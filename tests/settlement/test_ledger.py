"""Double entry: what moves, what waits, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InvariantBroken
from settlement.ledger import HoldId, Ledger, Leg, post_linked

ONE = HoldId("H-1")


def ledger_with(**balances: int) -> Ledger:
    """A ledger whose source has given each owner so much."""
    ledger = Ledger("test", "source")
    for owner, amount in balances.items():
        ledger.post("source", owner, amount)
    return ledger


def test_a_post_moves_the_amount_from_giver_to_taker() -> None:
    """After a post one balance is smaller and one larger by the same amount."""
    ledger = ledger_with(ann=10)

    ledger.post("ann", "bob", 4)

    assert (ledger.balance("ann"), ledger.balance("bob")) == (6, 4)
    assert ledger.in_circulation == 10
    ledger.check_invariants()


def test_posted_totals_only_grow() -> None:
    """Giving back is a new entry, so the history of a balance stays visible."""
    ledger = ledger_with(ann=10)

    ledger.post("ann", "bob", 4)
    ledger.post("bob", "ann", 4)

    ann = ledger.accounts["ann"]
    assert (ann.debits_posted, ann.credits_posted, ann.balance) == (4, 14, 10)


@pytest.mark.parametrize(("amount", "allowed"), [(9, True), (10, True), (11, False)])
def test_nobody_gives_more_than_is_available(amount: int, allowed: bool) -> None:
    """Below and at the balance a post succeeds; above it nothing moves."""
    ledger = ledger_with(ann=10)
    before = ledger.state()

    assert ledger.can_give("ann", amount) is allowed
    if allowed:
        ledger.post("ann", "bob", amount)
        assert ledger.balance("bob") == amount
    else:
        with pytest.raises(InvariantBroken, match="I3"):
            ledger.post("ann", "bob", amount)
        assert ledger.state() == before


@pytest.mark.parametrize(("taker", "amount"), [("ann", 1), ("bob", 0), ("bob", -1)])
def test_an_entry_moves_something_to_someone_else(taker: str, amount: int) -> None:
    """Nobody gives to himself, and nothing or less is not an amount."""
    ledger = ledger_with(ann=10)
    before = ledger.state()

    with pytest.raises(InvariantBroken):
        ledger.post("ann", taker, amount)

    assert ledger.state() == before


def test_a_stranger_has_nothing_and_asking_opens_no_account() -> None:
    """Reading changes nothing."""
    ledger = ledger_with(ann=10)
    before = ledger.state()

    assert (ledger.balance("eve"), ledger.available("eve")) == (0, 0)
    assert not ledger.can_give("eve", 1)
    assert ledger.state() == before


def test_what_is_held_is_owned_but_not_available() -> None:
    """A hold takes from what can be given, not from what is owned; the taker gets nothing yet."""
    ledger = ledger_with(ann=10)

    ledger.hold(ONE, "ann", "bob", 7)

    assert (ledger.balance("ann"), ledger.available("ann")) == (10, 3)
    assert (ledger.balance("bob"), ledger.available("bob")) == (0, 0)
    assert not ledger.can_give("ann", 4)
    ledger.check_invariants()


def test_a_posted_hold_moves_what_it_held() -> None:
    """Posting a hold ends in the same balances as a direct post."""
    ledger = ledger_with(ann=10)
    ledger.hold(ONE, "ann", "bob", 7)

    ledger.post_hold(ONE)

    assert (ledger.available("ann"), ledger.available("bob")) == (3, 7)
    ledger.check_invariants()


def test_a_voided_hold_returns_everything() -> None:
    """After a void everybody has what he had before the hold."""
    ledger = ledger_with(ann=10)
    ledger.hold(ONE, "ann", "bob", 7)

    ledger.void_hold(ONE)

    assert (ledger.available("ann"), ledger.available("bob")) == (10, 0)
    ledger.check_invariants()


@pytest.mark.parametrize("first", ["post_hold", "void_hold"])
@pytest.mark.parametrize("second", ["post_hold", "void_hold"])
def test_a_hold_ends_once(first: str, second: str) -> None:
    """I5: a hold that was posted or voided can be neither again."""
    ledger = ledger_with(ann=10)
    ledger.hold(ONE, "ann", "bob", 7)
    getattr(ledger, first)(ONE)
    before = ledger.state()

    with pytest.raises(InvariantBroken, match="I5"):
        getattr(ledger, second)(ONE)

    assert ledger.state() == before


@pytest.mark.parametrize("end", ["post_hold", "void_hold", None])
def test_a_hold_id_is_used_once_for_ever(end: str | None) -> None:
    """I10: neither a live nor an ended hold gives its name to another."""
    ledger = ledger_with(ann=10)
    ledger.hold(ONE, "ann", "bob", 2)
    if end is not None:
        getattr(ledger, end)(ONE)
    before = ledger.state()

    with pytest.raises(InvariantBroken, match="I10"):
        ledger.hold(ONE, "ann", "bob", 2)

    assert ledger.state() == before


def test_linked_legs_move_together() -> None:
    """Two ledgers, two legs: both are posted."""
    units, yen = ledger_with(ann=3), ledger_with(bob=500)

    short = post_linked([Leg(units, "ann", "bob", 3), Leg(yen, "bob", "ann", 500)])

    assert short is None
    assert (units.balance("bob"), yen.balance("ann")) == (3, 500)


@pytest.mark.parametrize(("units", "yen"), [(4, 500), (3, 501), (4, 501)])
def test_one_short_leg_stops_all(units: int, yen: int) -> None:
    """When one leg cannot move, the other does not either, whichever comes first."""
    tokens, cash = ledger_with(ann=3), ledger_with(bob=500)
    before = (tokens.state(), cash.state())
    legs = [Leg(tokens, "ann", "bob", units), Leg(cash, "bob", "ann", yen)]

    for order in (legs, legs[::-1]):
        assert post_linked(order) is not None
        assert (tokens.state(), cash.state()) == before


def test_linked_legs_of_one_giver_are_counted_together() -> None:
    """Two legs that each fit but together do not are refused."""
    cash = ledger_with(ann=10)
    before = cash.state()

    short = post_linked([Leg(cash, "ann", "bob", 6), Leg(cash, "ann", "cat", 6)])

    assert short == Leg(cash, "ann", "cat", 6)
    assert cash.state() == before


def test_a_linked_leg_does_not_pay_for_another() -> None:
    """What a set brings in cannot be spent in the same set."""
    cash = ledger_with(ann=10)

    assert post_linked([Leg(cash, "ann", "bob", 10), Leg(cash, "bob", "cat", 10)]) is not None
    assert cash.balance("ann") == 10


def test_a_closed_ledger_takes_nothing_new() -> None:
    """I16: no post and no hold while closed, not even from the source."""
    ledger = ledger_with(ann=10)
    ledger.accepts_entries = False
    before = ledger.state()

    for giver in ("ann", "source"):
        with pytest.raises(InvariantBroken):
            ledger.post(giver, "bob", 1)
        with pytest.raises(InvariantBroken):
            ledger.hold(ONE, giver, "bob", 1)

    assert ledger.state() == before


@pytest.mark.parametrize("end", ["post_hold", "void_hold"])
def test_a_closed_ledger_lets_holds_end(end: str) -> None:
    """I20: an exit is never barred, and what is decided is delivered."""
    ledger = ledger_with(ann=10)
    ledger.hold(ONE, "ann", "bob", 7)
    ledger.accepts_entries = False

    getattr(ledger, end)(ONE)

    assert not ledger.live_holds
    ledger.check_invariants()


OWNERS = st.sampled_from(["ann", "bob", "cat"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["post", "hold", "post_hold", "void_hold"]),
        OWNERS,
        OWNERS,
        st.integers(1, 6),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(STEPS)
def test_random_entries_agree_with_a_list_of_entries(
    steps: list[tuple[str, str, str, int]],
) -> None:
    """Whatever is tried, balances are what the list of accepted entries says."""
    ledger = ledger_with(ann=10, bob=10, cat=10)
    posted: list[tuple[str, str, int]] = []
    holds: dict[HoldId, tuple[str, str, int]] = {}

    for number, (what, giver, taker, amount) in enumerate(steps):
        name = HoldId(f"H-{number}")
        owned = 10 + sum(a for _, t, a in posted if t == giver)
        owned -= sum(a for g, _, a in posted if g == giver)
        free = owned - sum(a for g, _, a in holds.values() if g == giver)
        assert (ledger.balance(giver), ledger.available(giver)) == (owned, free)
        if what in ("post", "hold") and giver != taker and amount <= free:
            if what == "post":
                ledger.post(giver, taker, amount)
                posted.append((giver, taker, amount))
            else:
                ledger.hold(name, giver, taker, amount)
                holds[name] = (giver, taker, amount)
        elif what in ("post_hold", "void_hold") and holds:
            oldest = next(iter(holds))
            getattr(ledger, what)(oldest)
            entry = holds.pop(oldest)
            posted += [entry] if what == "post_hold" else []
        ledger.check_invariants()

    assert ledger.in_circulation == 30


@pytest.mark.parametrize("total", ["debits_posted", "credits_posted"])
def test_a_one_sided_entry_is_noticed(total: str) -> None:
    """The ledger's own check finds an account changed without its counterpart."""
    ledger = ledger_with(ann=10)
    account = ledger.accounts["ann"]
    setattr(account, total, getattr(account, total) + 1)

    with pytest.raises(InvariantBroken):
        ledger.check_invariants()


def test_a_lost_hold_is_noticed() -> None:
    """The ledger's own check finds pending amounts no hold explains."""
    ledger = ledger_with(ann=10)
    ledger.hold(ONE, "ann", "bob", 7)
    del ledger.live_holds[ONE]

    with pytest.raises(InvariantBroken):
        ledger.check_invariants()
