"""The account-based platform: the executed traps X1 to X13 of its public models, each closed."""

import random
from typing import Any

import pytest
from settlement_story import ST1, issue
from test_progmat_register import walk

from market.errors import InvariantBroken
from market.quantities import Units
from market.token_acts import TransferGround
from settlement.ibet.dvp import DvpState, DvpTerms, IbetDvp
from settlement.ibet.escrow import EscrowState, EscrowTerms, IbetEscrow
from settlement.ibet.register import IbetRegister
from settlement.ibet.token import IbetToken
from settlement.ledger import HoldId
from settlement.progmat.platform import Platform
from settlement.progmat.register import ProgmatRegister
from settlement.refusals import Refusal
from settlement.register import ISSUER, Register

EXPIRY = 1_000


class World:
    """Seller s with 500 units inside each exchange, buyer b, agent g, stranger x; all registered."""

    def __init__(self) -> None:
        self.token = IbetToken("T", "owner", 10_000)
        self.dvp = IbetDvp(
            self.token, "dvp", lambda terms, paper: paper == f"paid {terms.delivery_id}"
        )
        self.escrow = IbetEscrow(self.token, "escrow")
        for name in ("s", "b", "g", "x"):
            self.token.register_person(name)
        self.ok(self.token.transfer("owner", "s", 2_000))
        for exchange in (self.dvp, self.escrow):
            self.token.set_flags(tradable_exchange=exchange.address)
            self.ok(exchange.deposit("s", 500))
        self.token.set_flags(tradable_exchange="dvp")

    def terms(self, delivery_id: str = "D1", **more: Any) -> DvpTerms:
        """100 units from s to b by agent g."""
        fields: dict[str, Any] = {
            "delivery_id": delivery_id, "seller": "s", "buyer": "b", "agent": "g", "units": 100,
            "expires_at_ns": EXPIRY,
        }  # fmt: skip
        return DvpTerms(**fields | more)

    def confirmed(self, delivery_id: str = "D1", **more: Any) -> None:
        """A delivery that waits for its agent."""
        terms = self.terms(delivery_id, **more)
        self.ok(self.dvp.create("s", terms))
        self.ok(self.dvp.confirm("b", delivery_id, terms))

    def escrowed(self, escrow_id: str, units: int = 100) -> None:
        """An escrow that waits for its agent."""
        terms = EscrowTerms(
            escrow_id=escrow_id, sender="s", recipient="b", agent="g", units=units,
            expires_at_ns=EXPIRY,
        )  # fmt: skip
        self.ok(self.escrow.create("s", terms))

    def picture(self) -> tuple[object, ...]:
        """All that a refusal must leave alone."""
        return (
            dict(self.token.balances), dict(self.token.set_aside), dict(self.token.applications),
            list(self.token.notes), dict(self.dvp.balances), dict(self.dvp.commitments),
            dict(self.dvp.states), set(self.dvp.paid), dict(self.escrow.balances),
            dict(self.escrow.commitments), dict(self.escrow.states), self.token.issued_units,
        )  # fmt: skip

    def check(self) -> None:
        """Every book agrees."""
        self.token.check_invariants()
        self.dvp.check_invariants()
        self.escrow.check_invariants()

    def ok(self, answer: Refusal | None) -> None:
        """It happened."""
        assert answer is None
        self.check()

    def no(self, verb: Any, *words: Any, **more: Any) -> Refusal:
        """It was refused, and nothing moved."""
        before = self.picture()
        answer = verb(*words, **more)
        assert isinstance(answer, Refusal)
        assert self.picture() == before
        self.check()
        return answer


def test_x1_an_escrow_is_approved_once_and_moves_its_own_units() -> None:
    """A second approval takes nothing from another open escrow, which then completes."""
    world = World()
    world.token.set_flags(approval_required=True)
    world.escrowed("E1")
    world.escrowed("E2")
    world.ok(world.escrow.finish("g", "E1"))
    world.ok(world.escrow.approve("owner", "E1"))

    assert world.no(world.escrow.approve, "owner", "E1") is Refusal.ALREADY_FINAL

    world.ok(world.escrow.finish("g", "E2"))
    world.ok(world.escrow.approve("owner", "E2"))
    assert world.escrow.owned("b") == 200


