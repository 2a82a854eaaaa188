"""What goes into a trial and what comes out: the case, and the records of its event log.

Purpose: the log alone is enough to recompute every balance, lock, exposure and figure of a run; nobody
who judges a run needs more. Times are UTC ns, amounts whole yen or units; an asset is YEN or the
name of an issue.
Ordering: records are in the order in which things happened; times never go back.
"""

from datetime import date
from typing import Final, NamedTuple

from market.message import Message
from settlement.designs.states import TERMINAL, Leg, ObligationState

YEN: Final = "yen"
OUTSIDE: Final = "outside"
FUND: Final = "fund"
CLEARER: Final = "clearer"
ISSUER: Final = "money issuer"
"""The estate of the issuer of the money, after its default."""
SYSTEMS: Final = frozenset(
    {
        "venue", "ledger", "token ledger", "cash ledger", "register", "notary", "platform", "agent",
        "oracle", "bank", "back office", "counterparty", "desk", CLEARER,
    }
)  # fmt: skip
"""Who takes part in settling any obligation; everyone else sees only its own."""


FINAL: Final = TERMINAL | {ObligationState.DISPUTED}
"""States in which a trial leaves an obligation; a dispute is one when the trial ends."""


class TrialTrade(NamedTuple):
    """One trade to be settled."""

    trade_id: str
    at_ns: int
    day: date
    issue: str
    seller: str
    buyer: str
    units: int
    yen: int


class Strike(NamedTuple):
    """One fault of a plan; ``after_ns`` counts from the readiness of what it strikes."""

    family: str
    kind: str
    target: str
    side: str
    after_ns: int
    for_ns: int


class Case(NamedTuple):
    """One trial.

    Attributes:
        liquidity: Share of the way from the lower to the upper liquidity bound, in hundredths.
        default_rule: What a net cycle does when a payer's funds do not come: use_fund, unwind,
            postpone, or novate (a house stands between from the beginning).
        prices: What units were worth: time, issue, price in 1/100 yen, in order of time.
        oracle_threshold: Shares a key of B3 needs; one operator may be wrong.
        seed: Draws the delays of people, by trade.
        whole: Obligations of which a side allows no parts.
        by_file: Whether yen are paid by the bank's next-morning file (a bank transfer) and not at once.
    """

    design: str
    horizon_days: int
    liquidity: int
    trades: tuple[TrialTrade, ...]
    strikes: tuple[Strike, ...] = ()
    seed: int = 0
    default_rule: str = "use_fund"
    prices: tuple[tuple[int, str, int], ...] = ()
    oracle_threshold: int = 2
    by_file: bool = False
    whole: frozenset[str] = frozenset()


class LogRecord(Message, frozen=True, kw_only=True):
    """The base of every record."""

    at_ns: int


class Opened(LogRecord, frozen=True, kw_only=True):
    """An account began with this; shares: of its clients, where a custodian keeps them."""

    owner: str
    asset: str
    amount: int
    shares: tuple[tuple[str, int], ...] = ()


class Obliged(LogRecord, frozen=True, kw_only=True):
    """An obligation came to be."""

    deal: str
    seller: str
    buyer: str
    issue: str
    units: int
    yen: int
    traded_ns: int
    due_ns: int


class StateChanged(LogRecord, frozen=True, kw_only=True):
    """An obligation moved to a state."""

    deal: str
    state: ObligationState
    actor: str
    reason: str = ""


class Sent(LogRecord, frozen=True, kw_only=True):
    """A message about an obligation, signed or not."""

    deal: str
    sender: str
    to: str
    signed: bool


class Could(LogRecord, frozen=True, kw_only=True):
    """A side could give for the first time."""

    deal: str
    leg: Leg


class Waited(LogRecord, frozen=True, kw_only=True):
    """An obligation entered the queue, or left it."""

    deal: str
    entered: bool


class LockMade(LogRecord, frozen=True, kw_only=True):
    """An owner gave up the use of an amount; until ``option_until_ns`` the other side alone decides."""

    lock: int
    deal: str
    owner: str
    asset: str
    amount: int
    option_until_ns: int = 0


class LockEnded(LogRecord, frozen=True, kw_only=True):
    """A lock ended; a posting follows when it was delivered."""

    lock: int
    delivered: bool


class Posted(LogRecord, frozen=True, kw_only=True):
    """An amount changed hands; whose it was and is, where a custodian keeps clients."""

    deal: str
    asset: str
    giver: str
    taker: str
    amount: int
    giver_shares: tuple[tuple[str, int], ...] = ()
    taker_shares: tuple[tuple[str, int], ...] = ()


