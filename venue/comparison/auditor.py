"""An auditor of a settlement trial: it has the event log as plain dictionaries, and nothing else.

Purpose: recompute every balance, register, lock, leg and exposure from what the log says moved, and tell where the run's own
statements differ. It imports nothing of this project and uses none of its types, so it shares no code with what it
judges: a record is a dictionary with its kind under "is".
Ordering: records in the order of the log. Units: ns, yen, units. Cost: O(records).
Errors: none; whatever is wrong is a finding in words, with the number of the record.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]

CLOSED = ("settled", "closed_comp", "cancelled", "split", "disputed")


class Auditor:
    """Reads a log once.

    Attributes:
        findings: What is wrong, in words.
        balance: By owner and asset, what the postings lead to.
        exposure_yen_ns: Value times time for which one leg of an obligation was ahead of the other.
        lost_yen: Principal lost by whom.
        written_down: Yen lost by whom when the issuer of the money failed.
        states: Last state of every obligation.
    """

    def __init__(self) -> None:
        self.findings: list[str] = []
        self.balance: dict[tuple[str, str], int] = {}
        self.exposure_yen_ns = 0
        self.lost_yen: dict[str, int] = {}
        self.states: dict[str, str] = {}
        self._began: dict[tuple[str, str], int] = {}
        self._free: dict[tuple[str, str], int] = {}
        self._issued: dict[str, int] = {}
        self._deals: dict[str, dict[str, Any]] = {}
        self._locks: dict[int, Record] = {}
        self._ended: set[int] = set()
        self._done: dict[str, dict[str, int]] = {}
        self._ahead_since: dict[str, tuple[int, int]] = {}
        self._said: dict[tuple[str, str], int] = {}
        self._shifted: dict[tuple[str, str], int] = {}
        self._recovery_ppm: int | None = None
        self._held_at_default: dict[str, int] = {}
        self.written_down: dict[str, int] = {}
        self._number = 0
        self._at = 0
        self._judge: dict[str, Callable[[Record], None]] = {
            "Opened": self._opened,
            "Obliged": self._obliged,
            "Posted": self._posted,
            "LockMade": self._locked,
            "LockEnded": self._unlocked,
            "LegFinal": self._leg,
            "StateChanged": self._state,
            "PrincipalLost": self._lost,
            "FundPaid": self._fund_paid,
            "UnitsBought": self._units_bought,
            "FundRepaid": self._fund_repaid,
            "IssuerDefaulted": self._issuer_defaulted,
            "WrittenDown": self._written_down,
            "Said": self._told,
        }

    def read(self, log: Iterable[Record]) -> list[str]:
        """Everything; the findings."""
        for record in log:
            self._number += 1
            at = record["at_ns"]
            if at < self._at:
                self._find("time goes back")
            self._at = max(at, self._at)
            if (judge := self._judge.get(record["is"])) is not None:
                judge(record)
        self._close()
        return self.findings

    def _find(self, what: str) -> None:
        self.findings.append(f"record {self._number}: {what}")

    def _opened(self, record: Record) -> None:
        place = record["owner"], record["asset"]
        if place in self.balance:
            self._find(f"{place} is opened twice")
        amount = record.get("amount", 0)
        self.balance[place] = self._free[place] = self._began[place] = amount
        self._issued[record["asset"]] = self._issued.get(record["asset"], 0) + amount

    def _obliged(self, record: Record) -> None:
        name = record["deal"]
        if name in self._deals:
            self._find(f"obligation {name} exists already")
        self._deals[name] = dict(record)
        self._done[name] = {"token": 0, "cash": 0}

    def _posted(self, record: Record) -> None:
        asset, amount = record["asset"], record["amount"]
        giver, taker = (record["giver"], asset), (record["taker"], asset)
        if amount <= 0:
            self._find("a posting of nothing or less")
        if self._recovery_ppm is not None and asset == "yen" and taker[0] != "money issuer":
            self._find(f"{giver} pays after the money's issuer has failed")
        if self._free.get(giver, 0) < amount:
            self._find(f"{giver} gives {amount} and has {self._free.get(giver, 0)} free")
        for books in (self.balance, self._free):
            books[giver] = books.get(giver, 0) - amount
            books[taker] = books.get(taker, 0) + amount

    def _locked(self, record: Record) -> None:
        number, place = record["lock"], (record["owner"], record["asset"])
        if number in self._locks or number in self._ended:
            self._find(f"lock {number} is used again")
        if self._free.get(place, 0) < record["amount"]:
            self._find(f"{place} locks what is not free")
        self._free[place] = self._free.get(place, 0) - record["amount"]
        self._locks[number] = record

    def _unlocked(self, record: Record) -> None:
        made = self._locks.pop(record["lock"], None)
        if made is None:
            self._find(f"lock {record['lock']} ends and is not live")
            return
        self._ended.add(record["lock"])
        place = made["owner"], made["asset"]
        self._free[place] = self._free.get(place, 0) + made["amount"]

    def _leg(self, record: Record) -> None:
        name = record["deal"]
        deal = self._deals.get(name)
        if deal is None:
            self._find(f"a leg of {name}, which does not exist")
            return
        if self.states.get(name) in CLOSED:
            self._find(f"a leg of {name} moves after its end")
        self._settle_exposure(name)
        done = self._done[name]
        done[record["leg"]] += record["amount"]
        if done["token"] > deal["units"] or done["cash"] > deal["yen"]:
            self._find(f"{name} is settled twice")
        ahead = done["token"] * deal["yen"] - done["cash"] * deal["units"]
        if abs(ahead) >= deal["units"] and deal["seller"] != deal["buyer"]:
            self._ahead_since[name] = (record["at_ns"], abs(ahead) // deal["units"])

    def _settle_exposure(self, name: str) -> None:
        since, yen = self._ahead_since.pop(name, (self._at, 0))
        self.exposure_yen_ns += yen * (self._at - since)

    def _state(self, record: Record) -> None:
        name, state = record["deal"], record["state"]
        if name not in self._deals:
            self._find(f"{name} is {state}, and does not exist")
            return
        if self.states.get(name) in CLOSED:
            self._find(f"{name} changes after its end")
        self.states[name] = state
        done, deal = self._done[name], self._deals[name]
        whole = done["token"] == deal["units"] and done["cash"] == deal["yen"]
        if state == "settled" and not whole:
            self._find(f"{name} is called settled with {done}")
        if (
            state == "closed_comp"
            and abs(done["token"] * deal["yen"] - done["cash"] * deal["units"]) > (deal["units"])
        ):
            self._find(f"{name} is closed with one leg ahead: {done}")
        if state == "split":
            self._settle_exposure(name)

    def _fund_paid(self, record: Record) -> None:
        """The fund stands in for a buyer: it pays and takes the units."""
        deal = self._deals.get(record["deal"])
        if deal is None or deal["buyer"] != record["payer"]:
            self._find(f"the fund pays for {record['payer']}, who owes nothing")
            return
        self._shift("yen", "fund", record["payer"], record["yen"])
        self._shift(deal["issue"], record["payer"], "fund", record["units"])

    def _issuer_defaulted(self, record: Record) -> None:
        """What everyone owns now, locked or not, is what they lose their share of."""
        if self._recovery_ppm is not None:
            self._find("the issuer fails twice")
        self._recovery_ppm = record["recovery_ppm"]
        self._held_at_default = {
            owner: yen for (owner, asset), yen in self.balance.items() if asset == "yen" and yen
        }

    def _written_down(self, record: Record) -> None:
        owner, yen = record["owner"], record["yen"]
        if self._recovery_ppm is None:
            self._find(f"{owner} loses money whose issuer stands")
        self._shift("yen", owner, "money issuer", yen)
        self.written_down[owner] = self.written_down.get(owner, 0) + yen

    def _losses(self) -> None:
        """Everyone has lost its share, to the yen."""
        for owner, held in sorted(self._held_at_default.items()):
            kept = held * (self._recovery_ppm or 0) // 1_000_000
            if self.written_down.get(owner, 0) != held - kept:
                self._find(f"{owner} had {held} yen and lost {self.written_down.get(owner, 0)}")

    def _units_bought(self, record: Record) -> None:
        """A third party delivers for a seller: to the yen, by whom the price is paid."""
        name, supplier = record["deal"], record["supplier"]
        deal, done = self._deals[name], self._done[name]
        units, agreed = deal["units"] - done["token"], deal["yen"] - done["cash"]
        cost = record["price_sen"] // 100 * units
        paid = record["buyer_yen"], record["seller_yen"]
        if record["units"] != units or supplier in {deal["seller"], deal["buyer"]}:
            self._find(f"{name} is bought in for {record['units']} units of {supplier}")
        if paid != (min(cost, agreed), max(0, cost - agreed)):
            self._find(f"{name} is bought in for {cost} and paid with {paid}")
        self._shift(deal["issue"], supplier, deal["buyer"], record["units"])
        self._shift("yen", deal["buyer"], supplier, record["buyer_yen"])
        self._shift("yen", deal["seller"], supplier, record["seller_yen"])

    def _fund_repaid(self, record: Record) -> None:
        self._shift("yen", record["payer"], "fund", record["yen"])

    def _lost(self, record: Record) -> None:
        bearer = record["bearer"]
        self.lost_yen[bearer] = self.lost_yen.get(bearer, 0) + record["yen"]

    def _told(self, record: Record) -> None:
        self._said[record["owner"], record["asset"]] = record.get("amount", 0)

    def _shift(self, asset: str, giver: str, taker: str, amount: int) -> None:
        """What moves between two besides their legs."""
        for owner, change in ((giver, -amount), (taker, amount)):
            place = owner, asset
            self._shifted[place] = self._shifted.get(place, 0) + change

    def _close(self) -> None:
        self._number += 1
        for name in list(self._ahead_since):
            self._settle_exposure(name)
        for number in self._locks:
            self._find(f"lock {number} never ends")
        for name in self._deals:
            if self.states.get(name) not in CLOSED:
                self._find(f"obligation {name} never ends")
        for place, amount in sorted(self.balance.items()):
            if amount < 0:
                self._find(f"{place} ends below zero: {amount}")
            if self._said.get(place, 0) != amount:
                self._find(f"{place} holds {amount}; the run says {self._said.get(place)}")
        for asset, issued in sorted(self._issued.items()):
            held = sum(amount for (_, other), amount in self.balance.items() if other == asset)
            if held != issued:
                self._find(f"{asset}: {held} held, {issued} issued")
        self._registers()
        self._losses()

    def _registers(self) -> None:
        """What each firm should hold by the legs that are final, against the postings."""
        due = dict.fromkeys(self.balance, 0)
        for place, change in self._shifted.items():
            due[place] = due.get(place, 0) + change
        for name, deal in self._deals.items():
            done = self._done[name]
            for owner, asset, amount in (
                (deal["seller"], deal["issue"], -done["token"]),
                (deal["buyer"], deal["issue"], done["token"]),
                (deal["buyer"], "yen", -done["cash"]),
                (deal["seller"], "yen", done["cash"]),
            ):
                due[owner, asset] = due.get((owner, asset), 0) + amount
        for place, change in sorted(due.items()):
            opened = self._began.get(place, 0)
            if self.balance.get(place, 0) != opened + change:
                self._find(
                    f"{place}: legs lead to {opened + change}, postings to {self.balance.get(place, 0)}"
                )
