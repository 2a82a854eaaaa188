"""Two tellings of one day: the websocket door's numbered reports and FIX's executions agree.

Every session of a generated day is compared message by message; the reports are read as JSON and
share no code with the projection. Quantities of every FIX execution are added up by hand.
"""

import json
from collections import defaultdict
from typing import Any

import pytest

from market.commands import Entry
from market.events import Event
from market.ids import ParticipantId, SessionId
from market.rulebooks import preset as rulebook
from participants.fix_codec import decode, encode
from participants.fix_profiles import PROFILES
from participants.fix_records import CancelReject, Execution, MassCancelReport
from participants.fix_reports import FixReports
from venue.core import Core
from venue.runs import simulate_run

Fact = tuple[Any, ...]
SCALE = 6.0


class Day:
    """A simulated run with a projection that hears it."""

    def __init__(self, preset: str) -> None:
        named = rulebook(preset).counterparty_on_fill.value
        self.reports = FixReports(names_counterparty=named)
        self.told: dict[SessionId, list[Any]] = defaultdict(list)
        self.firms: dict[ParticipantId, list[tuple[SessionId, Any]]] = defaultdict(list)
        self.core: Core = simulate_run(
            orders=None, acts=None, settings_path=None, seed=11, preset=preset, days=2,
            scale=SCALE, out=None, seen=self.hear, book="sorted",
        )  # fmt: skip

    def hear(self, entry: Entry, events: list[Event]) -> None:
        """Keep what each step adds, since a day's records go as the next day opens."""
        kept = {name: len(records) for name, records in self.reports._of_session.items()}
        firms = {name: len(records) for name, records in self.reports._of_firm.items()}
        before = self.reports.fix_day
        self.reports.apply(entry, events)
        if self.reports.fix_day != before:
            kept, firms = {}, {}
        for name, records in self.reports._of_session.items():
            self.told[name] += records[kept.get(name, 0) :]
        for firm, pairs in self.reports._of_firm.items():
            self.firms[firm] += pairs[firms.get(firm, 0) :]


@pytest.fixture(scope="module", params=["start", "tse"])
def day(request: pytest.FixtureRequest) -> Day:
    """Two days of sample flow."""
    return Day(request.param)


def from_report(text: bytes) -> Fact | None:
    """What a report says, in FIX's letters; None for what FIX does not tell."""
    report = json.loads(text)
    method = report.get("method")
    if method is not None:
        if report.get("duplicate"):
            return ("again",)
        if not report["ok"]:
            letter = "8" if method == "order.new" else "9"
            return (letter, report["error"]["code"])
        result = report["result"]
        letters = {"accepted": "0", "amended": "5", "canceled": "4"}
        return (letters[result["state"]], result["client_order_id"], result["order_id"])
    data, what = report["data"], report["type"]
    if what == "trade":
        return (
            "F", data["client_order_id"], data["trade_id"], data["quantity_units"],
            data["leaves_units"], data["price"], data["side"], data.get("counterparty"),
            data["settlement_date"], data["amount_yen"],
        )  # fmt: skip
    letters = {"canceled": "4", "expired": "C", "reduced": "D", "trade_busted": "H"}
    return (letters[what], data["client_order_id"], data["order_id"]) if what in letters else None


def from_record(record: Any) -> Fact:
    """The same of a FIX record, from the bytes that would be sent."""
    message = decode(
        encode("FIX.4.4", b"35=" + record.msg_type.encode() + b"\x01" + record.body_44())
    )
    assert message is not None
    code = message.get(58).partition(":")[0]
    if message.kind == "9":
        return ("9", code)
    kind = message.get(150)
    name = message.get(11)
    if kind == "I":
        return ("again",)
    if kind == "8":
        return ("8", code)
    if kind == "4":
        name = message.get(41) or name
    if kind != "F":
        return (kind, name, message.get(37))
    day_text = message.get(64)
    return (
        "F", name, message.get(880), int(message.get(32)), int(message.get(151)), message.get(31),
        {"1": "buy", "2": "sell"}[message.get(54)], message.get(375) or None,
        f"{day_text[:4]}-{day_text[4:6]}-{day_text[6:]}", int(message.get(381)),
    )  # fmt: skip


def test_each_session_is_told_the_same_by_both_doors(day: Day) -> None:
    """Message by message, in the same order, over two days."""
    compared = 0
    for session_id, records in day.told.items():
        kept = day.core.reports.since(session_id, 1)
        assert kept is not None
        told = [fact for fact in map(from_report, kept) if fact is not None]
        assert [from_record(record) for record in records] == told
        compared += len(told)
    assert compared > 300


def test_quantities_add_up_in_every_execution(day: Day) -> None:
    """Cumulated is the sum of the fills, the average is theirs, and open is what is left."""
    for records in day.told.values():
        ids: dict[str, int] = {}
        filled: dict[int, int] = defaultdict(int)
        worth: dict[int, int] = defaultdict(int)
        for record in records:
            if not isinstance(record, Execution) or not record.order_id:
                continue
            ids[record.client_order_id] = record.order_id
            if record.kind == "5":  # it goes on under a new id, with what it was filled
                for sums in (filled, worth):
                    sums[record.order_id] = sums[ids[record.original]]
            if record.kind == "F":
                filled[record.order_id] += record.last_units
                worth[record.order_id] += record.last_units * record.last_price_sen
            if record.kind in "0F":
                whole = record.cum_units + record.leaves_units
                assert whole == record.quantity_units
                assert record.cum_units == filled[record.order_id]
            if record.kind == "F":
                exact = worth[record.order_id] / 100 / filled[record.order_id]
                assert abs(float(record.average()) - exact) <= 0.00005 + 1e-9


def test_a_drop_copy_has_each_record_of_the_firm_once(day: Day) -> None:
    """In the order of the journal, every session's part being the session's own list."""
    for pairs in day.firms.values():
        for session_id in {name for name, _ in pairs}:
            assert [record for name, record in pairs if name == session_id] == day.told[session_id]


def test_ids_of_executions_are_unique_for_the_run(day: Day) -> None:
    """ExecID (17), over both days and all sessions."""
    ids = [
        record.exec_id
        for records in day.told.values()
        for record in records
        if not isinstance(record, MassCancelReport | CancelReject)
    ]
    assert len(set(ids)) == len(ids) > 300


@pytest.mark.parametrize("name", PROFILES)
def test_what_is_sent_keeps_to_the_dictionary(day: Day, name: str) -> None:
    """Every field of every record belongs to its message, is listed, and none that must be is not."""
    profile = PROFILES[name]
    for records in day.told.values():
        for record in records:
            text = record.body_44() if profile.is_44 else record.body_42()
            message = decode(
                encode(profile.begin, b"35=" + record.msg_type.encode() + b"\x01" + text)
            )
            assert message is not None
            rule = profile.messages[record.msg_type]
            fields = {int(tag): value for tag, value in message.fields.items()}
            tags = fields.keys() - {8, 9, 10, 35}
            inner = {tag for group in rule.groups.values() for tag in group.members}
            assert tags <= {*rule.required, *rule.optional, *inner}
            assert set(rule.required) <= tags
            for tag in tags:
                listed = profile.fields[tag].values
                assert not listed or fields[tag] in listed, (tag, fields[tag])
