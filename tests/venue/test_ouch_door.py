"""OUCH over real sockets: the same market as at the other doors, told once and in order."""

import asyncio
import hashlib
import itertools
from pathlib import Path

import pytest
from house import order
from ouch_house import DAY, Line, OuchHouse, enter, replace, talk

from feeds import soup
from feeds.soup import Packet
from market.business_days import next_business_day
from market.commands import CloseDay, Halt, Kill, NewOrder, OpenDay, Resume, RevokeKey
from market.events import OrderAccepted, RequestRejected
from market.ids import ClientOrderId, InstrumentId, KeyId, ParticipantId, SessionId
from market.quantities import Sen, Units
from market.words import OrderKind, Phase, Side
from participants import ouch
from participants.ouch_session import OuchSettings
from venue import soup_line

pytestmark = pytest.mark.processes

ST01 = InstrumentId("ST01")
SECRET = {KeyId("key-A-1"): hashlib.sha256(b"secret").hexdigest()}
START = 1  # the day's first message, S, is number 1


def letters(told: list[ouch.Outbound]) -> str:
    """The types of messages, in order."""
    return "".join(chr(ouch.encode(message)[0]) for message in told)


async def traded(house: OuchHouse, units: int = 4) -> tuple[Line, Line]:
    """A's buy of 10, token 1, of which B bought nothing but sold ``units``."""
    buyer, seller = await house.line("A1"), await house.line("B1")
    await buyer.ask(enter(1))
    await seller.ask(enter(1, side="S", quantity_units=units), count=2)
    await buyer.hear()
    return buyer, seller


# --- entering


def test_an_order_is_accepted_with_what_it_carries(tmp_path: Path) -> None:
    """Everything it said comes back, with the number it has in the feeds, and it rests."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        (told,) = await line.ask(enter(1))
        assert isinstance(told, ouch.Accepted)
        (number,) = house.open_orders()
        assert told == ouch.Accepted(
            told.at_ns, 1, "ref-1", "B", 10, "ST01", "DAY", 1_000_000, ouch.DAY, "FA", "P", "A",
            number, 0, ouch.LIVE, "1", "1",
        )  # fmt: skip

    talk(tmp_path, story)


def test_both_sides_of_a_trade_are_told_with_one_match_number(tmp_path: Path) -> None:
    """The resting order added liquidity, the other one removed it."""

    async def story(house: OuchHouse) -> None:
        buyer, seller = await house.line("A1"), await house.line("B1")
        await buyer.ask(enter(1))
        accepted, sold = await seller.ask(enter(1, side="S", quantity_units=4), count=2)
        (bought,) = await buyer.hear()
        assert isinstance(accepted, ouch.Accepted)
        assert isinstance(sold, ouch.Executed)
        assert isinstance(bought, ouch.Executed)
        assert (sold.quantity_units, sold.price_points, sold.liquidity) == (4, 1_000_000, "R")
        assert bought == sold._replace(liquidity="A")

    talk(tmp_path, story)


def test_an_order_of_another_door_is_not_told_by_ouch(tmp_path: Path) -> None:
    """What FIX carries with an order (its capacity) is not taken for an OUCH order, good or bad."""

    async def story(house: OuchHouse) -> None:
        line = await house.line("A1")
        await line.ask(enter(1))
        who = house.core.participants.sessions[SessionId("A-1")]
        for name, issue in (("n-x", "ST01"), ("n-y", "NONE")):
            command = NewOrder(
                participant_id=who.participant_id, session_id=who.session_id,
                generation=who.generation, req_id=name, client_order_id=ClientOrderId(name),
                instrument_id=InstrumentId(issue), side=Side.BUY, kind=OrderKind.LIMIT,
                price_sen=Sen(10_000_000), quantity_units=Units(10), carried="A",
            )  # fmt: skip
            (event,) = [
                each
                for each in await house.do(command)
                if isinstance(each, OrderAccepted | RequestRejected)
            ]
            assert isinstance(event, OrderAccepted) is (issue == "ST01")
        (told,) = await line.ask(enter(2))
        assert isinstance(told, ouch.Accepted)
        assert told.token == 2

    talk(tmp_path, story)


WRONG_FIELDS = {
    "a reference outside ASCII": ({"reference": "é"}, "O"),
    "no side": ({"side": " "}, "Y"),
    "an unknown side": ({"side": "X"}, "Y"),
    "no quantity": ({"quantity_units": 0}, "Z"),
    "a quantity beyond the book's": ({"quantity_units": 2**31}, "Z"),
    "an unknown book": ({"book": "NONE"}, "S"),
    "no book": ({"book": ""}, "S"),
    "another group": ({"group": "NGHT"}, "S"),
    "no price": ({"price_points": 0}, "X"),
    "a market order": ({"price_points": 0x7FFFFFFF}, "X"),
    "a price beyond 32 bits of sen": ({"price_points": 2**32 - 1}, "X"),
    "another time in force": ({"time_in_force": 99_998}, "Y"),
    "a firm that cannot be printed": ({"firm": "\x00\x01"}, "L"),
    "another display": ({"display": "N"}, "D"),
    "another capacity": ({"capacity": "R"}, "Y"),
    "no capacity": ({"capacity": ""}, "Y"),
    "a minimum quantity": ({"minimum_units": 1}, "N"),
    "a class that is not one": ({"classification": "2"}, "Y"),
    "cash-margin out of range": ({"cash_margin": "6"}, "G"),
    "off the tick": ({"price_points": 999_999}, "X"),
    "beyond the daily limit": ({"price_points": 1_500_000}, "X"),
    "more than a share of the issue": ({"quantity_units": 3_001}, "Z"),
    "more than there is cash for": ({"quantity_units": 3_000, "price_points": 1_300_000}, ""),
    "a sell of more than is held": ({"side": "S", "quantity_units": 2_999, "book": "ST02"}, ""),
    "a short sale": ({"side": "T"}, "i"),
    "a short sale exempt": ({"side": "E"}, "i"),
    "two things wrong, the first counts": ({"quantity_units": 0, "display": "N"}, "Z"),
}


@pytest.mark.parametrize("wrong", [name for name, (_, letter) in WRONG_FIELDS.items() if letter])
def test_an_order_that_is_refused_is_told_the_letter_of_it(tmp_path: Path, wrong: str) -> None:
    """Nothing moves, and the token is used up."""
    changes, letter = WRONG_FIELDS[wrong]

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        before = house.market()
        (told,) = await line.ask(enter(5, **changes))
        assert told == ouch.Rejected(told.at_ns, 5, letter)
        assert house.market() == before
        line.say(enter(5))
        await line.nothing()
        assert house.market() == before

    talk(tmp_path, story)


def test_credit_and_holdings_are_the_markets_to_judge(tmp_path: Path) -> None:
    """More than there is cash for is V; more than is held is i."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        first = [enter(n, quantity_units=3_000) for n in range(1, 7)]
        told = await line.ask(*first)
        assert letters(told) == "AAAAAA"
        poor, _ = await line.ask(
            enter(7, quantity_units=3_000, book="ST02"),
            enter(8, quantity_units=3_000, side="S", price_points=1_010_000, book="ST02"),
        )
        assert poor == ouch.Rejected(poor.at_ns, 7, "V")
        (bare,) = await line.ask(
            enter(9, quantity_units=1_001, side="S", price_points=1_010_000, book="ST02")
        )
        assert bare == ouch.Rejected(bare.at_ns, 9, "i")

    talk(tmp_path, story)


