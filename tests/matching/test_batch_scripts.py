"""The batch door on the scripts for books: every rulebook and choice, bands of 3 to 8,200 prices.

How a script is played on both, and what is compared: tests/batch_beside.py. ``make stress`` plays on.
"""

from typing import Any

import numpy as np
import pytest
from batch_beside import parted_door, race_door, shortest_door
from book_scripts import BANDS, FOUND, RULEBOOKS, WIDE, from_text, issue_of
from planting import planted
from side_by_side import told_of

from market.errors import BadInput
from market.ids import InstrumentId
from market.rulebooks import OSE
from market.words import Phase
from matching import batch as batch_module
from matching.batch import Batch
from matching.kernel import ENTRIES_MAX, IS_COMPILED
from matching.rows import COMMAND, EVERY_ISSUE, PHASES, REJECT_REASONS, Op, What

SCRIPTS_EACH = 15 if IS_COMPILED else 1


def told(
    seed: int, *, indicative: bool, length: int = 1_500, bands: tuple[int, ...] = BANDS
) -> Any:
    """Play one seed; the event rows, or a failure with a shrunk script."""
    script, found, rows = race_door(seed, indicative=indicative, length=length, bands=bands)
    if found is not None:
        short = shortest_door(script, indicative=indicative)
        again = parted_door(short, indicative=indicative)
        assert again is not None
        pytest.fail(f"seed {seed}\n{told_of(short, again)}", pytrace=False)
    return np.concatenate(rows)


@pytest.mark.parametrize("indicative", [False, True], ids=["silent", "indicative"])
@pytest.mark.parametrize("part", range(3))
def test_the_door_says_what_the_engine_says_of_a_script(part: int, *, indicative: bool) -> None:
    """Every field of every row and every queue, in one call, in pieces and one command a call."""
    rows = [
        told(seed, indicative=indicative)
        for seed in range(part * SCRIPTS_EACH, (part + 1) * SCRIPTS_EACH)
    ]

    assert (np.concatenate(rows)["what"] == What.TRADE).sum() > 30 * SCRIPTS_EACH


@pytest.mark.parametrize("band", [*BANDS, *WIDE])
def test_the_door_is_right_on_bands_about_a_machine_word(band: int) -> None:
    """Short days on two issues of one width: below, at and above words, and words of words."""
    rows = [
        told(seed, indicative=False, length=250, bands=(band,)) for seed in range(70_000, 70_006)
    ]

    assert (np.concatenate(rows)["what"] == What.ACCEPTED).sum() > 100


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_a_script_that_failed_on_a_book_runs_through_the_door(path: Any) -> None:
    """tests/found/ holds for every way into the books."""
    script = from_text(path.read_text(encoding="utf-8"))

    assert parted_door(script, indicative=True) is None


def opened(*, two_ticks: bool = False) -> Batch:
    """One issue of 129 prices in Continuous."""
    issue = issue_of(InstrumentId("ONE"), 129, two_ticks=two_ticks)
    batch = Batch(OSE, [issue])
    batch.act(Op.OPEN_DAY)
    batch.act(Op.PHASE, value=PHASES.index(Phase.CONTINUOUS))
    batch.drop_rows()
    return batch


def rows(**fields: int) -> Any:
    """One day limit order, but for what is named."""
    one = np.zeros(1, COMMAND)
    plain = {"op": Op.NEW, "side": 1, "kind": 1, "validity": 1, "order_id": 1, "owner": 1,
             "price_sen": 99_990, "quantity_units": 4}  # fmt: skip
    for name, value in (plain | fields).items():
        one[name] = value
    return one


@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize("price", [100_010, 100_030])
def test_a_price_just_above_the_end_of_a_tick_row_is_off_the_grid(price: int, side: int) -> None:
    """Ten yen steps end at the boundary; what lies before the first coarse price is no price."""
    batch = opened(two_ticks=True)

    (said,) = batch.run(rows(side=side, price_sen=price))

    assert (What(said["what"]), REJECT_REASONS[said["reason"]].name) == (  # type: ignore[union-attr]
        What.REJECTED, "BAD_TICK")  # fmt: skip
    assert batch.kernel.live == 0