@pytest.mark.parametrize("exit_by", ["approve", "decline", "cancel"])
def test_x2_a_flag_switched_between_create_and_finish_strands_nothing(exit_by: str) -> None:
    """Approval asked for after the creation: the finished escrow still has every exit."""
    world = World()
    world.escrowed("E1")
    world.token.set_flags(approval_required=True)
    world.ok(world.escrow.finish("g", "E1"))
    world.token.set_flags(approval_required=False)

    if exit_by == "cancel":
        world.ok(world.escrow.cancel("s", "E1", at_ns=EXPIRY))
    else:
        world.ok(getattr(world.escrow, exit_by)("owner", "E1"))

    assert world.escrow.owned("b") == (100 if exit_by == "approve" else 0)
    assert world.escrow.commitments["s"] == 0


@pytest.mark.parametrize("caller", ["s", "g"])
def test_x3_an_escrow_nobody_approves_is_taken_back_even_on_a_stopped_token(caller: str) -> None:
    """From the expiry on, not a tick before; a stopped token gives its units back."""
    world = World()
    world.token.set_flags(approval_required=True)
    world.escrowed("E1")
    world.ok(world.escrow.finish("g", "E1"))
    world.token.set_flags(active=False)

    before = world.no(world.escrow.cancel, caller, "E1", at_ns=EXPIRY - 1)
    assert before is Refusal.WRONG_STATE
    world.ok(world.escrow.cancel(caller, "E1", at_ns=EXPIRY))

    assert world.escrow.states["E1"] is EscrowState.CANCELED
    world.ok(world.escrow.withdraw("s", 500))


def test_x4_an_unregistered_buyer_never_becomes_owner() -> None:
    """Refused at creation, at confirmation and at the final transfer, not at the withdrawal."""
    world = World()
    stranger = world.terms(buyer="nobody")
    assert world.no(world.dvp.create, "s", stranger) is Refusal.NOT_REGISTERED
    world.confirmed()
    world.token.registered.discard("b")

    assert world.no(world.dvp.finish, "g", "D1") is Refusal.NOT_REGISTERED
    assert world.no(world.token.transfer, "s", "nobody", 1) is Refusal.NOT_REGISTERED
    assert world.no(world.token.force_transfer, "owner", "s", "nobody", 1) is Refusal.NOT_REGISTERED

    world.token.register_person("b")
    world.ok(world.dvp.finish("g", "D1"))


@pytest.mark.parametrize("same", [{"buyer": "s"}, {"agent": "s"}, {"agent": "b"}])
def test_x5_seller_buyer_and_agent_are_three(same: dict[str, str]) -> None:
    """Nobody settles with himself, and no party decides."""
    world = World()

    assert world.no(world.dvp.create, "s", world.terms(**same)) is Refusal.SAME_ACCOUNT


@pytest.mark.parametrize("caller", ["s", "b"])
def test_x6_a_silent_agent_holds_nobody_for_ever(caller: str) -> None:
    """From the expiry on either side gets out without the agent and without the other (I20)."""
    world = World()
    world.confirmed()

    early = world.no(world.dvp.cancel, caller, "D1", at_ns=EXPIRY - 1)
    assert early is Refusal.WRONG_STATE
    assert world.no(world.dvp.cancel, "x", "D1", at_ns=EXPIRY) is Refusal.NOT_VISIBLE
    world.ok(world.dvp.cancel(caller, "D1", at_ns=EXPIRY))

    assert world.dvp.balances["s"] == 500


def test_x6_what_is_paid_is_finished_by_anyone_and_never_given_back() -> None:
    """With the payment on record the silent agent is passed over, forward only (I4)."""
    world = World()
    world.confirmed()
    assert world.no(world.dvp.record_payment, "D1", "paid D2") is Refusal.BAD_SIGNATURE
    world.ok(world.dvp.record_payment("D1", "paid D1"))

    assert world.no(world.dvp.cancel, "s", "D1", at_ns=EXPIRY) is Refusal.WRONG_STATE
    assert world.no(world.dvp.abort, "g", "D1") is Refusal.WRONG_STATE
    world.ok(world.dvp.finish("x", "D1"))

    assert world.dvp.owned("b") == 100


def test_x7_a_stopped_token_refuses_the_finish_and_opens_every_exit() -> None:
    """Finish and entries refused; abort, cancel and withdrawal work."""
    world = World()
    world.confirmed("D1")
    world.ok(world.dvp.create("s", world.terms("D2")))
    world.token.set_flags(active=False)

    assert world.no(world.dvp.finish, "g", "D1") is Refusal.NOT_ACTIVE
    assert world.no(world.dvp.create, "s", world.terms("D3")) is Refusal.NOT_ACTIVE
    assert world.no(world.dvp.deposit, "s", 1) is Refusal.NOT_ACTIVE
    world.ok(world.dvp.abort("g", "D1"))
    world.ok(world.dvp.cancel("b", "D2", at_ns=0))
    world.ok(world.dvp.withdraw("s", 500))