def test_a_suspended_issue_refuses_orders_and_keeps_those_it_has(tmp_path: Path) -> None:
    """H for an order and for a replace, which then does not cancel; a cancel works."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1))
        await house.do(Halt(instrument_id=ST01, reason="news"))
        told = await line.ask(enter(2), replace(1, 3), ouch.Cancel(1, 0))
        times = {message.at_ns for message in told if not isinstance(message, ouch.Canceled)}
        assert len(times) <= 2
        assert told[0][1:] == (2, "H")
        assert told[1][1:] == (3, "H")
        assert told[2][1:] == (1, 10, "U")
        await house.do(Resume(instrument_id=ST01))
        assert letters(await line.ask(enter(4))) == "A"

    talk(tmp_path, story)


def test_outside_the_hours_nothing_is_accepted(tmp_path: Path) -> None:
    """R: the venue is there and does not trade."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await house.phase(Phase.CLOSED)
        (told,) = await line.ask(enter(1))
        assert told == ouch.Rejected(told.at_ns, 1, "R")

    talk(tmp_path, story)


def test_a_firm_that_was_stopped_is_told_so(tmp_path: Path) -> None:
    """Its orders go with S, new ones are refused with c."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1))
        session = house.session("A-1")
        kill = Kill(
            participant_id=ParticipantId("FIRM-A"), session_id=session.session_id,
            generation=session.generation, req_id="kill",
        )  # fmt: skip
        await house.do(kill)
        (gone,) = await line.hear()
        assert gone == ouch.Canceled(gone.at_ns, 1, 10, "S")
        (told,) = await line.ask(enter(2))
        assert told == ouch.Rejected(told.at_ns, 2, "c")

    talk(tmp_path, story)


# --- tokens


@pytest.mark.parametrize(
    "again",
    [enter(7), enter(7, side="S"), enter(6), enter(0), replace(7, 7), replace(7, 3)],
    ids=[
        "the same",
        "the same token",
        "a lower one",
        "none",
        "as replacement",
        "lower replacement",
    ],
)
def test_a_token_that_is_not_higher_is_passed_over(tmp_path: Path, again: ouch.Inbound) -> None:
    """In silence, whatever it says; the order stays as it is."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(7))
        before = house.market()
        line.say(again)
        await line.nothing()
        assert house.market() == before

    talk(tmp_path, story)


