"""Firms hear of acts on tokens: what is public, and of the rest their own part, in their own stream."""

import json
from collections import Counter
from datetime import date
from typing import Any, get_args

import pytest
from token_chance import FIRMS, TokenChance
from token_story import IBET, PLAIN, PROGMAT, A, B, C, TokenStory

from market.commands import Command, DefaultIssuer, DepositUnits, SetTransferControl
from market.events import Event, UnitsMoved, YenMoved
from market.ids import InstrumentId
from market.quantities import Sen, Units
from market.token_acts import (
    DeclareDistribution,
    DistributionPaid,
    ForceTransfer,
    FreezeAccount,
    RedeemIssue,
    RedeemUnits,
    RegisterHolder,
    RenewAccountKey,
    RevokeAccountKey,
    SetReceiving,
    SetStation,
    Station,
    StationSet,
    TokenEvent,
    TransferForced,
    TransferGround,
)
from participants.token_reports import NEWS_OF

Row = tuple[str, dict[str, Any]]
TODAY, NEXT, THIRD = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)


class Heard:
    """A story, and what each firm's session hears of tokens."""

    def __init__(self, **how: Any) -> None:
        self.story = TokenStory(**how)
        self.story.core.reports.drain()

    def of(self, command: Command) -> list[Row]:
        """The news of one command."""
        self.story.done(command)
        return self.news()

    def news(self) -> list[Row]:
        """What came since the last look, as (firm, data)."""
        return news_of(self.story)


def news_of(story: TokenStory) -> list[Row]:
    """Reports of type token since the last look."""
    reports = [(str(s), json.loads(payload)) for s, _, payload in story.core.reports.drain()]
    assert all(report.get("channel", "reports") == "reports" for _, report in reports)
    return [
        (session.removesuffix("-1"), report["data"])
        for session, report in reports
        if report.get("type") == "token"
    ]


def everyone(**data: Any) -> list[Row]:
    """The same to every firm."""
    return [(firm, data) for firm in (A, B, C)]


def test_what_is_public_is_told_to_every_firm_without_the_operators_words() -> None:
    """Station, transfer control, a distribution ahead, the money's issuer; no reason is passed on."""
    heard = Heard()
    assert heard.of(SetStation(station=Station.CLOSING, reason="Mr X")) == everyone(
        what="station", state="closing"
    )
    control = SetTransferControl(instrument_id=PLAIN, executable=False, reason="Mr X")
    assert heard.of(control) == everyone(what="control", instrument_id=PLAIN, executable=False)
    declared = DeclareDistribution(
        instrument_id=PLAIN, price_sen=Sen(1_234), record_date=NEXT, payment_date=THIRD,
        reference="dist-1",
    )  # fmt: skip
    assert heard.of(declared) == everyone(
        what="distribution", instrument_id=PLAIN, price="12.34", record_date="2026-11-25",
        payment_date="2026-11-26", reference="dist-1",
    )  # fmt: skip
    assert heard.of(DefaultIssuer(reason="Mr X")) == everyone(
        what="issuer_default", state="tokenised_deposit"
    )


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            FreezeAccount(participant_id=B, instrument_id=PLAIN, frozen=True, reason="Mr X"),
            {"what": "freeze", "instrument_id": PLAIN},
        ),
        (
            FreezeAccount(participant_id=B, instrument_id=PLAIN, frozen=False, reason="Mr X"),
            {"what": "unfreeze", "instrument_id": PLAIN},
        ),
        (
            SetReceiving(participant_id=B, instrument_id=PROGMAT, receives=False, reason="Mr X"),
            {"what": "refuse_receipt", "instrument_id": PROGMAT},
        ),
        (
            RegisterHolder(participant_id=B, instrument_id=IBET, registered=False, reason="Mr X"),
            {"what": "forget_holder", "instrument_id": IBET},
        ),
        (
            DepositUnits(
                participant_id=B, instrument_id=PLAIN, quantity_units=Units(7), reference="more"
            ),
            {"what": "allot", "instrument_id": PLAIN, "quantity_units": 7},
        ),
        (
            RevokeAccountKey(participant_id=B, reason="Mr X"),
            {"what": "revoke_key", "key_version": 1},
        ),
        (
            RedeemUnits(
                instrument_id=PLAIN, participant_id=B, quantity_units=Units(40),
                price_sen=Sen(100_005), reference="redeem-1",
            ),
            {
                "what": "redeem", "instrument_id": PLAIN, "quantity_units": 40,
                "amount_yen": 40_002, "reference": "redeem-1",
            },
        ),
    ],
    ids=lambda part: type(part).__name__,
)  # fmt: skip
def test_what_concerns_one_firm_is_told_to_it_alone(command: Command, told: dict[str, Any]) -> None:
    """B hears, A and C do not; of the operator's words only ids are passed on."""
    heard = Heard(signed=True)
    if told["what"] == "unfreeze":
        heard.of(FreezeAccount(participant_id=B, instrument_id=PLAIN, frozen=True, reason=""))
    assert heard.of(command) == [(B, told)]