def test_x8_an_approval_flag_switched_on_bars_the_confirmation_not_the_cancel() -> None:
    """A delivery cannot pass by an approval; its sides can leave."""
    world = World()
    world.ok(world.dvp.create("s", world.terms()))
    world.token.set_flags(approval_required=True)

    refused = world.no(world.dvp.confirm, "b", "D1", world.terms())
    assert refused is Refusal.APPROVAL_REQUIRED
    world.ok(world.dvp.cancel("s", "D1", at_ns=0))


def test_x9_a_delivery_is_finished_once_alone_or_in_bulk() -> None:
    """Twice is refused; a bulk with a repeated, a finished or no id is refused whole."""
    world = World()
    for delivery_id in ("D1", "D2", "D3"):
        world.confirmed(delivery_id)
    world.ok(world.dvp.finish("g", "D1"))

    assert world.no(world.dvp.finish, "g", "D1") is Refusal.ALREADY_FINAL
    assert world.no(world.dvp.finish_all, "g", ["D2", "D2"]) is Refusal.ALREADY_FINAL
    assert world.no(world.dvp.finish_all, "g", ["D2", "D1"]) is Refusal.ALREADY_FINAL
    assert world.no(world.dvp.finish_all, "g", []) is Refusal.BAD_AMOUNT
    world.ok(world.dvp.finish_all("g", ["D2", "D3"]))

    assert world.dvp.owned("b") == 300


def test_x10_nobody_is_pushed_into_an_exchange() -> None:
    """A forced transfer to an exchange's address would credit nobody; so would a plain one."""
    world = World()

    assert world.no(world.token.force_transfer, "owner", "s", "dvp", 10) is Refusal.BAD_COMBINATION
    assert world.no(world.token.transfer, "s", "dvp", 10) is Refusal.BAD_COMBINATION
    assert world.no(world.token.apply_for_transfer, "s", "A1", "dvp", 1) is Refusal.BAD_COMBINATION


def test_x11_flags_are_read_where_ownership_changes() -> None:
    """Untransferable, or another tradable exchange: no finish; withdrawal is an exit and works."""
    world = World()
    world.confirmed()
    world.token.set_flags(transferable=False)
    assert world.no(world.dvp.finish, "g", "D1") is Refusal.TRANSFER_RESTRICTED
    world.token.set_flags(transferable=True, tradable_exchange="escrow")
    assert world.no(world.dvp.finish, "g", "D1") is Refusal.TRANSFER_RESTRICTED

    world.ok(world.dvp.withdraw("s", 400))
    world.ok(world.dvp.abort("g", "D1"))
    world.ok(world.dvp.withdraw("s", 100))


def test_x12_the_issuer_takes_nothing_out_of_an_exchange() -> None:
    """No redemption and no forced move of what an exchange keeps: its book never exceeds it."""
    world = World()
    world.confirmed()

    assert world.no(world.token.redeem, "owner", "dvp", 10) is Refusal.BAD_COMBINATION
    assert world.no(world.token.force_transfer, "owner", "dvp", "x", 1) is Refusal.BAD_COMBINATION
    assert world.no(world.token.redeem, "owner", "s", 1_001) is Refusal.INSUFFICIENT
    assert world.no(world.token.redeem, "x", "s", 1) is Refusal.NOT_ENTITLED
    world.ok(world.token.redeem("owner", "s", 1_000))
    assert world.token.issued_units == 9_000


def test_x13_an_id_is_used_once_for_ever() -> None:
    """No stranger and no party locks it again, open or ended; nothing is created for nothing."""
    world = World()
    world.confirmed()
    theirs = world.terms(seller="x", units=1)

    assert world.no(world.dvp.create, "x", theirs) is Refusal.ID_CONFLICT
    assert world.no(world.dvp.create, "s", world.terms(units=1)) is Refusal.ID_CONFLICT
    world.ok(world.dvp.finish("g", "D1"))
    assert world.no(world.dvp.create, "x", theirs) is Refusal.ID_CONFLICT
    before = world.picture()
    world.ok(world.dvp.create("s", world.terms()))
    assert world.picture() == before, "the same again is the same, and stays finished"
    assert world.dvp.states["D1"] is DvpState.FINISHED
    assert world.no(world.dvp.create, "s", world.terms("D2", units=0)) is Refusal.BAD_AMOUNT