def test_tokens_are_the_sessions_own(tmp_path: Path) -> None:
    """Two sessions of a firm use the same token for two orders."""

    async def story(house: OuchHouse) -> None:
        for username in ("A1", "A2", "B1"):
            line = await house.line(username)
            assert letters(await line.ask(enter(1))) == "A"
        assert len(house.open_orders()) == 2

    talk(tmp_path, story)


def test_a_token_behind_one_on_its_way_is_passed_over_too(tmp_path: Path) -> None:
    """Duplicates in one write, and duplicates while the sequencer is held."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        line.say(enter(1), enter(1), enter(2), enter(2), enter(1))
        assert [told[1] for told in await line.hear(2)] == [1, 2]
        await house.hold()
        line.say(enter(3))
        line.say(enter(3))
        house.sequencer.gate.set()
        assert [told[1] for told in await line.hear(1)] == [3]
        await line.nothing()

    talk(tmp_path, story)


def test_a_used_token_is_used_after_a_new_login_and_a_restart(tmp_path: Path) -> None:
    """Tokens belong to the day, not to the connection or the process."""

    async def before(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(9), enter(12, display="N"))
        line.writer.close()
        await house.quiet(lambda: not house.session("A-1").live)
        again = await house.line()
        again.say(enter(9), enter(12))
        await again.nothing()

    async def after(house: OuchHouse) -> None:
        line = await house.line()
        line.say(enter(12))
        assert letters(await line.ask(enter(13))) == "A"

    talk(tmp_path, before)
    talk(tmp_path, after, opens=False)


# --- cancels


def test_a_cancel_takes_off_what_is_left(tmp_path: Path) -> None:
    """Of 10 with 4 traded, 6."""

    async def story(house: OuchHouse) -> None:
        buyer, _ = await traded(house)
        (told,) = await buyer.ask(ouch.Cancel(1, 0))
        assert told == ouch.Canceled(told.at_ns, 1, 6, "U")
        assert house.open_orders() == []

    talk(tmp_path, story)


@pytest.mark.parametrize("token", [1, 2, 3, 99], ids=["over", "filled", "refused", "unknown"])
def test_a_superfluous_cancel_is_passed_over(tmp_path: Path, token: int) -> None:
    """Nobody is told, and a token that was never used stays unused."""

    async def story(house: OuchHouse) -> None:
        line, other = await house.line(), await house.line("B1")
        await line.ask(enter(1), enter(2), enter(3, display="N"))
        await line.ask(ouch.Cancel(1, 0))
        await other.ask(enter(1, side="S"), count=2)
        await line.hear()
        before = house.market()
        line.say(ouch.Cancel(token, 0))
        await line.nothing()
        assert house.market() == before
        assert letters(await line.ask(enter(4))) == "A"

    talk(tmp_path, story)


def test_nobody_cancels_for_another_firm_or_session(tmp_path: Path) -> None:
    """A token means an order of the own session, at another session nothing."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1))
        for username in ("A2", "B1"):
            other = await house.line(username)
            other.say(ouch.Cancel(1, 0), replace(1, 2))
            await other.nothing()
        assert len(house.open_orders()) == 1

    talk(tmp_path, story)


def test_a_cancel_of_a_part_is_refused(tmp_path: Path) -> None:
    """The rulebook has none: Z, the order as it was, its token still its own."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1))
        before = house.market()
        (told,) = await line.ask(ouch.Cancel(1, 5))
        assert told == ouch.Rejected(told.at_ns, 1, "Z")
        assert house.market() == before
        assert letters(await line.ask(ouch.Cancel(1, 0))) == "C"

    talk(tmp_path, story)


# --- replaces


def test_a_replace_names_the_whole_chain(tmp_path: Path) -> None:
    """A total of 20 with 4 filled leaves 16; a total of what is filled ends the order."""

    async def story(house: OuchHouse) -> None:
        buyer, _ = await traded(house)
        (told,) = await buyer.ask(replace(1, 2))
        assert isinstance(told, ouch.Replaced)
        assert (told.quantity_units, told.state, told.previous_token) == (20, ouch.LIVE, 1)
        (number,) = house.open_orders()
        assert told.order_number == number
        (dead,) = await buyer.ask(replace(2, 3, quantity_units=4))
        assert isinstance(dead, ouch.Replaced)
        assert (dead.quantity_units, dead.state, dead.previous_token) == (4, ouch.DEAD, 2)
        assert house.open_orders() == []
        await buyer.nothing()

    talk(tmp_path, story)


def test_a_chain_of_replaces_is_told_link_by_link(tmp_path: Path) -> None:
    """Each link has a token; the last one cancels the order, every earlier one as well."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        links = [replace(n, n + 1, quantity_units=10 + n) for n in range(1, 6)]
        told = await line.ask(enter(1), *links)
        chain = [message for message in told if isinstance(message, ouch.Replaced)]
        assert [(m.previous_token, m.replacement_token) for m in chain] == list(
            itertools.pairwise(range(1, 7))
        )
        assert [m.quantity_units for m in chain] == [11, 12, 13, 14, 15]
        (gone,) = await line.ask(ouch.Cancel(6, 0))
        assert gone == ouch.Canceled(gone.at_ns, 6, 15, "U")

    talk(tmp_path, story)


