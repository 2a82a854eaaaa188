"""What each design is by construction: names, records kept apart, who sees what, its risks in words.

Purpose: the columns of the report that no run can measure because the design decides them. Every
number here is our count over the design's state table (settlement/designs/), not a measurement;
the report says so beside it.
Ordering: DESIGNS is the order of the report. Facts of a trade: issue, units, yen, date, accounts,
status (six). A pair is two records kept apart that must agree.
Source of the list of risks: principles 4, 5, 7 to 12, 15 to 17 of the PFMI (CPMI-IOSCO, 2012).
"""

from dataclasses import dataclass
from typing import Final

FACTS: Final = 6

RISKS: Final = (
    "principal",
    "replacement cost",
    "liquidity",
    "operational",
    "custody",
    "legal and finality",
    "settlement bank",
    "privacy",
)


@dataclass(frozen=True, slots=True)
class Books:
    """What a design keeps, by construction.

    Attributes:
        ledgers: Ledgers that must be run for it.
        pairs: Pairs of records kept apart, each named "one ~ other".
        automatic: Share of their comparisons that needs no person.
        strangers_facts: Facts of one trade that reach nodes of neither party.
        register_lag_h: Hours from units moving to the register showing it.
    """

    ledgers: int
    pairs: tuple[str, ...]
    automatic: float
    strangers_facts: int
    register_lag_h: float

    @property
    def comparisons(self) -> int:
        """Comparisons a trade: every fact of every pair, once."""
        return FACTS * len(self.pairs)


@dataclass(frozen=True, slots=True)
class DesignCard:
    """One design in the report.

    Attributes:
        key: As on the command line and in the results.
        title: A few words.
        story: One sentence.
        risks: One phrase for each of RISKS.
    """

    key: str
    title: str
    story: str
    books: Books
    risks: tuple[str, ...]


_TWO_LEDGERS: Final = ("venue ~ token ledger", "venue ~ cash ledger", "token ~ cash ledger")
_CLEARED: Final = (
    "venue ~ clearer", "clearer ~ token ledger", "clearer ~ cash ledger",
    "clearer ~ seller", "clearer ~ buyer",
)  # fmt: skip
_TODAY: Final = (
    "venue ~ seller", "venue ~ buyer", "seller ~ buyer", "seller ~ bank statement",
    "buyer ~ bank statement", "seller ~ register", "buyer ~ register", "venue ~ register",
)  # fmt: skip
_TODAY_AUTOMATIC: Final = 0.625  # five of eight pairs come as files

