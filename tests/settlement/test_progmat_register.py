"""The token register: tokens and accounts say the same, under every verb of a ledger."""

import json
import random
from hashlib import sha256

import pytest
from settlement_story import ISSUED_UNITS, ST1, issue

from market.errors import InvariantBroken
from market.token_acts import OperatingMode, Station
from settlement.ledger import HoldId
from settlement.progmat.platform import Platform
from settlement.progmat.records import TransferType, reference
from settlement.progmat.register import ProgmatRegister
from settlement.progmat.seals import path, root, root_from
from settlement.refusals import Refusal
from settlement.register import ISSUER, Register


def register(
    *, signing: bool = False, mode: OperatingMode = OperatingMode.NODE_OPENING
) -> ProgmatRegister:
    """An issue of 1,000 units of which A has 500 and B 300."""
    made = ProgmatRegister(issue(ST1), Platform(mode, signing=signing))
    made.post(ISSUER, "A", 500)
    made.post(ISSUER, "B", 300)
    return made


def walk(one: Register, seed: int, steps: int = 300) -> None:
    """A random walk over every verb that would succeed."""
    chance = random.Random(seed)
    holds: list[HoldId] = []
    for step in range(steps):
        giver, taker = chance.sample(["A", "B", "C"], 2)
        units = chance.randint(1, 120)
        verb = chance.randrange(4)
        if verb == 0 and one.can_give(giver, units):
            one.post(giver, taker, units)
        elif verb == 1 and one.can_give(giver, units):
            holds.append(HoldId(f"H-{step}"))
            one.hold(holds[-1], giver, taker, units)
        elif holds:
            hold_id = holds.pop(chance.randrange(len(holds)))
            (one.post_hold if verb == 2 else one.void_hold)(hold_id)


@pytest.mark.parametrize("seed", range(8))
def test_a_token_register_answers_as_a_plain_one(seed: int) -> None:
    """The same walk gives the same holders and availabilities; every invariant holds (I1, I3)."""
    tokens, plain = register(), Register(issue(ST1))
    plain.post(ISSUER, "A", 500)
    plain.post(ISSUER, "B", 300)

    walk(tokens, seed)
    walk(plain, seed)

    tokens.check_invariants()
    tokens.platform.check_audit()
    assert tokens.holders() == plain.holders()
    for owner in "ABC":
        assert tokens.available(owner) == plain.available(owner)


def test_both_operating_modes_make_the_same_ledger() -> None:
    """4.0 and 5.0 differ in whose key signs, and in nothing the ledger says."""
    one = register(mode=OperatingMode.API_OPENING, signing=True)
    two = register(mode=OperatingMode.NODE_OPENING, signing=True)

    walk(one, 1, 60)
    walk(two, 1, 60)

    assert one.state() == two.state()
    assert list(one.platform.transactions) == list(two.platform.transactions)
    assert {t.node_key for t in one.platform.transactions.values()} == {"operator"}
    assert "A" in {t.node_key for t in two.platform.transactions.values()}
    one.platform.check_audit()
    two.platform.check_audit()


def test_signing_changes_no_answer() -> None:
    """The fast path and the signed one make the same tokens."""
    fast, signed = register(), register(signing=True)

    walk(fast, 2, 60)
    walk(signed, 2, 60)

    assert fast.state() == signed.state()


def test_locked_units_count_for_the_deliverer_at_the_record_date() -> None:
    """I13: the register of a record date names the seller of a provisional transfer, once."""
    one = register()
    one.hold(HoldId("H"), "A", "B", 200)

    told = one.run_record_date("2026-11-26")
    one.post_hold(HoldId("H"))

    assert told == [("A", 500), ("B", 300)]
    assert one.run_record_date("2026-11-26") == told
    assert one.run_record_date("2026-11-27") == [("A", 300), ("B", 500)]
    assert sum(units for _, units in told) == ISSUED_UNITS - one.unissued_units