def test_a_holder_hears_that_it_is_registered_again() -> None:
    """The way back is told as the way out was."""
    heard = Heard()
    for known, what in ((False, "forget_holder"), (True, "register_holder")):
        told = heard.of(
            RegisterHolder(participant_id=B, instrument_id=IBET, registered=known, reason="Mr X")
        )
        assert told == [(B, {"what": what, "instrument_id": IBET})]


def test_a_new_key_is_told_to_whose_it_is() -> None:
    """Version and public half, of the account's or of the node's key."""
    for node in (False, True):
        ((firm, told),) = Heard(signed=True).of(
            RenewAccountKey(
                participant_id=C, valid_from=TODAY, valid_until=THIRD, reason="lost", node=node
            )
        )
        assert (firm, told["what"]) == (C, "renew_node_key" if node else "renew_key")
        assert len(bytes.fromhex(told["public_key"])) == 32
        assert told["key_version"] > 1


@pytest.mark.parametrize("ground", list(TransferGround))
def test_giver_and_taker_hear_of_a_transfer_and_not_of_each_other(ground: TransferGround) -> None:
    """By law or by succession."""
    told = Heard().of(
        ForceTransfer(
            instrument_id=PROGMAT, giver=A, taker=C, quantity_units=Units(3), ground=ground,
            reference="order-1", reason="Mr X",
        )
    )  # fmt: skip
    word = "succession" if ground is TransferGround.SUCCESSION else "forced_transfer"
    both = {
        "what": word, "instrument_id": PROGMAT, "quantity_units": 3, "reference": "order-1",
    }  # fmt: skip
    assert told == [(A, {**both, "role": "giver"}), (C, {**both, "role": "taker"})]


def test_owners_claims_and_payments_of_a_distribution_are_told_to_each() -> None:
    """Record date with one's own units, payment with one's own yen, a claim to its two sides."""
    heard = Heard()
    story = heard.story
    story.done(
        DeclareDistribution(
            instrument_id=PLAIN, price_sen=Sen(1_234), record_date=TODAY, payment_date=NEXT,
            reference="dist-1",
        )
    )  # fmt: skip
    story.trade(PLAIN, A, B)
    heard.news()
    story.next_day()
    taken = {"what": "record_date", "instrument_id": PLAIN, "quantity_units": 100,
             "record_date": "2026-11-24", "reference": "dist-1"}  # fmt: skip
    claim = {"what": "claim", "delivery_id": "D-1", "amount_yen": 123, "reference": "dist-1"}
    assert heard.news() == [
        *((firm, taken) for firm in (A, B, C)),
        (A, {**claim, "role": "payer", "state": "open"}),
        (B, {**claim, "role": "payee", "state": "open"}),
    ]
    story.run()
    story.next_day()
    story.run(0)
    told = heard.news()
    paid = {"what": "distribution_paid", "instrument_id": PLAIN, "amount_yen": 1_234,
            "reference": "dist-1"}  # fmt: skip
    assert told == [
        *((firm, paid) for firm in (A, B, C)),
        (A, {**claim, "role": "payer", "state": "paid"}),
        (B, {**claim, "role": "payee", "state": "paid"}),
    ]


def test_the_end_of_an_issue_tells_each_holder_what_it_got() -> None:
    """Own units and yen; then everyone that the issue is closed."""
    told = Heard().of(RedeemIssue(instrument_id=IBET, price_sen=Sen(99_999), reference="end"))
    own = {"what": "redeem", "instrument_id": IBET, "quantity_units": 100, "amount_yen": 99_999,
           "reference": "end"}  # fmt: skip
    assert told == [
        *((firm, own) for firm in (A, B, C)),
        *everyone(what="control", instrument_id=IBET, executable=False),
    ]


