"""Signed tokens in the venue: whose keys are accepted, when, and that a replay signs the same."""

from datetime import date

import pytest
from token_story import IBET, PROGMAT, START_UNITS, A, B, TokenStory, failed_for, of

from market.commands import DepositUnits
from market.events import DeliveryState
from market.ids import ParticipantId
from market.quantities import Units
from market.reasons import FailReason, RejectReason
from market.token_acts import (
    AccountKeySet,
    ForceTransfer,
    OperatingMode,
    RenewAccountKey,
    RevokeAccountKey,
    TransferGround,
)
from settlement.keys import KeyRing
from settlement.progmat.records import Transaction
from settlement.progmat.register import ProgmatRegister
from settlement.refusals import Refusal

R, F = RejectReason, FailReason
DESIGNS = pytest.mark.parametrize("design", ["provisional_transfer", "gross_atomic"])
FIRST, NEXT, LAST = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)
DIGEST = b"\x07" * 32


def renew(firm: ParticipantId = A, first: date = FIRST, last: date = LAST) -> RenewAccountKey:
    """A new key for a firm."""
    return RenewAccountKey(participant_id=firm, valid_from=first, valid_until=last, reason="yearly")


def revoke(firm: ParticipantId = A) -> RevokeAccountKey:
    """No key for a firm."""
    return RevokeAccountKey(participant_id=firm, reason="lost")


def transactions(story: TokenStory) -> list[Transaction]:
    """Everything on the token ledger, proven genuine."""
    register = story.register(PROGMAT)
    assert isinstance(register, ProgmatRegister)
    register.platform.check_audit()
    return list(register.platform.transactions.values())


def signatures(story: TokenStory) -> list[tuple[bytes, bytes, bytes]]:
    """Under every transaction: account, node, notary."""
    return [
        (one.authority_signature, one.node_signature, one.notary_signature)
        for one in transactions(story)
    ]


@DESIGNS
@pytest.mark.parametrize("mode", OperatingMode)
def test_a_signed_delivery_carries_three_signatures(design: str, mode: OperatingMode) -> None:
    """Account, node and notary under each sale, all genuine; the ledger is that of an unsigned run."""
    signed, plain = (TokenStory(design, signed=on, mode=mode) for on in (True, False))
    for story in (signed, plain):
        delivery = story.trade(PROGMAT, A, B)
        story.run()
        assert delivery.state is DeliveryState.FINISHED
        story.replay()
    assert all(len(one) == 64 for one in signatures(signed)[-1])
    assert signatures(plain)[-1] == (b"", b"", b"")
    assert signed.core.digest() == plain.core.digest()


def test_both_operating_modes_make_the_same_ledger() -> None:
    """Who runs the nodes changes node signatures and nothing else."""
    one, two = (TokenStory(signed=True, mode=mode) for mode in OperatingMode)
    for story in (one, two):
        story.trade(PROGMAT, A, B)
        story.run()
    assert one.core.digest() == two.core.digest()
    assert signatures(one) != signatures(two)
    accounts = [[row[0] for row in signatures(story)] for story in (one, two)]
    assert accounts[0] == accounts[1]


def test_a_replay_signs_the_same_bytes() -> None:
    """Keys come from the run's id and the owner's name, as data."""
    one, two = TokenStory(signed=True), TokenStory(signed=True)
    for story in (one, two):
        story.trade(PROGMAT, A, B)
        story.run()
        story.done(renew())
    assert signatures(one) == signatures(two)
    assert of(one.events, AccountKeySet) == of(two.events, AccountKeySet)


@DESIGNS
def test_a_firm_without_a_key_delivers_nothing_until_it_has_one(design: str) -> None:
    """Its sales fail with the signature's reason, its purchases settle; nothing is allotted amiss."""
    story = TokenStory(design, signed=True)
    sells, buys = story.trade(PROGMAT, A, B), story.trade(PROGMAT, B, A)
    (told,) = story.done(revoke())
    assert isinstance(told, AccountKeySet)
    assert (told.version, told.public_key_hex) == (1, "")
    assert story.refused(revoke()) is R.DUPLICATE
    events = story.run()
    assert failed_for(events, sells) is F.SIGNATURE_REFUSED
    assert buys.state is DeliveryState.FINISHED
    story.next_day()
    (told,) = story.done(renew())
    assert isinstance(told, AccountKeySet)
    assert (told.version, len(told.public_key_hex)) == (2, 64)
    story.run()
    assert sells.state is DeliveryState.FINISHED
    assert signatures(story)
    story.replay()


@pytest.mark.parametrize("end", [revoke(), renew()])
def test_a_lock_signed_with_a_key_that_is_gone_returns(
    end: RevokeAccountKey | RenewAccountKey,
) -> None:
    """Revoked or replaced after the lock: no payment, and the cut-off returns it."""
    story = TokenStory(signed=True)
    delivery = story.trade(PROGMAT, A, B)
    story.run(0, 1)
    story.done(end)
    assert failed_for(story.run(2, 3), delivery) is F.SIGNATURE_REFUSED
    assert story.core.settlement.available_units(A, PROGMAT) == START_UNITS
    story.next_day()
    if isinstance(end, RevokeAccountKey):
        story.done(renew())
    story.run()
    assert delivery.state is DeliveryState.FINISHED