def test_a_record_date_is_run_while_the_station_is_open_or_in_batch() -> None:
    """I13, I16: elsewhere the run is refused and nothing is written; what was written is nobody's to change."""
    one = register()
    platform = one.platform
    expected = {
        Station.CLOSING: False, Station.CLOSED: False, Station.BATCH: True,
        Station.OPENING: False, Station.EMERGENCY: False,
    }  # fmt: skip
    for day, (station, runs) in enumerate(expected.items()):
        assert platform.switch_station(station, actor="ops", reason="test") is None
        told = one.run_record_date(f"2026-11-0{day + 1}")
        assert (told is Refusal.STATION_NOT_OPEN) is not runs
    assert list(one.record_dates) == ["2026-11-03"]

    told = one.run_record_date("2026-11-03")
    assert isinstance(told, list)
    told.clear()
    assert one.run_record_date("2026-11-03") == [("A", 500), ("B", 300)]


def test_terms_other_than_those_signed_are_noticed() -> None:
    """I24: a transaction under the mandate of another one does not pass the audit."""
    one = register(signing=True)
    platform = one.platform
    platform.check_audit()
    first = next(made for made in platform.transactions.values() if made.info.to_investor_id == "A")
    second = next(
        made for made in platform.transactions.values() if made.info.to_investor_id == "B"
    )
    accepted = platform.accept(
        (reference(second.tx_id, 1),),
        second.outputs,
        second.info,
        mandate=first.mandate,
        authority_key=first.authority_key,
        authority_signature=first.authority_signature,
    )
    assert not isinstance(accepted, Refusal)
    with pytest.raises(InvariantBroken, match="I24"):
        platform.check_audit()


def test_a_hold_ends_once_and_its_id_is_spent() -> None:
    """I5, I10: no second posting, no void after it, no second hold of the name."""
    one = register()
    one.hold(HoldId("H"), "A", "B", 200)
    one.post_hold(HoldId("H"))
    before = one.state()

    for verb in (one.post_hold, one.void_hold):
        with pytest.raises(InvariantBroken, match="I5"):
            verb(HoldId("H"))
    with pytest.raises(InvariantBroken, match="I10"):
        one.hold(HoldId("H"), "A", "B", 1)

    assert one.state() == before


def test_a_custodian_that_keeps_something_else_is_noticed() -> None:
    """I22: an omnibus figure moved without its clients breaks the check."""
    one = register()
    one.check_invariants()

    one.platform.omnibus["A", ST1] += 1

    with pytest.raises(InvariantBroken, match="I22"):
        one.check_invariants()


def test_a_changed_transaction_is_noticed() -> None:
    """I17: content, id and signatures hang together."""
    one = register(signing=True)
    one.platform.check_audit()
    tx_id, last = list(one.platform.transactions.items())[-1]
    fields = {name: getattr(last, name) for name in last.__struct_fields__}

    one.platform.transactions[tx_id] = type(last)(**fields | {"node_signature": bytes(64)})
    with pytest.raises(InvariantBroken, match="signature"):
        one.platform.check_audit()

    one.platform.transactions[tx_id] = type(last)(**fields | {"outputs": ()})
    with pytest.raises(InvariantBroken, match="hash"):
        one.platform.check_audit()


@pytest.mark.parametrize("mode", OperatingMode)
def test_a_batch_has_one_seal_for_each_key_and_the_same_ledger(mode: OperatingMode) -> None:
    """Ids, tokens and registers are as without a batch; every signature verifies in an audit."""
    batched, single = register(signing=True, mode=mode), register(signing=True, mode=mode)
    for _ in range(2):
        batched.platform.begin_batch()
        batched.post("A", "B", 5)
        batched.post("B", "A", 3)
        batched.post("A", "C", 1)
        batched.platform.end_batch()
        single.post("A", "B", 5)
        single.post("B", "A", 3)
        single.post("A", "C", 1)

    batched.check_invariants()
    batched.platform.check_audit()
    assert list(batched.platform.transactions) == list(single.platform.transactions)
    assert batched.holders() == single.holders()
    keys = [seal.key for seal in batched.platform.seals]
    assert keys == (["operator"] if mode is OperatingMode.API_OPENING else ["A", "notary", "B"]) * 2