def test_a_replace_may_trade_at_once(tmp_path: Path) -> None:
    """First it is told as replaced, then what it took."""

    async def story(house: OuchHouse) -> None:
        buyer, seller = await house.line("A1"), await house.line("B1")
        await buyer.ask(enter(1))
        await seller.ask(enter(1, side="S", price_points=1_001_000))
        replaced, executed = await buyer.ask(
            replace(1, 2, quantity_units=10, price_points=1_001_000), count=2
        )
        assert isinstance(replaced, ouch.Replaced)
        assert isinstance(executed, ouch.Executed)
        assert (executed.token, executed.quantity_units, executed.liquidity) == (2, 10, "R")
        assert replaced.state == ouch.LIVE

    talk(tmp_path, story)


WRONG_REPLACES = {
    "no quantity": ({"quantity_units": 0}, "Z"),
    "a quantity beyond the book's": ({"quantity_units": 2**32 - 1}, "Z"),
    "no price": ({"price_points": 0}, "X"),
    "off the tick": ({"price_points": 999_999}, "X"),
    "beyond the limit": ({"price_points": 1_500_000}, "X"),
    "immediate": ({"time_in_force": 0}, "Y"),
    "another display": ({"display": " "}, "D"),
    "a minimum quantity": ({"minimum_units": 10}, "N"),
    "a share too large": ({"quantity_units": 3_001}, "Z"),
}


@pytest.mark.parametrize("wrong", WRONG_REPLACES)
def test_an_invalid_replace_cancels_the_order(tmp_path: Path, wrong: str) -> None:
    """By the old token, with the letter of what was wrong; the new token is used up."""
    changes, letter = WRONG_REPLACES[wrong]

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1))
        (told,) = await line.ask(replace(1, 2, **changes))
        assert told == ouch.Canceled(told.at_ns, 1, 10, letter)
        assert house.open_orders() == []
        line.say(enter(2))
        await line.nothing()

    talk(tmp_path, story)


@pytest.mark.parametrize("existing", [1, 3, 50], ids=["over", "refused", "unknown"])
def test_a_replace_of_what_is_not_there_is_passed_over(tmp_path: Path, existing: int) -> None:
    """As a superfluous cancel is; its own token is used up."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1), enter(3, display="N"), ouch.Cancel(1, 0))
        line.say(replace(existing, 60), enter(60))
        await line.nothing()
        assert house.open_orders() == []

    talk(tmp_path, story)


# --- immediate orders and self-matches


def test_an_immediate_order_that_finds_nothing_is_dead(tmp_path: Path) -> None:
    """It is accepted, dead, and nothing more is said of it."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        (told,) = await line.ask(enter(1, time_in_force=0))
        assert isinstance(told, ouch.Accepted)
        assert (told.state, told.time_in_force) == (ouch.DEAD, 0)
        assert house.open_orders() == []
        await line.nothing()

    talk(tmp_path, story)


def test_an_immediate_order_takes_what_there_is(tmp_path: Path) -> None:
    """4 of 10 are executed, 6 canceled with I."""

    async def story(house: OuchHouse) -> None:
        buyer, seller = await house.line("A1"), await house.line("B1")
        await seller.ask(enter(1, side="S", quantity_units=4))
        accepted, executed, gone = await buyer.ask(enter(1, time_in_force=0), count=3)
        assert accepted[-3] == ouch.LIVE
        assert executed[1:3] == (1, 4)
        assert gone == ouch.Canceled(gone.at_ns, 1, 6, "I")

    talk(tmp_path, story)


def test_an_immediate_order_that_is_filled_is_told_no_more(tmp_path: Path) -> None:
    """Accepted live and executed; no cancel of nothing."""

    async def story(house: OuchHouse) -> None:
        buyer, seller = await house.line("A1"), await house.line("B1")
        await seller.ask(enter(1, side="S", quantity_units=40))
        assert letters(await buyer.ask(enter(1, time_in_force=0), count=2)) == "AE"
        await buyer.nothing()

    talk(tmp_path, story)


def test_orders_of_one_firm_do_not_meet(tmp_path: Path) -> None:
    """Each is told what it lost, how much a trade was prevented and at which price."""

    async def story(house: OuchHouse) -> None:
        one, two = await house.line("A1"), await house.line("A2")
        await one.ask(enter(1))
        accepted, lost = await two.ask(enter(1, side="S", quantity_units=4), count=2)
        (resting,) = await one.hear()
        assert isinstance(accepted, ouch.Accepted)
        assert lost == ouch.SelfMatchCanceled(lost.at_ns, 1, 4, "Q", 4, 1_000_000, "R")
        assert resting == ouch.SelfMatchCanceled(lost.at_ns, 1, 4, "Q", 4, 1_000_000, "A")
        assert letters(await one.ask(ouch.Cancel(1, 0))) == "C"

    talk(tmp_path, story)