@DESIGNS
@pytest.mark.parametrize(
    ("first", "last", "settles"),
    [(FIRST, FIRST, True), (FIRST, NEXT, True), (NEXT, LAST, False)],
)
def test_a_key_signs_within_its_days(design: str, first: date, last: date, settles: bool) -> None:
    """First and last day are inside; the day before the first is not."""
    story = TokenStory(design, signed=True)
    story.done(renew(first=first, last=last))
    delivery = story.trade(PROGMAT, A, B)
    story.run()
    expected = DeliveryState.FINISHED if settles else DeliveryState.FAILING
    assert delivery.state is expected


def test_a_key_that_ran_out_signs_no_more() -> None:
    """On the day after the last its deliveries fail; other books of the firm do not mind."""
    story = TokenStory(signed=True)
    story.done(renew(first=FIRST, last=FIRST))
    story.next_day()
    late, other = story.trade(PROGMAT, A, B), story.trade(IBET, A, B)
    assert failed_for(story.run(), late) is F.SIGNATURE_REFUSED
    assert other.state is DeliveryState.FINISHED


def test_the_law_needs_the_administrator_s_key_and_not_the_holder_s() -> None:
    """A forced transfer from a firm without a key is signed and goes through."""
    story = TokenStory(signed=True)
    story.done(revoke())
    story.done(ForceTransfer(
        instrument_id=PROGMAT, giver=A, taker=B, quantity_units=Units(5),
        ground=TransferGround.LEGAL_ORDER, reference="order-1", reason="court",
    ))  # fmt: skip
    story.done(DepositUnits(
        participant_id=A, instrument_id=PROGMAT, quantity_units=Units(1), reference="more"
    ))  # fmt: skip
    assert story.units(PROGMAT, B) == START_UNITS + 5
    assert len(signatures(story)[-2][0]) == 64


@DESIGNS
def test_a_firm_whose_node_has_no_key_delivers_nothing(design: str) -> None:
    """Account and node sign with keys of their own; each is asked for, and each has a new try."""
    story = TokenStory(design, signed=True)
    sells, buys = story.trade(PROGMAT, A, B), story.trade(PROGMAT, B, A)
    story.done(RevokeAccountKey(participant_id=A, reason="stolen", node=True))
    assert failed_for(story.run(), sells) is F.SIGNATURE_REFUSED
    assert buys.state is DeliveryState.FINISHED, "the giver's node makes the transaction"
    story.next_day()
    story.done(RenewAccountKey(
        participant_id=A, valid_from=FIRST, valid_until=LAST, reason="new", node=True
    ))  # fmt: skip
    story.run()
    assert sells.state is DeliveryState.FINISHED
    keys = {one.node_key for one in transactions(story) if one.authority_key == A}
    assert keys == {"FIRM-A/node"}
    story.replay()


def test_a_lock_returns_though_its_node_has_no_key() -> None:
    """The administrator makes the transaction: an exit needs nobody's leave (I20)."""
    story = TokenStory(signed=True)
    delivery = story.trade(PROGMAT, A, B)
    story.run(0, 1)
    story.done(RevokeAccountKey(participant_id=A, reason="stolen", node=True))
    assert failed_for(story.run(2, 3), delivery) is F.SIGNATURE_REFUSED
    returned = transactions(story)[-1]
    assert (returned.info.transfer_type, returned.node_key) == ("return", "administrator")
    assert signatures(story)


def test_a_key_act_is_refused_for_the_first_reason() -> None:
    """The firm, whether anything is signed, then the days."""
    unsigned, signed = TokenStory(), TokenStory(signed=True)
    one = TokenStory(signed=True, mode=OperatingMode.API_OPENING)
    elsewhere = TokenStory(signed=True, issues=(IBET,))
    nobody = ParticipantId("NOBODY")
    assert signed.refused(renew(nobody)) is R.NOT_ENTITLED
    assert unsigned.refused(renew()) is R.ACT_UNSUPPORTED
    assert elsewhere.refused(renew()) is R.ACT_UNSUPPORTED
    node = RevokeAccountKey(participant_id=A, reason="stolen", node=True)
    assert one.refused(node) is R.ACT_UNSUPPORTED, "one operator signs for every node"
    assert signed.refused(renew(first=LAST, last=FIRST)) is R.INVALID_COMBINATION


def test_a_ring_refuses_what_is_signed_outside_the_days() -> None:
    """The same signature is good inside the days, no good outside, and good on the record."""
    ring = KeyRing("seed", signing=True)
    ring.rotate("A", "2026-11-24", "2026-11-25")
    signature = ring.sign("A", DIGEST)
    for day, refusal in (
        ("2026-11-23", Refusal.KEY_NOT_VALID),
        ("2026-11-24", None),
        ("2026-11-25", None),
        ("2026-11-26", Refusal.KEY_NOT_VALID),
    ):
        ring.business_date = day
        assert ring.refusal("A") is refusal
        assert ring.verify("A", DIGEST, signature) is (refusal is None)
        assert ring.verify_mandate("A", DIGEST, signature) is (refusal is None)
        assert ring.verify_record("A", DIGEST, signature)
    ring.rotate("A")
    assert ring.refusal("A") is None, "a key without days is always good"