def test_a_transaction_dropped_from_a_seal_is_noticed() -> None:
    """I17: a seal without one of its ids no longer verifies."""
    one = register(signing=True)
    one.platform.begin_batch()
    one.post("A", "B", 5)
    one.post("A", "B", 6)
    one.platform.end_batch()
    one.platform.check_audit()
    first = one.platform.seals[0]

    one.platform.seals[0] = type(first)(
        key=first.key, tx_ids=first.tx_ids[:1], signature=first.signature
    )

    with pytest.raises(InvariantBroken, match="signature"):
        one.platform.check_audit()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 9, 17])
def test_an_id_and_its_path_lead_to_the_root_and_no_other_id_does(size: int) -> None:
    """Each place of trees of every shape; a foreign id and a foreign place fail."""
    ids = [f"{number:064x}" for number in range(size)]
    for position, tx_id in enumerate(ids):
        steps = path(ids, position)
        assert root_from(tx_id, steps) == root(ids)
        assert root_from(f"{size:064x}", steps) != root(ids)
        for other in ids:
            assert (root_from(other, steps) == root(ids)) == (other == tx_id)


def test_a_key_revoked_inside_a_batch_seals_what_was_taken_before() -> None:
    """F22: what the node made while its key was good becomes final; nothing more is taken."""
    one = register(signing=True)
    one.platform.begin_batch()
    one.post("A", "B", 5)
    one.platform.keys.revoke("A")
    before = one.state()
    with pytest.raises(InvariantBroken, match="accepted"):
        one.post("A", "B", 5)
    assert one.state() == before
    one.platform.end_batch()

    assert one.balance("B") == 305
    one.check_invariants()
    one.platform.check_audit()


def test_an_id_can_be_computed_again_with_the_standard_library() -> None:
    """Who has the content of a transaction needs no code of ours to name it."""
    one = register(signing=True)
    walk(one, 3, 40)

    for tx_id, made in one.platform.transactions.items():
        info = made.info
        content = [
            list(made.inputs),
            [[token.owner, token.quantity_units, token.hold_id] for token in made.outputs],
            info.trade_id, info.instrument_id, info.creator_id, info.from_investor_id,
            info.to_investor_id, info.quantity_units, info.delivery_date,
            info.transfer_type.value, info.cancel_target_trade_id, info.registered_at,
            info.registered_by, info.authority, made.mandate.hex(),
        ]  # fmt: skip
        text = json.dumps(content, separators=(",", ":"))
        assert sha256(text.encode()).hexdigest() == tx_id


def test_tokens_are_spent_oldest_first_and_those_named_are_passed_over() -> None:
    """What was named and spent out of turn is not chosen again when its turn comes."""
    one = ProgmatRegister(issue(ST1), Platform())
    for _ in range(4):
        one.post(ISSUER, "A", 10)
    coins = [name for name, token in one.unspent.items() if token.owner == "A"]

    assert one.move(TransferType.FOP, "A", "B", 10, inputs=(coins[1],)) is None
    assert one.move(TransferType.FOP, "A", "B", 10, inputs=(coins[0],)) is None
    one.post("A", "B", 15)

    last = next(reversed(one.platform.transactions.values()))
    assert list(last.inputs) == coins[2:]
    assert one.unspent[reference(last.tx_id, 1)].quantity_units == 5
    one.check_invariants()
    with pytest.raises(InvariantBroken):
        one.post("A", "B", 6)
    one.check_invariants()


def test_spending_looks_at_each_token_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred tokens spent one by one: the looks at tokens grow as the tokens, not squared."""
    one = ProgmatRegister(issue(ST1), Platform())
    for _ in range(200):
        one.post(ISSUER, "A", 1)
    looks = 0

    class Counted(dict[str, object]):
        """Counts reads."""

        def get(self, name: str, instead: object = None) -> object:
            nonlocal looks
            looks += 1
            return super().get(name, instead)

        def __contains__(self, name: object) -> bool:
            nonlocal looks
            looks += 1
            return super().__contains__(name)

    monkeypatch.setattr(one.coins, "unspent", Counted(one.unspent))

    for _ in range(200):
        one.post("A", "B", 1)

    assert looks <= 4 * 200