# --- beside the other doors


def test_an_order_is_one_order_at_every_door(tmp_path: Path) -> None:
    """Entered by OUCH, it is seen, amended and canceled by a websocket, under one name."""

    async def story(house: OuchHouse) -> None:
        line, wire = await house.line("A1"), await house.wire("A-2")
        await line.ask(enter(1), enter(2))
        listed = await wire.ask("order.list", {})
        assert [each["client_order_id"] for each in listed["result"]["orders"]] == [
            "A-1.1",
            "A-1.2",
        ]
        answer = await wire.ask("order.cancel", {"original_client_order_id": "A-1.1"})
        assert answer["ok"]
        (gone,) = await line.hear()
        assert gone == ouch.Canceled(gone.at_ns, 1, 10, "U")
        change = {"client_order_id": "w1", "original_client_order_id": "A-1.2", "total_units": 30}
        assert (await wire.ask("order.amend", change))["ok"]
        (told,) = await line.hear()
        assert isinstance(told, ouch.Replaced)
        assert (told.replacement_token, told.previous_token, told.quantity_units) == (2, 2, 30)
        (gone,) = await line.ask(ouch.Cancel(2, 0))
        assert gone == ouch.Canceled(gone.at_ns, 2, 30, "U")

    talk(tmp_path, story)


def test_an_order_of_another_door_has_no_token(tmp_path: Path) -> None:
    """It trades with one that has, and only that one is told here."""

    async def story(house: OuchHouse) -> None:
        line, wire = await house.line("A1"), await house.wire("B-1")
        assert (await wire.ask("order.new", order("w1", side="sell")))["ok"]
        assert letters(await line.ask(enter(1), count=2)) == "AE"
        assert house.told("B-1") == house.told("B-1")[:START]

    talk(tmp_path, story)


def test_a_session_is_live_at_one_door(tmp_path: Path) -> None:
    """Live at a websocket it cannot be had here; taken over there it ends here, orders and all."""

    async def story(house: OuchHouse) -> None:
        wire = await house.wire("A-1")
        line = await house.connect(soup.login("A1", ""))
        assert await line.rest() == [Packet(b"J", soup.SESSION_NOT_AVAILABLE)]
        await wire.socket.close()
        await house.quiet(lambda: not house.session("A-1").live)
        line = await house.line()
        await line.ask(enter(1))
        taker = await house.wire()
        assert (await taker.logon("A-1", takeover=True))["result"]["took_over"]
        assert await line.rest() == []
        assert len(house.open_orders()) == 1

    talk(tmp_path, story)


def test_a_revoked_key_ends_its_session(tmp_path: Path) -> None:
    """Its orders go as with a lost line, and it cannot come back."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1))
        await house.do(RevokeKey(key_id=KeyId("key-A-1")))
        assert [packet.kind for packet in await line.rest()] == [b"S"]
        assert house.open_orders() == []
        line = await house.connect(soup.login("A1", ""))
        assert await line.rest() == [Packet(b"J", soup.NOT_AUTHORIZED)]

    talk(tmp_path, story)


# --- logins


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        (soup.login("", ""), soup.NOT_AUTHORIZED),
        (soup.login("NOBODY", ""), soup.NOT_AUTHORIZED),
        (soup.login("a1", "secret"), soup.NOT_AUTHORIZED),
        (soup.login("A1", ""), soup.NOT_AUTHORIZED),
        (soup.login("A1", "wrong"), soup.NOT_AUTHORIZED),
        (soup.login("B1", ""), soup.NOT_AUTHORIZED),
        (soup.login("A1", "secret", "19990101"), soup.SESSION_NOT_AVAILABLE),
        (soup.login("A1", "secret", "", 3), soup.SESSION_NOT_AVAILABLE),
        (soup.login("A1", "secret", "", 10**19), soup.SESSION_NOT_AVAILABLE),
    ],
    ids=["nobody", "unknown", "other case", "no password", "wrong password",
         "a key without one", "another day", "a number to come", "a number never to come"],
)  # fmt: skip
def test_a_login_that_is_refused_is_told_why(tmp_path: Path, login: bytes, reason: bytes) -> None:
    """And the session is not opened for it."""

    async def story(house: OuchHouse) -> None:
        line = await house.connect(login)
        assert await line.rest() == [Packet(b"J", reason)]
        assert not house.session("A-1").live
        good = await house.line("A1", password="secret", session=DAY)  # noqa: S106
        assert letters(await good.ask(enter(1))) == "A"

    talk(tmp_path, story, passwords=SECRET, needs_password=True)


def test_a_username_is_the_keys_own_and_names_one_session(tmp_path: Path) -> None:
    """Given in the settings it replaces the session's name; given twice it names nobody."""

    async def story(house: OuchHouse) -> None:
        assert await house.line("DESK1") is not None
        for username in ("A1", "BOTH"):
            line = await house.connect(soup.login(username, ""))
            assert await line.rest() == [Packet(b"J", soup.NOT_AUTHORIZED)]

    names = {KeyId("key-A-1"): "DESK1", KeyId("key-A-2"): "BOTH", KeyId("key-B-1"): "BOTH"}
    talk(tmp_path, story, usernames=names)


