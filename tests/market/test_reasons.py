"""The catalogue of refusals is complete, and stable in what clients switch on."""

import pytest

from market.reasons import CATALOGUE, CancelReason, FailReason, RejectReason

GROUPS = {
    "transport", "syntax", "session", "capacity", "identity", "entitlement", "market state",
    "values", "risk", "settlement", "defect",
}  # fmt: skip


def test_the_catalogue_has_every_code_once_in_checking_order() -> None:
    """``kitahama errors`` prints all of them, in the order of the checks."""
    assert list(CATALOGUE) == list(RejectReason)


@pytest.mark.parametrize("code", RejectReason)
def test_every_code_tells_a_person_and_a_program_what_to_do(code: RejectReason) -> None:
    """Short texts in two languages, a group, and a websocket close code where one belongs."""
    entry = CATALOGUE[code]
    assert code.value == code.name
    assert 0 < len(entry.text_en) <= 60
    assert entry.text_en.isascii()
    assert entry.text_ja
    assert not entry.text_ja.isascii() or entry.text_ja.isdigit()
    assert entry.group in GROUPS
    assert entry.close_code is None or entry.close_code in range(1000, 5000)


def test_a_changed_request_is_never_called_retryable() -> None:
    """What can only succeed with other content is not retryable; what time may cure is."""
    never = ("SCHEMA", "BAD_TICK", "BAD_LOT", "OUTSIDE_PRICE_LIMIT", "ID_CONFLICT", "DUPLICATE")
    later = ("BUSY", "NOT_READY", "PHASE_CLOSED", "NON_CANCEL_PERIOD", "INSUFFICIENT_CASH")
    assert not any(CATALOGUE[RejectReason(code)].retryable for code in never)
    assert all(CATALOGUE[RejectReason(code)].retryable for code in later)


def test_words_for_ends_and_fails_are_their_own_names() -> None:
    """On the wire they stand in lower case, as declared."""
    for word in (*CancelReason, *FailReason):
        assert word.value == word.name.lower()