def test_the_buyer_confirms_what_the_ledger_says() -> None:
    """I24: terms that differ in one field are not confirmed; a stranger learns nothing."""
    world = World()
    world.ok(world.dvp.create("s", world.terms()))

    seen = world.terms(units=99)
    assert world.no(world.dvp.confirm, "b", "D1", seen) is Refusal.TERMS_MISMATCH
    assert world.no(world.dvp.confirm, "x", "D1", world.terms()) is Refusal.NOT_VISIBLE
    assert world.no(world.dvp.confirm, "x", "none", world.terms()) is Refusal.NOT_VISIBLE
    assert world.no(world.dvp.finish, "g", "D1") is Refusal.WRONG_STATE


def test_a_transfer_that_needs_approval_sets_units_aside_until_it_ends() -> None:
    """Apply, approve once or cancel; the taker is judged at the approval."""
    world = World()
    world.token.set_flags(approval_required=True)
    assert world.no(world.token.transfer, "s", "b", 10) is Refusal.APPROVAL_REQUIRED
    world.ok(world.token.apply_for_transfer("s", "A1", "b", 600))
    assert world.no(world.token.apply_for_transfer, "s", "A2", "b", 401) is Refusal.INSUFFICIENT
    assert world.no(world.token.apply_for_transfer, "s", "A1", "b", 1) is Refusal.ID_CONFLICT
    assert world.no(world.token.approve_transfer, "s", "A1") is Refusal.NOT_ENTITLED
    world.token.registered.discard("b")
    assert world.no(world.token.approve_transfer, "owner", "A1") is Refusal.NOT_REGISTERED
    world.token.register_person("b")
    world.ok(world.token.approve_transfer("owner", "A1"))

    assert world.no(world.token.approve_transfer, "owner", "A1") is Refusal.ALREADY_FINAL
    assert world.no(world.token.cancel_transfer, "s", "A1") is Refusal.ALREADY_FINAL
    assert world.no(world.token.cancel_transfer, "x", "A1") is Refusal.NOT_VISIBLE
    assert world.token.free("b") == 600


@pytest.mark.parametrize("seed", range(6))
def test_an_account_register_answers_as_a_plain_one(seed: int) -> None:
    """The same walk gives the same holders and availabilities; every book agrees (I1, I3)."""
    accounts, plain = IbetRegister(issue(ST1)), Register(issue(ST1))
    for one in (accounts, plain):
        one.post(ISSUER, "A", 500)
        one.post(ISSUER, "B", 300)

    walk(accounts, seed)
    walk(plain, seed)

    accounts.check_invariants()
    assert accounts.holders() == plain.holders()
    for owner in "ABC":
        assert accounts.available(owner) == plain.available(owner)