def test_a_second_login_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    """One connection a session and port."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        second = await house.connect(soup.login("A1", ""))
        assert await second.rest() == [Packet(b"J", soup.SESSION_NOT_AVAILABLE)]
        assert letters(await line.ask(enter(1))) == "A"

    talk(tmp_path, story)


def test_before_the_first_day_there_is_no_session(tmp_path: Path) -> None:
    """It cannot be had, which is a reason of its own."""

    async def story(house: OuchHouse) -> None:
        line = await house.connect(soup.login("A1", ""))
        assert await line.rest() == [Packet(b"J", soup.SESSION_NOT_AVAILABLE)]

    talk(tmp_path, story, opens=False)


def test_messages_behind_a_login_are_read_when_it_is_answered(tmp_path: Path) -> None:
    """In one write with it, in order; nothing waits for a second write."""

    async def story(house: OuchHouse) -> None:
        first = b"".join(soup.packet(b"U", ouch.encode(enter(n))) for n in (1, 2, 3))
        line = await house.connect(soup.login("A1", "", "", 1) + first)
        packets = [await line.packet() for _ in range(5)]
        kinds = b"".join(packet.kind for packet in packets if packet is not None)
        assert kinds == b"ASSSS"
        assert house.told()[START:][0][:1] == b"A"

    talk(tmp_path, story)


def test_a_client_that_goes_while_it_logs_in_leaves_nothing(tmp_path: Path) -> None:
    """The session is closed as soon as it was opened, and can be had again."""

    async def story(house: OuchHouse) -> None:
        await house.hold()
        line = await house.connect(soup.login("A1", ""))
        await house.quiet(lambda: bool(house.sequencer._inbox))
        line.writer.close()
        await house.quiet(lambda: not len(house.door))
        house.sequencer.gate.set()
        again = await house.line()
        assert letters(await again.ask(enter(1))) == "A"
        assert house.session("A-1").generation == 2

    talk(tmp_path, story)


# --- the end of a line


@pytest.mark.parametrize(
    "end", [b"", soup.packet(b"O"), soup.packet(b"U", b"?"), b"\x00\x00"],
    ids=["lost", "logout", "no message", "no packet"],
)  # fmt: skip
def test_open_orders_go_with_the_line(tmp_path: Path, end: bytes) -> None:
    """However it ends; the client that comes back is told by number what it missed."""

    async def story(house: OuchHouse) -> None:
        buyer, seller = await traded(house)
        if end:
            buyer.writer.write(end)
        else:
            buyer.writer.close()
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.open_orders() == []
        assert letters(await seller.ask(enter(2, side="S", quantity_units=1))) == "A"
        back = await house.line("A1", START + 3)
        (gone,) = await back.hear()
        assert gone == ouch.Canceled(gone.at_ns, 1, 6, "L")

    talk(tmp_path, story)


def test_cancel_on_disconnect_can_be_switched_off(tmp_path: Path) -> None:
    """Then orders stay, trade meanwhile, and go on when the client is back."""

    async def story(house: OuchHouse) -> None:
        line, seller = await house.line(), await house.line("B1")
        await line.ask(enter(1))
        line.writer.close()
        await house.quiet(lambda: not house.session("A-1").live)
        await seller.ask(enter(1, side="S", quantity_units=4), count=2)
        back = await house.line("A1", START + 2)
        (told,) = await back.hear()
        assert told[1:3] == (1, 4)
        assert letters(await back.ask(ouch.Cancel(1, 0))) == "C"

    settings = OuchSettings(rate_per_s=10_000, burst=10_000, cancels_on_disconnect=False)
    talk(tmp_path, story, ouch_settings=settings)


def test_the_mirror_is_the_same_session(tmp_path: Path) -> None:
    """Both ports take orders and both tell the one stream; the session ends with the last of them."""

    async def story(house: OuchHouse) -> None:
        port = await house.line()
        mirror = await house.line("A1", 1, mirror=True)
        await mirror.hear()  # the day's start
        port.say(enter(1))
        assert await port.raw(1) == await mirror.raw(1)
        mirror.say(enter(1), enter(2))
        assert await port.raw(1) == await mirror.raw(1)
        port.writer.close()
        await house.quiet(lambda: len(house.door) == 1)
        assert letters(await mirror.ask(enter(3))) == "A"
        assert len(house.open_orders()) == 3
        mirror.writer.close()
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.open_orders() == []

    talk(tmp_path, story)


def test_a_line_that_was_silent_too_long_is_gone(tmp_path: Path) -> None:
    """Half open: heartbeats meet silence, and the orders go."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1))
        (connection,) = house.door._connections
        connection.beat(connection._heard_ns)
        connection.beat(connection._heard_ns + int(soup_line.SILENCE_S_MAX + 1) * 1_000_000_000)
        assert await line.rest() == []
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.open_orders() == []

    talk(tmp_path, story)


