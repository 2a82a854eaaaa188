"""A second auditor of a settlement trial: what the log says beside its ledgers, judged by the log alone.

Purpose: auditor.py follows balances; this reads what figures are made of and no balance would contradict: whose
locks they are and how they end, losses, charges, waits, sets and houses. Like it, it imports nothing of this
project and reads plain dictionaries, their kind under "is".

| record | is wrong when |
|---|---|
| any of an obligation | nobody ever owed that |
| lock | it is another's than the giver's of that leg, of another asset, or more than is left |
| end of a lock | delivered and not posted in that moment, or returned and posted as the next thing |
| posting of an obligation | what left its giver and reached its taker is not what became final |
| principal lost | not what was ahead, not by whom; or an obligation ends split without it |
| penalty | not between its sides, before the deadline, twice, not a basis point of what is open at the last price |
| compensation | not between its sides, twice, or the obligation does not end by it |
| wait | left without having been entered, or entered twice; both for "could" and for a state told again |
| offsetting | more obligations released than ended in a set |
| novation | the house owes other than it is owed |
| fund | holds other at the start than was collected |

Ordering: that of the log. Cost: O(records). Errors: none; whatever is wrong is a finding in words with the number of
its record. Known limits: nothing contradicts a message, a delay or a break that was left out, an answer to a fault, or
the time of a trade.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
_Place = tuple[int, str, str, str]

_PPM_A_DAY = 100
_ENDS = ("settled", "closed_comp", "cancelled", "split", "disputed")
_OF_AN_OBLIGATION = frozenset(
    {
        "StateChanged", "LegFinal", "Could", "Waited", "Sent", "Delayed", "BookBreak",
        "PenaltyCharged", "BoughtIn", "PrincipalLost", "Novated",
    }
)  # fmt: skip


class Statements:
    """Reads a log once.

    Args:
        prices: Time, issue and price in 1/100 yen, in order of time; without them no penalty is worked out.

    Attributes:
        findings: What is wrong, in words.
    """

    def __init__(self, prices: Sequence[tuple[int, str, int]] = ()) -> None:
        self.findings: list[str] = []
        self._times: dict[str, list[int]] = {}
        self._sen: dict[str, list[int]] = {}
        for at_ns, issue, sen in prices:
            self._times.setdefault(issue, []).append(at_ns)
            self._sen.setdefault(issue, []).append(sen)
        self._number = 0
        self._deals: dict[str, Record] = {}
        self._done: dict[str, dict[str, int]] = {}
        self._state: dict[str, str] = {}
        self._locks: dict[int, Record] = {}
        self._delivered: dict[_Place, int] = {}
        self._just_returned: _Place | None = None
        self._given: dict[_Place, int] = {}
        self._posted: dict[str, list[Record]] = {}
        self._ended: dict[str, int] = {}
        self._legs: dict[str, list[Record]] = {}
        self._lost: dict[str, int] = {}
        self._compensated: dict[str, None] = {}
        self._bought: dict[str, None] = {}
        self._waiting: dict[str, bool] = {}
        self._once: dict[tuple[object, ...], None] = {}
        self._in_sets: dict[str, None] = {}
        self._released = self._collected = self._in_fund = 0
        self._judge: dict[str, Callable[[Record], None]] = {
            "Opened": self._opened,
            "Obliged": self._obliged,
            "StateChanged": self._changed,
            "LegFinal": self._leg,
            "Could": lambda one: self._first("could give", one["deal"], one["leg"]),
            "Waited": self._waited,
            "LockMade": self._locked,
            "LockEnded": self._unlocked,
            "Posted": self._post,
            "PrincipalLost": self._loses,
            "PenaltyCharged": self._penalty,
            "BoughtIn": self._compensation,
            "UnitsBought": lambda one: self._bought.setdefault(one["deal"]),
            "OffsetRun": self._offset,
            "Novated": self._novated,
            "FundCharged": self._charged,
            "Said": lambda one: self._first("an account is told", one["owner"], one["asset"]),
        }

    def read(self, log: Iterable[Record]) -> list[str]:
        """Everything; the findings."""
        for record in log:
            self._number += 1
            kind = record["is"]
            if kind in _OF_AN_OBLIGATION and record["deal"] not in self._deals:
                self._find(f"{kind} of {record['deal']}, which nobody owes")
            elif (judge := self._judge.get(kind)) is not None:
                judge(record)
            if kind != "LockEnded":
                self._just_returned = None
        self._close()
        return self.findings

    def _find(self, what: str) -> None:
        self.findings.append(f"record {self._number}: {what}")

    def _first(self, *what: object) -> None:
        """It may be said once."""
        if what in self._once:
            self._find(f"{' '.join(map(str, what))}, again")
        self._once[what] = None

    # --- obligations

    def _opened(self, one: Record) -> None:
        if (one["owner"], one["asset"]) == ("fund", "yen"):
            self._in_fund += one.get("amount", 0)

    def _charged(self, one: Record) -> None:
        self._collected += one["yen"]

    def _obliged(self, one: Record) -> None:
        self._deals[one["deal"]] = one
        self._done[one["deal"]] = {"token": 0, "cash": 0}
        if one["traded_ns"] > one["due_ns"]:
            self._find(f"{one['deal']} is due before it was traded")

    def _changed(self, one: Record) -> None:
        name, state, reason = one["deal"], one["state"], one.get("reason", "")
        if self._state.get(name) == state and not reason:
            self._find(f"{name} is {state} already")
        self._first("a state of", name, state, reason, one["at_ns"])
        if state in _ENDS:
            self._ended[name] = one["at_ns"]
        self._state[name] = state
        if reason == "offset" and state in _ENDS:
            self._in_sets[name] = None

    def _leg(self, one: Record) -> None:
        self._done[one["deal"]][one["leg"]] += one["amount"]
        self._legs.setdefault(one["deal"], []).append(one)

    def _waited(self, one: Record) -> None:
        name = one["deal"]
        if self._waiting.get(name, False) is one["entered"]:
            self._find(f"{name} {'enters' if one['entered'] else 'leaves'} the queue twice")
        self._waiting[name] = one["entered"]

    def _side(self, name: str, asset: str) -> tuple[str, int]:
        """Who gives the leg of an asset, and what of it is left."""
        deal, done = self._deals[name], self._done[name]
        if asset == "yen":
            return deal["buyer"], deal["yen"] - done["cash"]
        return deal["seller"], deal["units"] - done["token"]

    # --- locks and postings

    def _locked(self, one: Record) -> None:
        self._locks[one["lock"]] = one
        name, asset = one["deal"], one["asset"]
        if name not in self._deals:
            return  # of a whole cycle
        giver, left = self._side(name, asset)
        if one["owner"] != giver or asset not in ("yen", self._deals[name]["issue"]):
            self._find(f"{one['owner']} locks {asset} for {name}, where it is {giver} who gives")
        if one["amount"] > left:
            self._find(f"{one['amount']} of {asset} are locked for {name}, and {left} are left")
        if one["option_until_ns"] and one["option_until_ns"] <= one["at_ns"]:
            self._find(f"a lock of {name} can be let go before it is made")

    def _unlocked(self, one: Record) -> None:
        made = self._locks.get(one["lock"])
        if made is None:
            return  # auditor.py tells it
        place = one["at_ns"], made["deal"], made["owner"], made["asset"]
        if one["delivered"]:
            self._delivered[place] = self._delivered.get(place, 0) + made["amount"]
        else:
            self._just_returned = place

    def _post(self, one: Record) -> None:
        place = one["at_ns"], one["deal"], one["giver"], one["asset"]
        if place == self._just_returned:
            self._find(f"{place[1:]} returned, and posted")
        self._given[place] = self._given.get(place, 0) + one["amount"]
        self._posted.setdefault(one["deal"], []).append(one)

    # --- yen beside the legs

    def _loses(self, one: Record) -> None:
        name = one["deal"]
        deal, done = self._deals[name], self._done[name]
        ahead = done["token"] * deal["yen"] // deal["units"] - done["cash"]
        if one["bearer"] != deal["seller" if ahead > 0 else "buyer"] or one["yen"] != abs(ahead):
            self._find(f"{one['bearer']} loses {one['yen']} by {name}, of which {ahead} are ahead")
        self._first("a loss by", name)
        self._lost[name] = one["yen"]

    def _penalty(self, one: Record) -> None:
        name = one["deal"]
        deal = self._deals[name]
        self._between(one)
        self._first("a penalty of", name, one["at_ns"])
        if one["at_ns"] < deal["due_ns"]:
            self._find(f"{name} is charged before its deadline")
        due = self._charge(name, deal["units"] - self._done[name]["token"], one["at_ns"])
        if due is not None and one["yen"] != due:
            self._find(f"{name} is charged {one['yen']}, and {due} are due")

    def _charge(self, name: str, open_units: int, at_ns: int) -> int | None:
        """A day's penalty at the last price; None when there is no price yet, or none was given."""
        worth = self._worth(name, open_units, at_ns)
        return None if worth is None else worth * _PPM_A_DAY // 1_000_000

    def _worth(self, name: str, units: int, at_ns: int) -> int | None:
        issue = self._deals[name]["issue"]
        place = bisect_right(self._times.get(issue, []), at_ns)
        return self._sen[issue][place - 1] // 100 * units if place else None

    def _uncharged(self, name: str) -> None:
        """What is open at its deadline is charged then."""
        deal, legs = self._deals[name], self._legs.get(name, [])
        due_ns = deal["due_ns"]
        given = sum(
            one["amount"] for one in legs if one["leg"] == "token" and one["at_ns"] < due_ns
        )
        moving = any(
            one["at_ns"] == due_ns for one in legs
        )  # before or after: the log does not say
        if moving or deal["seller"] == deal["buyer"] or self._ended.get(name, due_ns) <= due_ns:
            return
        if self._charge(name, deal["units"] - given, due_ns) and (
            ("a penalty of", name, due_ns) not in self._once
        ):
            self._find(f"{name} is open at its deadline and nobody is charged")

    def _compensation(self, one: Record) -> None:
        self._between(one)
        self._first("a compensation of", one["deal"])
        name = one["deal"]
        self._compensated[name] = None
        done, deal = self._done[name], self._deals[name]
        worth = one["price_sen"] // 100 * (deal["units"] - done["token"])
        owed = (worth - deal["yen"] + done["cash"]) * (1 if one["payer"] == deal["seller"] else -1)
        if one["yen"] != owed:
            self._find(f"{one['payer']} pays {one['yen']} for {name}, and {owed} are due")

    def _between(self, one: Record) -> None:
        deal = self._deals[one["deal"]]
        sides = sorted((deal["seller"], deal["buyer"]))
        if sorted((one["payer"], one["taker"])) != sides or one["yen"] <= 0:
            self._find(f"{one['payer']} pays {one['taker']} {one['yen']} for {one['deal']}")

    # --- sets and houses

    def _offset(self, one: Record) -> None:
        self._released += one["released"]
        if not 0 <= one["released"] <= one["queued"]:
            self._find(f"{one['released']} of {one['queued']} are released")

    def _novated(self, one: Record) -> None:
        deal = self._deals[one["deal"]]
        self._first("a novation of", one["deal"])
        owed = one["units_in"], one["yen_in"], one["units_out"], one["yen_out"]
        if owed != 2 * (deal["units"], deal["yen"]):
            self._find(f"the house owes for {one['deal']} other than it is owed")

    # --- at the end

    def _close(self) -> None:
        self._number += 1
        for place, amount in self._delivered.items():
            if self._given.get(place, 0) != amount:
                self._find(f"{place[1:]} delivered {amount}, posted {self._given.get(place, 0)}")
        for name, state in self._state.items():
            if state == "split" and name not in self._lost:
                self._find(f"{name} ends split and nobody loses")
            if name in self._compensated and state != "closed_comp":
                self._find(f"{name} is compensated and ends {state}")
            self._uncharged(name)
        for name in self._lost:
            if self._state.get(name) != "split":
                self._find(f"{name} is lost and ends {self._state.get(name)}")
        for name, postings in self._posted.items():
            if name in self._deals and name not in self._bought:
                self._sum(name, postings)
        if self._released != len(self._in_sets):
            self._find(f"{self._released} are released by offsetting, {len(self._in_sets)} end so")
        if self._collected != self._in_fund:
            self._find(f"{self._collected} are collected, the fund begins with {self._in_fund}")

    def _sum(self, name: str, postings: Sequence[Record]) -> None:
        """What left the giver and what reached the taker of each leg is what became final."""
        deal = self._deals[name]
        seller, buyer = deal["seller"], deal["buyer"]
        if seller == buyer:
            return
        for asset, giver, taker, leg in (
            (deal["issue"], seller, buyer, "token"),
            ("yen", buyer, seller, "cash"),
        ):
            mine = [one for one in postings if one["asset"] == asset]
            left = sum(_net(one, giver) for one in mine)
            came = -sum(_net(one, taker) for one in mine)
            final = self._done[name][leg]
            in_set = name in self._in_sets and left <= final  # its rest is in the set's postings
            if left != came or (left != final and not in_set):
                self._find(
                    f"{name}: {left} of {asset} left {giver}, {came} reached {taker}, "
                    f"{final} became final"
                )


def _net(one: Record, firm: str) -> int:
    """What a posting takes from a firm, less what it brings it."""
    amount = int(one["amount"])
    return amount * (bool(one["giver"] == firm) - bool(one["taker"] == firm))
