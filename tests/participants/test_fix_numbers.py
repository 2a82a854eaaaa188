"""The numbers of a session outlive its connections, and no number stands for two things."""

from hypothesis import given
from hypothesis import strategies as st

from market.ids import SessionId
from participants.fix_numbers import FixNumbers

AT = "20261126-00:00:00.000"
STEPS = st.one_of(
    st.just(("use",)),
    st.just(("reset",)),
    st.tuples(st.just("records"), st.integers(1, 4)),
    st.tuples(st.just("message"), st.binary(max_size=6)),
    st.tuples(st.just("in"), st.integers(1, 50)),
)


def numbers() -> FixNumbers:
    """Of a session that has said nothing yet."""
    return FixNumbers(SessionId("A-1"))


def take(one: FixNumbers, step: tuple[object, ...]) -> None:
    """One thing a session does."""
    match step:
        case ("use",):
            one.use()
        case ("reset",):
            one.reset()
        case ("records", int(count)):
            one.use_for_records(count, AT)
        case ("message", bytes(content)):
            one.use_for_message("j", content, AT)
        case ("in", int(number)):
            one.next_in = number


@given(st.lists(STEPS, max_size=30), st.sets(st.integers(0, 30)))
def test_what_was_kept_is_recalled_whenever_it_was_kept(
    steps: list[tuple[object, ...]], keeps: set[int]
) -> None:
    """Notes taken at any moments, played into fresh numbers, give the same numbers."""
    first, again = numbers(), numbers()
    for place, step in enumerate(steps):
        take(first, step)
        if place in keeps:
            for note in first.notes():
                again.recall(note)
    for note in first.notes():
        again.recall(note)

    assert (again.next_in, again.next_out, again.told) == (
        first.next_in,
        first.next_out,
        first.told,
    )
    for number in range(1, first.next_out):
        assert again.sent(number) == first.sent(number)
    again.check_invariants()


@given(st.lists(STEPS, max_size=30))
def test_a_record_is_sent_under_one_number_only(steps: list[tuple[object, ...]]) -> None:
    """Also over resets: places told once are never told again."""
    one = numbers()
    places: list[int] = []
    for step in steps:
        before = one.next_out
        take(one, step)
        if step[0] == "records":
            sent = [one.sent(number) for number in range(before, one.next_out)]
            places += [each.place for each in sent if each is not None]

    assert places == list(range(len(places)))


def test_a_message_in_flight_is_not_dealt_with_yet() -> None:
    """What is kept is the last number whose command is on the disk; other doors' do not count."""
    one = numbers()
    one.next_in = 5
    one.submitted(3, "n3")
    one.submitted(4, "n4")
    assert one.notes() == ["I 3"]
    one.settled("somebody-else")
    assert one.notes() == []
    one.settled("n3")
    assert one.notes() == ["I 4"]
    one.not_submitted()
    assert one.is_settled(4)
    assert one.notes() == ["I 5"]


def test_what_was_in_flight_at_a_reset_has_no_say_in_the_new_numbers() -> None:
    """An old high number kept now would make the client's next message too low after a restart."""
    one = numbers()
    one.next_in = 51
    one.submitted(50, "n50")
    one.reset()
    one.next_in = 2

    assert one.notes() == ["R 0", "I 2"]