# --- the stream


def test_a_stream_is_had_from_any_number(tmp_path: Path) -> None:
    """From 1, from n and from now, the same bytes; it begins with the day's start."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1), enter(2), ouch.Cancel(1, 0))
        told = house.told()
        assert ouch.decode_out(told[0]) == ouch.SystemEvent(
            ouch.decode_out(told[0])[0],  # type: ignore[index]
            ouch.START_OF_DAY,
        )
        for sequence in (1, 3):
            mirror = await house.line("A1", sequence, mirror=True)
            assert mirror.accepted == DAY.rjust(10).encode() + str(sequence).rjust(20).encode()
            assert await mirror.raw(len(told) + 1 - sequence) == told[sequence - 1 :]
            mirror.writer.close()
            await house.quiet(lambda: len(house.door) == 1)

    talk(tmp_path, story)


def test_after_a_restart_the_day_is_the_same_bytes(tmp_path: Path) -> None:
    """With refusals of the door, of the market, trades and replaces; then it goes on."""
    first: dict[str, list[bytes]] = {}

    async def before(house: OuchHouse) -> None:
        buyer, seller = await traded(house)
        await buyer.ask(enter(2, display="N"), enter(3, price_points=7), replace(1, 4))
        await seller.ask(enter(2, side="S", time_in_force=0, quantity_units=30), count=3)
        await buyer.hear()
        await house.hold()
        first.update({name: house.told(name) for name in ("A-1", "A-2", "B-1")})

    async def after(house: OuchHouse) -> None:
        assert {name: house.told(name)[: len(first[name])] for name in first} == first
        line = await house.line("A1", 1)
        told = await line.raw(len(house.told()))
        assert told[: len(first["A-1"])] == first["A-1"]
        assert letters(await line.ask(enter(5))) == "A"

    talk(tmp_path, before)
    talk(tmp_path, after, opens=False)


def test_the_day_ends_and_the_next_one_begins_anew(tmp_path: Path) -> None:
    """E and the end of the session; the old day can be read; tokens and numbers begin at 1."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await line.ask(enter(1))
        await house.phase(Phase.CLOSED)
        (gone,) = await line.hear()
        assert gone == ouch.Canceled(gone.at_ns, 1, 10, "M")
        await house.do(CloseDay())
        last, end = await line.rest()
        assert ouch.decode_out(last.payload)[1] == ouch.END_OF_DAY  # type: ignore[index]
        assert end.kind == b"Z"
        reader = await house.connect(soup.login("A1", "", "", 1))
        accepted, *told, end = await reader.rest()
        assert (accepted.kind, end.kind) == (b"A", b"Z")
        assert [packet.payload for packet in told] == house.told()
        assert not house.session("A-1").live
        await house.do(
            OpenDay(business_date=next_business_day(house.date, house.core.rules.business_days))
        )
        await house.phase(Phase.CONTINUOUS)
        line = await house.line("A1", 1)
        assert letters(await line.ask(enter(1), count=2)) == "SA"

    talk(tmp_path, story)


def test_nothing_is_told_before_the_disk_has_it(tmp_path: Path) -> None:
    """While the sync is outstanding the stream stands still."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await house.hold()
        line.say(enter(1))
        await asyncio.sleep(0.05)
        assert len(house.told()) == START
        house.sequencer.gate.set()
        assert letters(await line.hear()) == "A"

    talk(tmp_path, story)


# --- those who break the protocol


LOGIN = soup.login("A1", "", "", 0)
BROKEN = {
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "an empty packet": b"\x00\x00",
    "a packet too long": b"\xff\xffL",
    "a login too short": soup.packet(b"L", b"short"),
    "a login that is not ASCII": soup.packet(b"L", b"\xff" * 46),
    "an order before the login": soup.packet(b"U", ouch.encode(enter(1))),
    "a packet of ours": soup.packet(b"S", b"mine"),
    "two logins": LOGIN * 2,
    "an unknown packet": LOGIN + soup.packet(b"?"),
    "an empty message": LOGIN + soup.packet(b"U"),
    "an unknown message": LOGIN + soup.packet(b"U", b"Q" + bytes(47)),
    "an order too short": LOGIN + soup.packet(b"U", ouch.encode(enter(1))[:-1]),
    "an order too long": LOGIN + soup.packet(b"U", ouch.encode(enter(1)) + b" "),
    "a replace of an order's length": LOGIN + soup.packet(b"U", b"U" + ouch.encode(enter(1))[1:]),
    "a cancel without a quantity": LOGIN + soup.packet(b"U", b"X\x00\x00\x00\x01"),
    "a message of ours": LOGIN + soup.packet(b"U", b"J" + bytes(13)),
    "a flood of heartbeats": LOGIN + soup.packet(b"R") * (soup_line.PACKETS_PER_BEAT_MAX + 1),
    "a flood behind a login": LOGIN + soup.packet(b"U", ouch.encode(ouch.Cancel(1, 0))) * 1_001,
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_who_breaks_the_protocol_is_cut_off_and_nobody_else(tmp_path: Path, broken: str) -> None:
    """That line ends; the market and every other line notice nothing."""

    async def story(house: OuchHouse) -> None:
        good = await house.line("B1")
        bad = await house.connect(BROKEN[broken])
        assert all(packet.kind == b"A" for packet in await bad.rest())
        assert letters(await good.ask(enter(1))) == "A"
        assert len(house.door) == 1
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.open_orders() == []

    talk(tmp_path, story)


def test_above_the_rate_orders_are_refused_and_cancels_are_not(tmp_path: Path) -> None:
    """F, numbered and so in the journal; the token is used up."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        told = await line.ask(*[enter(n) for n in range(1, 9)])
        assert letters(told).startswith("AAAA")
        refused = [message for message in told if isinstance(message, ouch.Rejected)]
        assert refused
        assert {message.reason for message in refused} == {"F"}
        assert letters(await line.ask(ouch.Cancel(1, 0))) == "C"
        (told_again,) = await line.ask(replace(2, 9))
        assert told_again == ouch.Rejected(told_again.at_ns, 9, "F")
        assert len(house.open_orders()) == letters(told).count("A") - 1

    talk(tmp_path, story, ouch_settings=OuchSettings(rate_per_s=1, burst=4))