FLAGS: dict[str, dict[str, Any]] = {
    "stopped": {"active": False},
    "not transferable": {"transferable": False},
    "approval required": {"approval_required": True},
    "exchange replaced": {"tradable_exchange": "other"},
}


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_of_the_contract_bars_what_is_new_and_what_is_locked_but_no_return(
    flag: str,
) -> None:
    """F9, F29: the register asks the contract before it posts, so nothing stops half way; exits work."""
    one = IbetRegister(issue(ST1))
    one.post(ISSUER, "A", 500)
    for hold_id in ("H1", "H2"):
        one.hold(HoldId(hold_id), "A", "B", 100)
    one.token.set_flags(**FLAGS[flag])

    assert one.hindrance("A", "B") is not None
    assert one.hindrance("A", "B", hold_id=HoldId("H1")) is not None
    assert one.completion_hindrance("B") is not None
    before = (one.state(), one.holders(), dict(one.token.balances), dict(one.exchange.states))
    with pytest.raises(InvariantBroken):
        one.post_hold(HoldId("H1"))
    after = (one.state(), one.holders(), dict(one.token.balances), dict(one.exchange.states))
    assert after == before
    one.void_hold(HoldId("H2"))
    one.check_invariants()

    one.token.set_flags(
        active=True, transferable=True, approval_required=False, tradable_exchange="exchange"
    )
    assert one.completion_hindrance("B") is None
    one.post_hold(HoldId("H1"))
    one.check_invariants()
    assert one.holders() == [("A", 400), ("B", 100)]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_asked_a_refusal_moves_nothing_and_the_books_agree(seed: int) -> None:
    """Every verb of token, exchange and escrow with right and wrong words, in any order (I1, I3, I5, I6)."""
    world = World()
    chance = random.Random(seed)
    names = ("s", "b", "g", "x", "owner", "dvp", "escrow", "nobody")
    known: dict[str, DvpTerms] = {}
    done: set[str] = set()
    refusals: set[Refusal] = set()
    for step in range(800):
        name, other, third = (chance.choice(names) for _ in range(3))
        units: Any = chance.choice((1, 7, 100, 499, 0, -1, 10**9, 1.5, True))
        ids = tuple(f"I{step // 40}-{number}" for number in range(4))
        key = chance.choice(ids)
        usual = chance.random() < 0.6
        seller, buyer, agent = ("s", "b", "g") if usual else (name, other, third)
        units = 3 if usual else units
        terms = DvpTerms(delivery_id=key, seller=seller, buyer=buyer, agent=agent, units=units,
                         expires_at_ns=step + 40)  # fmt: skip
        escrow = EscrowTerms(escrow_id=key, sender=seller, recipient=buyer, agent=agent,
                             units=units, expires_at_ns=step + 40)  # fmt: skip
        verbs: dict[str, tuple[Any, ...]] = {
            "transfer": (world.token.transfer, name, other, units),
            "force": (world.token.force_transfer, "owner" if usual else name, name, other, units),
            "redeem": (world.token.redeem, "owner" if usual else name, name, units),
            "apply": (world.token.apply_for_transfer, seller, key, buyer, units),
            "approve": (world.token.approve_transfer, "owner" if usual else name, key),
            "end": (world.token.cancel_transfer, seller, key),
            "deposit": (chance.choice((world.dvp, world.escrow)).deposit, name, units),
            "withdraw": (chance.choice((world.dvp, world.escrow)).withdraw, name, units),
            "create": (world.dvp.create, seller, terms),
            "confirm": (world.dvp.confirm, buyer, key, known.get(key, terms)),
            "record": (world.dvp.record_payment, key, f"paid {key if usual else 'X'}"),
            "finish": (world.dvp.finish, agent, key),
            "finish all": (world.dvp.finish_all, agent, [key, chance.choice(ids)]),
            "abort": (world.dvp.abort, agent, key),
            "escrow": (world.escrow.create, seller, escrow),
            "escrow finish": (world.escrow.finish, agent, key),
            "escrow approve": (world.escrow.approve, "owner" if usual else name, key),
            "decline": (world.escrow.decline, "owner" if usual else name, key),
        }
        verb = chance.choice((*verbs, "cancel", "escrow cancel", "flags", "person"))
        before = world.picture()
        if verb == "flags":
            world.token.set_flags(
                active=chance.random() < 0.9, transferable=chance.random() < 0.9,
                approval_required=chance.random() < 0.2,
                tradable_exchange=chance.choice(("dvp", "dvp", "escrow")),
            )  # fmt: skip
            continue
        if verb == "person":
            chance.choice((world.token.register_person, world.token.forget_person))(other)
            world.token.register_person("b")
            continue
        if verb == "cancel":
            answer = world.dvp.cancel(seller, key, at_ns=step)
        elif verb == "escrow cancel":
            answer = world.escrow.cancel(seller, key, at_ns=step)
        else:
            call, *words = verbs[verb]
            answer = call(*words)
        if answer is None:
            done.add(verb)
            known.setdefault(key, world.dvp.terms.get(key, terms))
        else:
            assert world.picture() == before, f"{verb} was refused and moved something"
            refusals.add(answer)
        world.check()
    assert len(done) >= 8, sorted(done)
    assert len(refusals) >= 8, sorted(refusals)


@pytest.mark.parametrize("kind", ["plain", "progmat", "ibet"])
def test_x14_to_x16_what_is_promised_is_set_aside(kind: str) -> None:
    """A lock is a reservation, not a leave: its giver cannot take it back, use it or promise it twice.

    In contracts that only ask for an allowance, the promise failed after the secret was public.
    """
    one: Register
    if kind == "progmat":
        one = ProgmatRegister(issue(ST1), Platform())
    else:
        one = IbetRegister(issue(ST1)) if kind == "ibet" else Register(issue(ST1))
    one.post(ISSUER, "A", 100)
    one.hold(HoldId("H1"), "A", "B", 100)

    assert not one.can_give("A", 1)
    before = one.state()
    for verb in (
        lambda: one.hold(HoldId("H2"), "A", "C", 100),
        lambda: one.post("A", "C", 1),
        lambda: one.force("A", "C", Units(1), TransferGround.LEGAL_ORDER, "C-1"),
        lambda: one.redeem("A", Units(1)),
    ):
        with pytest.raises(InvariantBroken):
            verb()
        assert one.state() == before
    one.post_hold(HoldId("H1"))
    one.check_invariants()
    assert one.holders() == [("B", 100)]