BAD = {
    "an op there is not": ({"op": 77}, "UNKNOWN_TYPE"),
    "a side there is not": ({"side": 3}, "SCHEMA"),
    "a kind there is not": ({"kind": 255}, "SCHEMA"),
    "a validity there is not": ({"validity": 8}, "SCHEMA"),
    "a self-trade mode there is not": ({"self_trade": 200}, "SCHEMA"),
    "an issue before the first": ({"instrument": -1}, "UNKNOWN_INSTRUMENT"),
    "an issue behind the last": ({"instrument": 1}, "UNKNOWN_INSTRUMENT"),
    "an issue far away": ({"instrument": (1 << 31) - 1}, "UNKNOWN_INSTRUMENT"),
    "a negative id": ({"order_id": -1}, "OUT_OF_RANGE"),
    "an id far below": ({"order_id": -(1 << 62)}, "OUT_OF_RANGE"),
    "a cancel far below": ({"op": Op.CANCEL, "order_id": -(1 << 62)}, "UNKNOWN_ORDER"),
    "an amendment far below": ({"op": Op.AMEND, "order_id": -(1 << 62)}, "UNKNOWN_ORDER"),
    "a phase there is not": ({"op": Op.PHASE, "quantity_units": 99}, "OUT_OF_RANGE"),
    "a phase of no issue": ({"op": Op.PHASE, "instrument": 9}, "UNKNOWN_INSTRUMENT"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_codes_and_numbers_out_of_range_have_one_answer_each(case: str) -> None:
    """One refusal, and nothing moved."""
    fields, reason = BAD[case]
    batch = opened()

    (said,) = batch.run(rows(**fields))

    assert What(said["what"]) is What.REJECTED
    assert REJECT_REASONS[said["reason"]].name == reason  # type: ignore[union-attr]
    assert batch.kernel.live == 0
    batch.check_invariants()


@pytest.mark.parametrize("order_id", [(1 << 30) + 1, (1 << 31) + 1, 1 << 40, (1 << 63) - 1])
@pytest.mark.parametrize("door", ["run", "submit", "trades_of"])
def test_an_id_beyond_all_is_refused_at_every_door_before_memory_grows(
    door: str, order_id: int
) -> None:
    """Ids index an array: a slip must not ask for terabytes."""
    batch = opened()

    if door == "run":
        asked: tuple[Any, ...] = (np.concatenate([rows(), rows(order_id=order_id)]),)
    else:
        asked = (Op.NEW, 1, 1, 1, 0, order_id, 99_990, 4, 1)
    ask = batch.run if door == "run" else getattr(batch.kernel, door)

    with pytest.raises(BadInput):
        ask(*asked)

    assert batch.kernel.live == 0
    assert len(batch.run(rows())) == 1


def test_times_that_go_back_or_are_too_few_are_refused() -> None:
    """Nothing runs on a clock that is not one."""
    batch = opened()
    two = np.concatenate([rows(), rows(order_id=2)])

    for times in ([5, 4], [5], [5, 6, 7]):
        with pytest.raises(BadInput):
            batch.run(two, np.array(times, np.int64))

    assert batch.kernel.live == 0


def test_a_renewed_quote_stands_with_the_row_whose_time_came() -> None:
    """A renewal's rows carry the same command number in one long call as in short ones."""
    whole = told(5, indicative=False)  # under "tse, narrow": parted in one call once

    assert (whole["what"] == What.QUOTE).any()


def test_every_issue_is_closed_before_the_next_one_tells() -> None:
    """The end of a day tells one issue whole, indicative price included, then the next."""
    issues = [issue_of(InstrumentId(name), 65) for name in ("ONE", "TWO")]
    batch = Batch(RULEBOOKS["start"], issues, indicative=True)
    batch.act(Op.OPEN_DAY)
    batch.act(Op.PHASE, EVERY_ISSUE, PHASES.index(Phase.PRE_OPEN))
    for number in (0, 1):
        for side in (1, 2):
            order_id = 1 + 2 * number + side
            batch.run(rows(instrument=number, side=side, order_id=order_id, owner=side))

    batch.act(Op.CLOSE_DAY)
    said = batch.run(np.zeros(0, COMMAND))

    assert said["instrument"].tolist() == sorted(said["instrument"].tolist())
    assert (said["what"] == What.INDICATIVE).sum() == len(issues)


def test_when_times_have_run_out_ids_are_forgotten_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many places no row is taken, in either door, until :meth:`Batch.forget`."""
    plain = planted("matching/kernel.py")
    monkeypatch.setattr(batch_module, "Kernel", plain.Kernel)
    monkeypatch.setattr(batch_module, "KernelBook", plain.KernelBook)
    batch = opened()
    setattr(batch.kernel, "entries", ENTRIES_MAX)  # noqa: B010  no reader needs it

    with pytest.raises(BadInput, match="forgotten"):
        batch.run(rows())
    with pytest.raises(BadInput, match="forgotten"):
        batch.kernel.submit(*(int(one) for one in rows()[0].tolist()[:10]))
    batch.forget()
    (said,) = batch.run(rows())

    assert said["what"] == What.ACCEPTED
    assert batch.kernel.live == 1


def test_times_that_begin_anew_make_no_new_order_simultaneous() -> None:
    """What was on the book when an itayose began says nothing of orders after :meth:`Batch.forget`."""
    batch = opened()
    issue = batch.engine.issue(InstrumentId("ONE"))
    issue.simultaneous_to = 7

    batch.forget()

    assert issue.simultaneous_to == 0