def test_a_refused_act_is_told_to_no_firm() -> None:
    """Nothing happened."""
    heard = Heard()
    heard.story.refused(
        FreezeAccount(participant_id=B, instrument_id=InstrumentId("NONE"), frozen=True, reason="")
    )
    assert heard.news() == []


# --- by chance


class ReportChance(TokenChance):
    """Days of acts, with what firms hear added up beside what postings say they got."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.story.core.reports.drain()
        self.told: Counter[str] = Counter()

    def do(self, command: Command) -> list[Event]:
        """One command; each firm's news against a list made from the step's postings."""
        events = super().do(command)
        news = news_of(self.story)
        self._names_nobody(news)
        wanted = _from_postings(events)
        heard = {
            (firm, data["what"]): (data.get("quantity_units", 0), data.get("amount_yen", 0))
            for firm, data in news
            if data["what"] in {"redeem", "allot", "forced_transfer", "succession"}
        }
        assert heard == wanted, command
        self._distributions(events, news)
        self.told.update(data["what"] for _, data in news)
        return events

    def _names_nobody(self, news: list[Row]) -> None:
        for firm, data in news:
            assert not any(name in json.dumps(data) for name in FIRMS), (firm, data)

    def _distributions(self, events: list[Event], news: list[Row]) -> None:
        """Yen from outside that is no redemption is what distributions paid, firm by firm."""
        if not any(isinstance(event, DistributionPaid) for event in events):
            return
        got: Counter[str] = Counter()
        for event in events:
            if isinstance(event, YenMoved) and event.giver is None and event.taker is not None:
                got[event.taker] += event.amount_yen
        said: Counter[str] = Counter()
        for firm, data in news:
            if data["what"] == "distribution_paid":
                said[firm] += data["amount_yen"]
        assert said == got


def _from_postings(events: list[Event]) -> dict[tuple[str, str], tuple[int, int]]:
    """What each firm must have heard of units that moved without a delivery."""
    law = [event for event in events if isinstance(event, TransferForced)]
    word = ""
    if law:
        word = "succession" if law[0].ground is TransferGround.SUCCESSION else "forced_transfer"
    wanted: dict[tuple[str, str], tuple[int, int]] = {}
    for event in events:
        if not isinstance(event, UnitsMoved) or event.delivery_id is not None:
            continue
        units = event.quantity_units
        if event.taker is None:
            wanted[str(event.giver), "redeem"] = (units, 0)
        elif event.giver is None:
            wanted[event.taker, "allot"] = (units, 0)
        elif law:
            wanted[event.giver, word] = wanted[event.taker, word] = (units, 0)
    for event in events:
        if isinstance(event, YenMoved) and event.giver is None and event.taker is not None:
            key = (str(event.taker), "redeem")
            if key in wanted:
                wanted[key] = (wanted[key][0], event.amount_yen)
    return wanted


@pytest.mark.parametrize("seed", range(6))
def test_by_chance_each_firm_hears_its_own_and_no_other_name(seed: int) -> None:
    """Sums of the news are sums of the postings; no report names another firm."""
    chance = ReportChance(seed)
    chance.play(days=5, busy=7)
    chance.story.replay()


def test_the_news_by_chance_are_of_every_kind() -> None:
    """Over the seeds no kind of news is left out but the two ways back that are too rare for them."""
    told: Counter[str] = Counter()
    for seed in range(12):
        chance = ReportChance(seed)
        chance.play(days=5, busy=7)
        told += chance.told
    wanted = (
        "station control distribution issuer_default freeze receive refuse_receipt "
        "forget_holder renew_key revoke_key allot forced_transfer succession "
        "redeem record_date distribution_paid claim"
    )
    assert [what for what in wanted.split() if not told[what]] == []


def test_every_event_of_an_act_has_its_news() -> None:
    """An event that is added to the acts on tokens has to say who hears of it."""
    acts = set(get_args(TokenEvent))
    assert StationSet in acts
    assert acts <= set(NEWS_OF)