def test_a_flood_ends_the_line(tmp_path: Path) -> None:
    """Ten times the rate is no client any more; its orders go."""

    async def story(house: OuchHouse) -> None:
        good, line = await house.line("B1"), await house.line()
        line.say(*[enter(n) for n in range(1, 100)])
        told = await line.rest()
        assert len(told) < 99
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.open_orders() == []
        assert letters(await good.ask(enter(1))) == "A"

    talk(tmp_path, story, ouch_settings=OuchSettings(rate_per_s=2, burst=4))


def test_a_full_venue_holds_the_line_and_loses_nothing(tmp_path: Path) -> None:
    """What does not fit the inbox waits in order, on both lines, and every token is answered once."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await house.hold()
        line.say(*[enter(n) for n in range(1, 60)])
        await house.quiet(lambda: bool(house.door._full))
        line.say(*[enter(n) for n in range(60, 100)])
        house.sequencer.gate.set()
        told = await line.hear(99)
        assert [message[1] for message in told] == list(range(1, 100))
        assert not house.door._full

    talk(tmp_path, story, inbox_max=8)


def test_what_waited_is_forgotten_with_its_line(tmp_path: Path) -> None:
    """A token that never reached the sequencer is unused, and may come again."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        await house.hold()
        line.say(*[enter(n) for n in range(1, 20)])
        await house.quiet(lambda: bool(house.door._full))
        (connection,) = house.door._connections
        connection.beat(connection._heard_ns + int(soup_line.SILENCE_S_MAX + 1) * 1_000_000_000)
        assert len(house.door) == 1
        connection.cut()
        await house.quiet(lambda: not len(house.door))
        house.sequencer.gate.set()
        await house.quiet(lambda: not house.session("A-1").live)
        taken = [ouch.decode_out(message) for message in house.told()]
        entered = [told.token for told in taken if isinstance(told, ouch.Accepted)]
        assert 0 < len(entered) < 19
        again = await house.line()
        (told,) = await again.ask(enter(max(entered) + 1))
        assert isinstance(told, ouch.Accepted)

    talk(tmp_path, story, inbox_max=8)


def test_a_reader_that_stops_reading_is_cut_off(tmp_path: Path) -> None:
    """Its place is all it costs; by sequence it misses nothing."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        (connection,) = house.door._connections
        connection.pause_writing()
        line.say(enter(1))
        await house.quiet(lambda: len(house.told()) == START + 1)
        stalled_ns = connection._moved_ns + int(soup_line.STALL_S_MAX + 1) * 1_000_000_000
        connection._heard_ns = stalled_ns
        connection.beat(stalled_ns)
        assert await line.rest() == []
        await house.quiet(lambda: not house.session("A-1").live)
        back = await house.line("A1", START + 1)
        assert letters(await back.hear(2)) == "AC"

    talk(tmp_path, story)


def test_other_rulebooks_answer_in_their_own_way(tmp_path: Path) -> None:
    """START's prices have two decimals, it has no replace and no immediate orders: Y."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        (told,) = await line.ask(enter(1, price_points=10_000_000))
        assert isinstance(told, ouch.Accepted)
        replaced, immediate = await line.ask(
            replace(1, 2, price_points=10_000_000),
            enter(3, price_points=10_000_000, time_in_force=0),
        )
        assert replaced[1:] == (2, "Y")
        assert immediate[1:] == (3, "Y")
        assert len(house.open_orders()) == 1

    async def start(house: OuchHouse) -> None:
        await house.open(Phase.PRE_OPEN)
        await story(house)

    talk(tmp_path, start, preset="start", opens=False)