class LegFinal(LogRecord, frozen=True, kw_only=True):
    """Part or all of a leg became irrevocable."""

    deal: str
    leg: Leg
    amount: int


class OffsetRun(LogRecord, frozen=True, kw_only=True):
    """Offsetting was run on a queue."""

    queued: int
    released: int


class Struck(LogRecord, frozen=True, kw_only=True):
    """A fault was applied; ``effect``: down, skew, act (its answers are Tried), or refused by construction."""

    family: str
    kind: str
    target: str
    cause: str
    effect: str
    from_ns: int
    until_ns: int


class Tried(LogRecord, frozen=True, kw_only=True):
    """A fault's own act on an obligation, and the ledgers' answer to it; most are refused."""

    deal: str
    family: str
    kind: str
    cause: str
    answer: str


class Asked(LogRecord, frozen=True, kw_only=True):
    """Somebody asked about an obligation, and was told this."""

    asker: str
    deal: str
    told: str


class RegisterTaken(LogRecord, frozen=True, kw_only=True):
    """Who owns an issue in law, at a record date: what is locked is still its giver's."""

    issue: str
    rows: tuple[tuple[str, int], ...]


class SecretHashed(LogRecord, frozen=True, kw_only=True):
    """The hash under which both legs are locked."""

    deal: str
    digest: str


class SecretShown(LogRecord, frozen=True, kw_only=True):
    """What opens the lock is in the open; from here on everyone knows it."""

    deal: str
    secret: str


class Delayed(LogRecord, frozen=True, kw_only=True):
    """A step of an obligation waited for a fault to pass."""

    deal: str
    cause: str
    family: str
    ns: int


class PrincipalLost(LogRecord, frozen=True, kw_only=True):
    """Somebody gave a leg and will not get the other."""

    deal: str
    bearer: str
    cause: str
    family: str
    yen: int


class BookBreak(LogRecord, frozen=True, kw_only=True):
    """Two records did not agree, and people repaired it."""

    deal: str
    minutes: int


class PenaltyCharged(LogRecord, frozen=True, kw_only=True):
    """A day of failing was charged; the money moves with a posting of its own."""

    deal: str
    payer: str
    taker: str
    yen: int


class BoughtIn(LogRecord, frozen=True, kw_only=True):
    """A fail ended in money: who failed pays what the other loses by the market's price."""

    deal: str
    payer: str
    taker: str
    yen: int
    price_sen: int


class UnitsBought(LogRecord, frozen=True, kw_only=True):
    """A fail was bought in: a third party's units for the buyer, at a price that buyer and failer pay together."""

    deal: str
    supplier: str
    units: int
    buyer_yen: int
    seller_yen: int
    price_sen: int


class Novated(LogRecord, frozen=True, kw_only=True):
    """A house took the place of each side: what it is owed (in), and what it owes (out)."""

    deal: str
    house: str
    units_in: int
    units_out: int
    yen_in: int
    yen_out: int


class LossShared(LogRecord, frozen=True, kw_only=True):
    """Part of a default's loss, borne by a line of the house's waterfall."""

    deal: str
    defaulter: str
    line: str
    payer: str
    yen: int


class FundCharged(LogRecord, frozen=True, kw_only=True):
    """A firm's contribution to the guarantee fund, collected before the trial."""

    payer: str
    yen: int


class FundPaid(LogRecord, frozen=True, kw_only=True):
    """The fund paid for a buyer and took the units; what the clearer owed the buyer was set off."""

    deal: str
    payer: str
    yen: int
    units: int


class FundRepaid(LogRecord, frozen=True, kw_only=True):
    """What a cycle owed a firm for whom the fund paid went to the fund instead."""

    payer: str
    yen: int


class IssuerDefaulted(LogRecord, frozen=True, kw_only=True):
    """The issuer of the money failed: nothing is paid any more, and claims are worth their recovery."""

    issuer: str
    recovery_ppm: int


class WrittenDown(LogRecord, frozen=True, kw_only=True):
    """What an owner of yen lost by it, of those that were free or set aside; a posting to the estate follows."""

    owner: str
    held: str
    cause: str
    family: str
    yen: int


class Said(LogRecord, frozen=True, kw_only=True):
    """What the run says an account holds at its end; an auditor compares."""

    owner: str
    asset: str
    amount: int