DESIGNS: Final[tuple[DesignCard, ...]] = (
    DesignCard(
        "A", "Gross, atomic, one ledger",
        "Units and yen change hands in one posting, or neither does.",
        Books(1, ("venue ~ ledger",), 1.0, FACTS, 0.0),
        ("none by construction", "until the posting", "every leg is funded in full",
         "one ledger stops everything", "one ledger holds both assets", "one moment for both legs",
         "money is the ledger's own", "the operator sees both legs"),
    ),
    DesignCard(
        "A+LSM", "Gross with offsetting queue",
        "As A; what cannot settle alone waits, and sets that can settle together are released.",
        Books(1, ("venue ~ ledger",), 1.0, FACTS, 0.0),
        ("none by construction", "until release from the queue", "only what offsetting leaves",
         "queue and its order matter", "as A", "as A, sets are one posting", "as A",
         "the queue shows intentions"),
    ),
    DesignCard(
        "B1", "Hash time lock, two ledgers",
        "Both legs are locked under one hash; the secret that takes one opens the other.",
        Books(2, _TWO_LEDGERS, 1.0, 4, 0.0),
        ("outside its margin: who locks second", "until claim; walking away is free",
         "both legs locked until expiry", "an outage longer than the margin splits",
         "locks hold the asset", "two moments, one per ledger", "as the money chosen",
         "the hash joins the legs for whoever sees both"),
    ),
    DesignCard(
        "B2", "Provisional transfer, verified payment",
        "Units go to escrow, the payment is made and proved, the units follow the proof.",
        Books(2, _TWO_LEDGERS, 1.0, 9, 0.0),
        ("buyer between payment and delivery, owed by the escrow", "until payment",
         "units in escrow, cash reserved", "agent and payment platform must answer",
         "escrow holds the units", "payment first, delivery bound to it", "as the money chosen",
         "the agent sees all, the platform the cash leg"),
    ),
    DesignCard(
        "B3", "Keys released by an oracle",
        "The payment side holds one key for success and one for failure, and lets out just one.",
        Books(2, (*_TWO_LEDGERS, "oracle ~ cash ledger"), 1.0, 4, 0.0),
        ("only if the oracle lets out both", "until the verdict", "both legs wait for the oracle",
         "a silent oracle locks both legs", "locks hold the asset", "the verdict decides both",
         "the payment side is the oracle", "the oracle sees the hash and the cash leg"),
    ),
    DesignCard(
        "B4", "Notary as the bridge, safe order",
        "Uniqueness is reserved, the payment is made, then the transfer is committed or released.",
        Books(2, _TWO_LEDGERS, 1.0, 4, 0.0),
        ("none in the safe order; SPLIT in the unsafe one", "until the commit",
         "inputs reserved, cash reserved", "the notary must come back", "inputs stay with the owner",
         "the notary's commit", "as the money chosen", "the notary sees hashes only"),
    ),
    DesignCard(
        "B4-unsafe", "Notary as the bridge, unsafe order",
        "The payment is ordered while the transfer is being validated; uniqueness is checked after.",
        Books(2, _TWO_LEDGERS, 1.0, 4, 0.0),
        ("buyer, whenever the notary refuses after the payment", "until the commit",
         "cash paid, units not reserved", "a refusal comes too late", "units stay with the owner",
         "payment first, delivery may be refused", "as the money chosen",
         "the notary sees hashes only"),
    ),
    DesignCard(
        "C2", "Batch: tokens gross, cash net",
        "A cycle a day; units move one by one, yen once, completed together.",
        Books(2, _CLEARED, 1.0, 9, 0.0),
        ("in the cycle, unless guaranteed or completed in two steps", "until the cycle",
         "net debits only", "a default touches the whole cycle", "the clearer's accounts",
         "end of the cycle", "settlement bank of the cycle", "the clearer sees all"),
    ),
    DesignCard(
        "C3", "Batch: both net",
        "A cycle a day; units and yen move net, completed together.",
        Books(2, _CLEARED, 1.0, 9, 0.0),
        ("in the cycle, unless guaranteed", "until the cycle", "net debits only",
         "a default is unwound, covered or postponed", "the clearer's accounts",
         "end of the cycle", "settlement bank of the cycle", "the clearer sees all"),
    ),
    DesignCard(
        "C3-ccp", "Batch: both net, a house between",
        "As C3; a house takes the place of each side, with margin, its capital and a shared fund behind it.",
        Books(2, _CLEARED, 1.0, 9, 0.0),
        ("the house's, through its lines", "the house's, from novation", "net debits, and margin",
         "the house must stand", "the house's accounts", "end of the cycle; novation before it",
         "settlement bank of the cycle", "the house sees all"),
    ),
    DesignCard(
        "D-token", "Today: units first, bank transfer after",
        "The seller delivers, the buyer pays by bank, people reconcile.",
        Books(1, _TODAY, _TODAY_AUTOMATIC, 7, 24.0),
        ("seller, from delivery to the payment", "two days and the repair of breaks",
         "paid in full by bank", "files, bank hours, repair by hand", "firms' own accounts",
         "two moments, days may lie between", "commercial banks", "banks and register see their side"),
    ),
    DesignCard(
        "D-cash", "Today: bank transfer first, units after",
        "The buyer pays by bank, people reconcile, the seller delivers.",
        Books(1, _TODAY, _TODAY_AUTOMATIC, 7, 24.0),
        ("buyer, from payment to the delivery", "two days and the repair of breaks",
         "paid in full by bank", "files, bank hours, repair by hand", "firms' own accounts",
         "two moments, days may lie between", "commercial banks", "banks and register see their side"),
    ),
)  # fmt: skip

BY_KEY: Final = {card.key: card for card in DESIGNS}
